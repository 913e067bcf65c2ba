import { readWords, wholeNumber } from '../support/words.ts';

export const HELP = `Real processes, killed and struck at random moments during a storm of changes. docs/reliability.md says what is tried.

  npm run chaos                                  200 kills and 5000 changes, about half an hour
  npm run chaos -- --kills 10 --changes 300      a short one
  npm run chaos -- --seed 13                     the same blows in the same order; not how the processes answer to them

  --kills N      kill -9 of a daemon, at least (200)
  --changes N    changes of consumers and records, at least (5000)
  --daemons N    processes that run (2)
  --seed N       by the clock where it is not given

Exits with 1 when anything was lost, leaked, doubled, told wrongly or touched that is not ours; with 64 when the command
line says nothing that can be done.
`;

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  kills: { type: 'string' },
  changes: { type: 'string' },
  daemons: { type: 'string' },
  seed: { type: 'string' },
} as const;
const MOST = 1_000_000;
const MOST_DAEMONS = 16;

/** What a command line asks chaos for; null for help. */
export interface Asked {
  readonly kills: number;
  readonly changes: number;
  readonly daemons: number;
  /** Null: any. */
  readonly seed: number | null;
}

/** Reads a command line. Throws `UsageError` for one that asks for nothing that can be done. */
export function askedFor(argv: readonly string[]): Asked | null {
  const words = readWords(argv, FLAGS);
  if (words.help) return null;
  return {
    kills: wholeNumber(words, 'kills', 0, MOST) ?? 200,
    changes: wholeNumber(words, 'changes', 1, MOST) ?? 5_000,
    daemons: wholeNumber(words, 'daemons', 1, MOST_DAEMONS) ?? 2,
    seed: wholeNumber(words, 'seed', 0),
  };
}
