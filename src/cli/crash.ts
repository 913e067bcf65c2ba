import type { Redactor } from '../observability/redactor.ts';
import { EXIT } from './exit.ts';

/** The part of `process` that is needed. */
export interface CrashSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  readonly report: {
    excludeEnv: boolean;
    readonly reportOnUncaughtException: boolean;
    writeReport(error: Error): string;
  };
}

export interface CrashOptions {
  readonly source: CrashSource;
  readonly redactor: Redactor;
  /** Writes where nothing stands in between: for what nobody else could tell. */
  readonly onUntold: (text: string) => void;
  /** Ends the process at once, with this code. */
  readonly onEnd: (exitCode: number) => void;
}

/** How an error that nobody caught is told. */
export type LastWords = (error: unknown) => void;

/**
 * An error that nobody caught ends the process, as it does in any Node: it is a bug, and nobody knows what is half done. But
 * Node would print the error with all its fields, and what others throw may quote a header or a URL with a secret in it. So it is
 * told by us, redacted. Node's diagnostic reports, which people can ask for, would hold the whole environment and the error as it
 * is: they get neither. Returns how to tell it better from now on.
 */
export function handleCrashes({ source, redactor, onUntold, onEnd }: CrashOptions): (tell: LastWords) => void {
  source.report.excludeEnv = true;
  const plainly: LastWords = (error) => onUntold(`${redacted(error, redactor).stack}\n`);
  let tell = plainly;
  source.on('uncaughtException', (error) => {
    try {
      try {
        tell(error);
      } catch {
        // The log itself may be what failed.
        plainly(error);
      }
      // With a listener there is, Node writes none by itself.
      if (source.report.reportOnUncaughtException) source.report.writeReport(redacted(error, redactor));
    } finally {
      onEnd(EXIT.error);
    }
  });
  return (better) => {
    tell = better;
  };
}

/** Message and stack without secrets, and nothing else. */
function redacted(thrown: unknown, redactor: Redactor): Error {
  const clean = new Error(redactor.text(thrown instanceof Error ? thrown.message : String(thrown)));
  clean.stack = redactor.text(thrown instanceof Error ? (thrown.stack ?? '') : '');
  return clean;
}
