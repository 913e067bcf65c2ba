import { type BackoffPolicy, backoffMs } from '../controller/backoff.ts';
import type { Clock, Random, Timer } from '../controller/clock.ts';
import { toError, type ZonekeeperError } from '../errors.ts';

export interface RotationOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Goes over to the new value, once it was seen to work; throws where it does not, and changes nothing then. */
  readonly use: (value: string) => Promise<void>;
  /** The new value does not work; it is tried again, and the value before stays meanwhile. Never with the value. */
  readonly onRefused: (error: ZonekeeperError, retryMs: number) => void;
  readonly onUsed: (value: string) => void;
}

const POLICY: BackoffPolicy = { baseMs: 1_000, factor: 2, maxMs: 60_000 };

/**
 * One secret that changed: the new value is tried until it works or a newer one comes, and the old one stays in use until
 * then. A token is often made known before the other side knows it.
 */
export class Rotation {
  readonly #options: RotationOptions;
  #wanted: string | null = null;
  #failures = 0;
  #timer: Timer | undefined;
  #trying: Promise<void> = Promise.resolve();

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** This is the value from now on, as soon as it works. */
  offer(value: string): void {
    this.#wanted = value;
    this.#failures = 0;
    this.#try();
  }

  /** Tries no more. */
  stop(): void {
    this.#wanted = null;
    this.#timer?.cancel();
  }

  #try(): void {
    this.#timer?.cancel();
    // One at a time, so that an older value never comes after a newer one.
    this.#trying = this.#trying.then(async () => {
      const value = this.#wanted;
      if (value === null) return;
      const { use, onUsed, onRefused, clock, random } = this.#options;
      try {
        await use(value);
      } catch (thrown) {
        if (this.#wanted !== value) return;
        const retryMs = backoffMs(POLICY, ++this.#failures, random);
        onRefused(toError(thrown), retryMs);
        this.#timer = clock.after(retryMs, () => this.#try());
        return;
      }
      if (this.#wanted === value) this.#wanted = null;
      onUsed(value);
    });
  }
}
