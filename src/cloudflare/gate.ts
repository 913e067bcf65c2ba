import type { Clock, Timer } from '../controller/clock.ts';
import { Waiters } from './waiters.ts';

/**
 * The gate that all calls pass. A 429 closes it for everyone until Cloudflare takes calls again; who waits is let in then, or
 * leaves when its signal is aborted.
 */
export class Gate {
  readonly #clock: Clock;
  readonly #waiters = new Waiters<void>();
  #until: number | null = null;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When it opens, by the monotonic clock; null while it is open. */
  get closedUntil(): number | null {
    return this.#until;
  }

  /** Closes it for so many milliseconds; never for less than it was closed already. */
  close(ms: number): void {
    const until = this.#clock.now() + ms;
    if (this.#until !== null && this.#until >= until) return;
    this.#until = until;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => this.#open());
  }

  /** Resolves when it opens; rejects with the signal's reason, or with the one of {@link Gate.stop}. */
  opened(signal: AbortSignal | undefined): Promise<void> {
    return this.#until === null ? Promise.resolve() : this.#waiters.wait(signal);
  }

  /** Turns away who waits. */
  stop(reason: unknown): void {
    this.#timer?.cancel();
    this.#waiters.rejectAll(reason);
  }

  #open(): void {
    this.#until = null;
    this.#waiters.resolveAll();
  }
}
