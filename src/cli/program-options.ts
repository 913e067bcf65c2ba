import type { Redactor } from '../observability/redactor.ts';
import type { Command, Writer } from './command.ts';
import type { LastWords } from './crash.ts';

/** What a command line needs of its process; tests give their own. */
export interface ProgramOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly commands?: readonly Command[];
  /** Calls `stop` at the first signal; returns how to end that. */
  readonly onStop: (stop: (signal: string) => void) => () => void;
  /** Tells an error that nobody caught, instead of what told it before. */
  readonly onCrash?: (tell: LastWords) => void;
  /** Gets to know every secret that is read. */
  readonly redactor?: Redactor;
}
