import type { Config } from '../config/config.ts';
import type { Resolution } from '../config/resolve.ts';
import type { CommandName } from '../config/setting.ts';
import type { Log } from '../observability/logger.ts';
import type { Redactor } from '../observability/redactor.ts';

/** A flag of one command, beside those of the settings it takes. */
export interface OwnFlag {
  readonly name: string;
  /** What stands for its value in help texts; null for a switch. */
  readonly value: string | null;
  readonly doc: string;
}

/** What stands on the command line without dashes. */
export interface Positional {
  readonly name: string;
  readonly doc: string;
  readonly required: boolean;
  readonly many: boolean;
}

/** A command: what help texts say of it, what it takes, and where its code is. */
export interface Command {
  readonly name: CommandName;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** A paragraph or two. */
  readonly description: string;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  readonly positionals: readonly Positional[];
  readonly flags: readonly OwnFlag[];
  /** It prints data and takes `--json`. */
  readonly json: boolean;
  /** The first SIGINT or SIGTERM aborts `signal` and is waited for; otherwise it ends the process as usual. */
  readonly graceful: boolean;
  readonly load: () => Promise<{ readonly default: CommandRun }>;
}

/** A command's own flags, as they were given. Asking for one that the command does not have is a bug and throws. */
export interface Flags {
  /** Is the switch set? */
  on(name: string): boolean;
  /** The value; null when it was not given. The last one counts. */
  text(name: string): string | null;
}

/** What a command writes to. */
export interface Writer {
  write(text: string): void;
  /** Columns of the terminal; null when it is none. */
  readonly width: number | null;
}

/** What a command gets. */
export interface CommandContext {
  readonly command: Command;
  readonly version: string;
  readonly flags: Flags;
  readonly positionals: readonly string[];
  /** Print data as JSON, and nothing else, to `stdout`. */
  readonly json: boolean;
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Knows the secrets of the configuration as soon as that is loaded. */
  readonly redactor: Redactor;
  /** The settings; throws `config_invalid` or `insecure_listen`. `needs`: the command whose requirements must be met. */
  config<C extends CommandName>(needs: C): Promise<Config<C>>;
  /** The settings with their problems instead of an error. */
  settings(needs: CommandName): Promise<Resolution>;
  /** A log as the settings want it: on standard output for `run`, on standard error for commands that print data. */
  log(config: Pick<Config, 'logLevel' | 'logFormat'>): Promise<Log>;
}

/** The default export of a command's file. Returns the exit code; what it throws is printed. */
export type CommandRun = (context: CommandContext) => Promise<number>;
