import assert from 'node:assert/strict';
import { type BackoffPolicy, backoffMs } from './backoff.ts';
import type { Clock, Random, Timer } from './clock.ts';

/** What a ticker needs. */
export interface TickerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The work. `signal` is aborted by `stop()`. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Pause after a run that went well, in milliseconds; asked for after each of them, so it may adapt. */
  readonly interval: () => number;
  /** Pause after a run that failed. */
  readonly backoff: BackoffPolicy;
  /** Told of every failure, and in how many milliseconds the next run starts. */
  readonly onError: (error: unknown, nextInMs: number) => void;
}

/**
 * Runs a function again and again, never twice at once. The pause counts from the end of a run, so that work which takes
 * longer than its interval does not pile up; a failure is reported, makes the pauses grow and never ends the ticker.
 */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #abort = new AbortController();
  #phase: 'new' | 'started' | 'stopped' = 'new';
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** A run is asked for: the timer is set to now, or the running one is to be followed at once. */
  #poked = false;
  #failures = 0;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Is a run under way? */
  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Failures since the last run that went well. */
  get failures(): number {
    return this.#failures;
  }

  /** The first run starts `delayMs` from now. Once. */
  start(delayMs = 0): void {
    assert(this.#phase === 'new', 'a ticker is started once');
    this.#phase = 'started';
    this.#arm(this.#poked ? 0 : delayMs);
  }

  /** Has the function run now instead of after the pause, or once more after the present run. Returns at once. */
  poke(): void {
    // A second poke must not set the timer anew: pokes that come fast enough would put the run off for ever.
    if (this.#poked || this.#phase === 'stopped') return;
    this.#poked = true;
    if (this.#phase === 'started' && this.#running === undefined) this.#arm(0);
  }

  /** No further run starts; resolves when the present one, whose signal is aborted, has ended. */
  async stop(reason: unknown = new Error('the ticker is stopped')): Promise<void> {
    this.#phase = 'stopped';
    this.#timer?.cancel();
    this.#abort.abort(reason);
    await this.#running;
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => {
      this.#running = this.#turn();
    });
  }

  async #turn(): Promise<void> {
    assert(this.#running === undefined, 'one run at a time');
    this.#poked = false;
    let pauseMs: number;
    try {
      await this.#options.run(this.#abort.signal);
      pauseMs = this.#options.interval();
      assert(pauseMs >= 0 && Number.isFinite(pauseMs), 'a pause is a time from now');
      this.#failures = 0;
    } catch (error) {
      pauseMs = this.#fail(error);
    }
    this.#running = undefined;
    if (this.#phase === 'started') this.#arm(this.#poked ? 0 : pauseMs);
  }

  #fail(error: unknown): number {
    const { backoff, random, onError } = this.#options;
    this.#failures += 1;
    const pauseMs = backoffMs(backoff, this.#failures, random);
    // What a stopped run throws is the abort that it was told of.
    if (this.#phase === 'started') onError(error, this.#poked ? 0 : pauseMs);
    return pauseMs;
  }
}
