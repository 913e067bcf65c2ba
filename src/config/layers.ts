import { nearest } from './nearest.ts';
import { describe, SETTING_KEYS, type SettingKey } from './schema.ts';
import { fileKey, flagName } from './setting.ts';

/** Where a value can come from, the strongest first. */
export const ORIGINS = ['flag', 'env', 'file', 'default'] as const;
export type Origin = (typeof ORIGINS)[number];

/** A value as it was found, before it is parsed. */
export interface Found {
  readonly origin: Origin;
  /** The name under which it was found: `--zones`, `ZONEKEEPER_ZONES`, `zones`. */
  readonly name: string;
  readonly text: string;
  /** `text` is the path of a file that holds the value. */
  readonly indirect: boolean;
}

/** The values of one origin, and what is wrong with its names. */
export interface Layer {
  readonly found: ReadonlyMap<SettingKey, Found>;
  readonly problems: readonly string[];
}

/** Variables that name the configuration file itself. */
export const CONFIG_ENV = 'ZONEKEEPER_CONFIG';
export const CONFIG_FLAG = 'config';

/** Kubernetes sets such variables in every pod for a Service called zonekeeper (unless enableServiceLinks is false). */
const SERVICE_LINK =
  /^ZONEKEEPER_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)?)$/;
/** Variables of the test suite, which may be set in a shell that also runs a command. */
const TESTS = 'ZONEKEEPER_TEST_';

interface Naming {
  readonly origin: Origin;
  readonly of: (env: string) => string;
  /** What makes of a secret's name the name of a file that holds it. */
  readonly suffix: string;
  /** How a name is written in messages. */
  readonly shown: (name: string) => string;
  readonly what: string;
}

const FLAGS: Naming = {
  origin: 'flag',
  of: flagName,
  suffix: '-file',
  shown: (name) => `--${name}`,
  what: 'flag',
};
const ENVIRONMENT: Naming = {
  origin: 'env',
  of: (env) => env,
  suffix: '_FILE',
  shown: (name) => name,
  what: 'variable',
};
const FILE: Naming = {
  origin: 'file',
  of: fileKey,
  suffix: '_file',
  shown: (name) => name,
  what: 'key',
};

/** The values among the flags of the command line, by their names without dashes. */
export function flagLayer(flags: Readonly<Record<string, string>>): Layer {
  const entries = Object.entries(flags).filter(([name]) => name !== CONFIG_FLAG);
  return layer(FLAGS, entries, [CONFIG_FLAG]);
}

/** The values among the environment's variables. An empty one counts as not set, as `NAME=${NAME:-}` makes them. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const known = names(ENVIRONMENT);
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || name === CONFIG_ENV) continue;
    const ours = name.startsWith('ZONEKEEPER_') && !name.startsWith(TESTS) && !SERVICE_LINK.test(name);
    if (known.has(name) || ours) entries.push([name, value]);
  }
  return layer(ENVIRONMENT, entries, [CONFIG_ENV]);
}

/** What stands in the environment's variables of secrets, good or not. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): string[] {
  return SETTING_KEYS.map(describe).flatMap(({ env: name, secret }) => (secret && env[name]) || []);
}

/** The values among the keys of the file. */
export function fileLayer(entries: readonly (readonly [string, string])[]): Layer {
  return layer(FILE, entries, []);
}

/** The names of all settings' flags, without dashes, and whether each may stand without a value. */
export function settingFlags(keys: readonly SettingKey[]): Map<string, { readonly bare: string | undefined }> {
  const flags = new Map<string, { readonly bare: string | undefined }>();
  for (const key of keys) {
    const { env, secret, type } = describe(key);
    flags.set(flagName(env), { bare: type.bare });
    if (secret) flags.set(`${flagName(env)}${FLAGS.suffix}`, { bare: undefined });
  }
  return flags;
}

function names(naming: Naming): Map<string, { readonly key: SettingKey; readonly indirect: boolean }> {
  const known = new Map<string, { readonly key: SettingKey; readonly indirect: boolean }>();
  for (const key of SETTING_KEYS) {
    const { env, secret } = describe(key);
    known.set(naming.of(env), { key, indirect: false });
    if (secret) known.set(`${naming.of(env)}${naming.suffix}`, { key, indirect: true });
  }
  return known;
}

function layer(naming: Naming, entries: readonly (readonly [string, string])[], others: readonly string[]): Layer {
  const known = names(naming);
  const found = new Map<SettingKey, Found>();
  const problems: string[] = [];
  for (const [name, text] of entries) {
    const target = known.get(name);
    const shown = naming.shown(name.slice(0, 80));
    if (target === undefined) {
      const guess = nearest(name, [...known.keys(), ...others]);
      const hint = guess === null ? '' : ` (did you mean ${naming.shown(guess)}?)`;
      problems.push(`${shown} is not a known ${naming.what}${hint}.`);
      continue;
    }
    const other = found.get(target.key);
    if (other !== undefined) problems.push(`${other.name} and ${shown} are both set; leave one of them out.`);
    found.set(target.key, { origin: naming.origin, name: shown, text, indirect: target.indirect });
  }
  return { found, problems };
}
