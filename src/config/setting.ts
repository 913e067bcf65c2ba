import type { ValueType } from './value.ts';

/** The commands, as the command line knows them. */
export const COMMANDS = [
  'run',
  'plan',
  'sync',
  'records',
  'delete',
  'adopt',
  'migrate',
  'demo',
  'simulate',
  'health',
  'config',
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** One setting, as the schema describes it. Flag and key of the file follow from the variable's name. */
export interface Setting<T = unknown> {
  /** The environment variable. */
  readonly env: string;
  readonly type: ValueType<T>;
  /** The default as somebody would write it; null when there is none, so that the value may be null. */
  readonly default: string | null;
  /** What the absence of a value means, for the docs; only where `default` is null. */
  readonly absent?: string;
  /** Never shown; can be read from a file named by `<env>_FILE`. */
  readonly secret?: true;
  /** What it does, in one or two sentences. */
  readonly doc: string;
  /** The commands that fail without it. */
  readonly requiredBy?: readonly CommandName[];
  /** The commands that take it. */
  readonly takenBy: readonly CommandName[];
}

/** Keeps the literal types of a description. */
export function setting<T, const S extends Setting<T>>(description: S & Setting<T>): S {
  return description;
}

const PREFIX = 'ZONEKEEPER_';

/** The key of the YAML file: `ZONEKEEPER_DRIFT_CHECK_MIN` is `drift_check_min`, `DATABASE_URL` is `database_url`. */
export function fileKey(env: string): string {
  return (env.startsWith(PREFIX) ? env.slice(PREFIX.length) : env).toLowerCase();
}

/** The flag without its dashes: `drift-check-min`, `database-url`. */
export function flagName(env: string): string {
  return fileKey(env).replaceAll('_', '-');
}
