import type { Logger } from 'pino';
import { Collapse, type CollapseClock, type LogFields } from './collapse.ts';

/** What failed, as far as a line tells it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/**
 * Warnings of what is tried again: what fails for one reason is one line now and one a minute, with the error's code. Only an
 * error that nobody expected is told with its stack, and apart from others of its kind.
 */
export class Warnings {
  readonly #collapse: Collapse;

  constructor({ log, clock }: { readonly log: Pick<Logger, 'warn'>; readonly clock: CollapseClock }) {
    this.#collapse = new Collapse({ clock, write: (message, fields) => log.warn(fields, message) });
  }

  /** Says the line, or counts it with those before that are about the same and have the same code. */
  failed(about: string, failure: Failure, message: string, fields: LogFields = {}): void {
    const { code } = failure;
    if (code === 'internal')
      this.#collapse.say(`${about} ${code} ${failure.message}`, message, { ...fields, code, err: failure });
    else this.#collapse.say(`${about} ${code}`, message, { ...fields, code });
  }

  /** Says what has no code, or counts it with those before that are about the same. */
  say(about: string, message: string): void {
    this.#collapse.say(about, message);
  }

  /** It works again: the next failure is the first. */
  over(about: string): void {
    this.#collapse.flush((key) => key.startsWith(`${about} `));
  }

  /** Writes the summaries that are due later. */
  flush(): void {
    this.#collapse.flush();
  }
}
