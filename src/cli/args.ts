import { parseArgs } from 'node:util';
import { CONFIG_FLAG, settingFlags } from '../config/layers.ts';
import { nearest } from '../config/nearest.ts';
import { settingsOf } from '../config/schema.ts';
import { ZonekeeperError } from '../errors.ts';
import type { Command, Flags } from './command.ts';

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly command: Command | null }
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly flags: Flags;
      /** Flags of settings, and `config`: what `loadConfig` takes. */
      readonly settings: Readonly<Record<string, string>>;
      readonly positionals: readonly string[];
      readonly json: boolean;
    };

/** More words on a command line are a mistake. */
const MAX_ARGS = 100_000;
const HELP = new Set(['-h', '--help']);

/**
 * Reads the command line (without `node` and the script). Throws `usage` with every problem at once; a message names flags
 * but never repeats a value, which may be a secret.
 */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Invocation {
  const [first, ...rest] = argv;
  if (argv.length > MAX_ARGS) throw usage(['There are too many arguments.'], null);
  if (first === undefined || HELP.has(first)) return { kind: 'help', command: null };
  if (first === '--version' || first === '-V') return { kind: 'version' };
  if (first === 'help') {
    const [name] = rest;
    return { kind: 'help', command: name === undefined ? null : findCommand(name, commands) };
  }
  if (first.startsWith('-')) throw usage([`The command comes first, then its flags (${nameOf(first)}).`], null);
  const command = findCommand(first, commands);
  // Help wins over whatever else is wrong, but not behind "--".
  const end = rest.indexOf('--');
  if (rest.slice(0, end === -1 ? rest.length : end).some((word) => HELP.has(word))) return { kind: 'help', command };
  return parseFlags(command, rest);
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return command;
  const guess = nearest(
    name,
    commands.map((known) => known.name),
  );
  const hint = guess === null ? 'See `zonekeeper --help`.' : `Did you mean \`zonekeeper ${guess}\`?`;
  throw usage([`${JSON.stringify(name.slice(0, 40))} is not a command. ${hint}`], null);
}

function parseFlags(command: Command, argv: readonly string[]): Invocation {
  const known = flagsOf(command);
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      [...known].map(([name, { bare }]) => [name, { type: bare === undefined ? 'string' : 'boolean' }]),
    ),
  });
  const given = new Map<string, string>();
  const positionals: string[] = [];
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const read = readFlag(token, known);
    if ('problem' in read) problems.push(read.problem);
    else given.set(read.name, read.value);
  }
  checkPositionals(command, positionals, problems);
  if (problems.length > 0) throw usage(problems, command);
  const own = new Set([...command.flags.map(({ name }) => name), ...(command.json ? ['json'] : [])]);
  return {
    kind: 'command',
    command,
    flags: flagsView(command, given),
    settings: Object.fromEntries([...given].filter(([name]) => !own.has(name))),
    positionals,
    json: command.json && given.get('json') === 'true',
  };
}

interface KnownFlag {
  /** The value of a flag without one; undefined when it needs a value. */
  readonly bare: string | undefined;
}

/** All flags of a command. Its own win over those of settings. */
function flagsOf(command: Command): Map<string, KnownFlag> {
  const known = new Map<string, KnownFlag>(settingFlags(settingsOf(command.name)));
  known.set(CONFIG_FLAG, { bare: undefined });
  for (const { name, value } of command.flags) known.set(name, { bare: value === null ? 'true' : undefined });
  if (command.json) known.set('json', { bare: 'true' });
  return known;
}

function readFlag(
  token: {
    readonly name: string;
    readonly rawName: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
  known: ReadonlyMap<string, KnownFlag>,
): { readonly name: string; readonly value: string } | { readonly problem: string } {
  const { name, value, inlineValue } = token;
  const shown = nameOf(token.rawName);
  const flag = known.get(name);
  if (flag === undefined) {
    const positive = name.startsWith('no-') ? name.slice(3) : '';
    if (known.get(positive)?.bare !== undefined && value === undefined) return { name: positive, value: 'false' };
    const guess = nearest(name, [...known.keys(), 'help']);
    return { problem: `${shown} is not a flag of this command${guess === null ? '' : ` (did you mean --${guess}?)`}.` };
  }
  if (value === undefined && flag.bare !== undefined) return { name, value: flag.bare };
  if (value === undefined || (value === '' && flag.bare === undefined)) return { problem: `${shown} needs a value.` };
  // `--zones --dry-run` forgets the value; one that begins with a dash is written `--zones=-x`.
  if (inlineValue !== true && value.startsWith('-')) return { problem: `${shown} needs a value.` };
  return { name, value };
}

function checkPositionals({ positionals }: Command, given: readonly string[], problems: string[]): void {
  const required = positionals.filter((positional) => positional.required);
  const missing = required[given.length];
  if (missing !== undefined) problems.push(`<${missing.name}> is missing.`);
  if (!positionals.some(({ many }) => many) && given.length > positionals.length) {
    const extra = given[positionals.length] ?? '';
    problems.push(`There is one argument too many: ${JSON.stringify(extra.slice(0, 80))}.`);
  }
}

function flagsView(command: Command, given: ReadonlyMap<string, string>): Flags {
  const read = (name: string): string | null => {
    if (!command.flags.some((flag) => flag.name === name)) throw new Error(`${command.name} has no flag --${name}`);
    return given.get(name) ?? null;
  };
  return { on: (name) => read(name) === 'true', text: read };
}

/** A flag without what stands behind the equals sign. */
function nameOf(flag: string): string {
  return flag.split('=', 1).join('').slice(0, 60);
}

function usage(problems: readonly string[], command: Command | null): ZonekeeperError {
  return new ZonekeeperError('usage', problems.join(' '), { facts: { problems, command: command?.name ?? null } });
}
