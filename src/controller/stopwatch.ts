import type { Clock } from './clock.ts';

/**
 * How long ago something was, for what must not count for longer than it was given: a lease, a call, a reservation. The
 * monotonic clock stands still while a host is suspended (CLOCK_MONOTONIC of Linux does), and the wall clock can be set: so
 * both are asked, and the longer time counts. A wall clock that is set forward ends things early, which is safe; one that is
 * set back prolongs nothing.
 */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #started: number;
  /** The least by which the wall clock was seen to be ahead of the monotonic one. */
  #ahead: number;
  #elapsed = 0;

  /** Counts from now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.now();
    this.#ahead = clock.wall() - this.#started;
  }

  /** Milliseconds since the start. Never less than what was answered before. */
  elapsedMs(): number {
    const now = this.#clock.now();
    const ahead = this.#clock.wall() - now;
    this.#ahead = Math.min(this.#ahead, ahead);
    this.#elapsed = Math.max(this.#elapsed, now - this.#started + (ahead - this.#ahead));
    return this.#elapsed;
  }
}
