import { readWords, UsageError, type Words, wholeNumber } from '../support/words.ts';

/** What a command line asks the simulation for. */
export type Asked =
  | { readonly what: 'help' }
  | { readonly what: 'one'; readonly seed: number; readonly trace: boolean; readonly reduce: boolean }
  | { readonly what: 'replay'; readonly file: string; readonly seed: number | null; readonly trace: boolean }
  | { readonly what: 'crashes'; readonly pairs: boolean; readonly only: number | null }
  | { readonly what: 'planted'; readonly only: string | null; readonly seeds: number; readonly workers: number }
  | {
      readonly what: 'many';
      /** Null: new ones. */
      readonly from: number | null;
      readonly seeds: number;
      /** Null: until all are done. */
      readonly seconds: number | null;
      readonly workers: number;
    };

export const HELP = `The core on virtual time, with faults at every call. docs/reliability.md says what is tried.

  npm run simulation -- --seeds 10000             so many schedules, new ones each time
  npm run simulation -- --from 1 --seeds 10000    the same ones each time; exit code 1 if --seconds cuts them short
  npm run simulation -- --seed 42 --trace         the story of one seed
  npm run simulation -- --seed 42 --reduce        its shortest form that still fails
  npm run simulation -- --plan FILE --trace       the story of such a form: FILE holds what --reduce printed
  npm run simulation -- --crashes [--pairs]       scenarios, crashed at every call, or at every two
  npm run simulation -- --planted [--only WORDS]  every planted mistake must be caught

  --seeds N     schedules (1000), or the most that a planted mistake is given (5000)
  --from N      the first seed; by the clock where it is not given
  --seconds S   no schedule begins after that
  --seed N      one seed; with --plan, the interleaving
  --plan FILE   a plan as --reduce prints it; - reads it from standard input
  --trace       tells what happens
  --reduce      leaves strikes out for as long as it still fails
  --crashes     the crash points of the scenarios; --pairs every two of them, in the smallest ones
  --planted     mistakes in copies of the sources
  --only X      one scenario by its number, or the mistakes whose name has these words
  --workers N   processes (one for each core, 8 at most)

Exits with 1 when a promise was broken, a kind of fault never struck in 10,000 schedules, a mistake was not caught, or
fewer seeds were run than were named; with 64 when the command line says nothing that can be done.
`;

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string' },
  plan: { type: 'string' },
  trace: { type: 'boolean' },
  reduce: { type: 'boolean' },
  crashes: { type: 'boolean' },
  pairs: { type: 'boolean' },
  planted: { type: 'boolean' },
  only: { type: 'string' },
  workers: { type: 'string' },
} as const;
type Flag = keyof typeof FLAGS;

type Mode = readonly [what: Exclude<Asked['what'], 'help'>, by: Flag | null, flags: readonly Flag[]];
/** What is asked for where no flag says otherwise. */
const MANY: Mode = ['many', null, ['from', 'seeds', 'seconds', 'workers']];
/** The flag that asks for something, and those that go with it; the first one that is given decides. */
const MODES: readonly Mode[] = [
  ['replay', 'plan', ['plan', 'seed', 'trace']],
  ['one', 'seed', ['seed', 'trace', 'reduce']],
  ['crashes', 'crashes', ['crashes', 'pairs', 'only']],
  ['planted', 'planted', ['planted', 'only', 'seeds', 'workers']],
];
/** More than this is a slip of the finger. */
const MOST_SEEDS = 1_000_000_000;
/** A day. */
const MOST_SECONDS = 86_400;
const MOST_WORKERS = 64;

/** What is there to choose from. */
export interface Choice {
  readonly scenarios: readonly string[];
  readonly mistakes: readonly string[];
  /** Processes where nothing is said. */
  readonly workers: number;
}

/** Reads a command line. Throws {@link UsageError} for one that asks for nothing that can be done. */
export function askedFor(argv: readonly string[], { scenarios, mistakes, workers: usual }: Choice): Asked {
  const words = readWords(argv, FLAGS);
  if (words.help) return { what: 'help' };
  const [what, by, flags] = MODES.find(([, flag]) => flag !== null && words[flag] !== undefined) ?? MANY;
  const alien = Object.keys(words).find((flag) => !flags.includes(flag as Flag));
  if (alien !== undefined) {
    const beside = by === null ? 'on its own' : `beside --${by}`;
    throw new UsageError(
      `--${alien} has no meaning ${beside}: that goes with ${flags.map((f) => `--${f}`).join(', ')}.`,
    );
  }
  const workers = wholeNumber(words, 'workers', 1, MOST_WORKERS) ?? usual;
  const seed = wholeNumber(words, 'seed', 0);
  const trace = words.trace === true;
  if (what === 'replay') return { what, file: textOf(words, 'plan') ?? '', seed, trace };
  if (what === 'one') return { what, seed: seed ?? 0, trace, reduce: words.reduce === true };
  if (what === 'crashes') {
    const only = wholeNumber(words, 'only', 0);
    if (only !== null && scenarios[only] === undefined) {
      const list = scenarios.map((name, index) => `  ${index}  ${name}`).join('\n');
      throw new UsageError(`There is no scenario ${only}. These are there:\n${list}`);
    }
    return { what, pairs: words.pairs === true, only };
  }
  const seeds = wholeNumber(words, 'seeds', 1, MOST_SEEDS);
  if (what === 'planted') {
    const only = textOf(words, 'only');
    if (only !== null && !mistakes.some((name) => name.includes(only))) {
      const list = mistakes.map((name) => `  ${name}`).join('\n');
      throw new UsageError(`No mistake has ${JSON.stringify(only)} in its name. These are there:\n${list}`);
    }
    // A mistake shows in one schedule of several hundred, some of them.
    return { what, only, seeds: seeds ?? 5_000, workers };
  }
  const seconds = wholeNumber(words, 'seconds', 1, MOST_SECONDS);
  return { what, from: wholeNumber(words, 'from', 0), seeds: seeds ?? 1_000, seconds, workers };
}

function textOf(words: Words, flag: Flag): string | null {
  const word = words[flag];
  return typeof word === 'string' && word !== '' ? word : null;
}
