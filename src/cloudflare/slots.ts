import Bottleneck from 'bottleneck';
import type { Clock } from '../controller/clock.ts';
import { Waiters } from './waiters.ts';

/** A turn that was granted: it took one from the reservoir and holds one of the concurrent places until it is released. */
export interface Slot {
  /** Frees the place. Idempotent. */
  release(): void;
}

/** The port to Bottleneck, and all that is used of it: jobs begin by priority, then in order, while a place is free and the reservoir is not empty. */
export interface Turnstile {
  schedule(options: { readonly priority: number }, job: () => Promise<void>): Promise<void>;
  /** Negative to take out. */
  incrementReservoir(turns: number): unknown;
  /** It is used no more. */
  disconnect(): unknown;
}

/** Makes a turnstile with so many places and so much in its reservoir. */
export type NewTurnstile = (options: { readonly maxConcurrent: number; readonly reservoir: number }) => Turnstile;

/** Bottleneck's priorities are 0 to 9. */
const PRIORITIES = 10;
/** A wall clock that goes back by more than this makes Bottleneck wait; less is not worth a new one. */
const WALL_TOLERANCE_MS = 100;

/**
 * Turns, granted by Bottleneck: the most urgent priority first, never more at once than `concurrent`, never more than the
 * reservoir holds. Nobody but us fills the reservoir: Bottleneck's own refills are a fixed window (twice the limit can
 * leave around its edge) or a bucket that the first `updateSettings` stops for ever.
 *
 * A job of Bottleneck stands for a turn, not for a caller: whoever is first in line at its priority gets it. So a caller that
 * gives up leaves at once (Bottleneck cannot remove a job), and the turn it had asked for serves the next.
 *
 * Bottleneck schedules by the wall clock, and would wait for an hour when that is set back by one. Then it is replaced: the
 * line is ours, and the caller knows how full the reservoir should be.
 */
export class Slots {
  readonly #clock: Clock;
  readonly #concurrent: number;
  /** How full the reservoir should be, turns granted taken off. */
  readonly #level: () => number;
  readonly #onGrant: () => void;
  readonly #newTurnstile: NewTurnstile;
  readonly #lines: readonly Waiters<Slot>[] = Array.from({ length: PRIORITIES }, () => new Waiters<Slot>());
  /** Jobs that Bottleneck has not run, by priority: never fewer than callers in that line. */
  #asked: number[] = [];
  #limiter: Turnstile;
  /** The latest moment of the wall clock that Bottleneck can have seen. */
  #wall: number;

  /** `onGrant`: a turn is granted now; `level` no longer holds it. */
  constructor(
    clock: Clock,
    concurrent: number,
    level: () => number,
    onGrant: () => void,
    newTurnstile: NewTurnstile = (options) => new Bottleneck(options),
  ) {
    this.#newTurnstile = newTurnstile;
    this.#clock = clock;
    this.#concurrent = concurrent;
    this.#level = level;
    this.#onGrant = onGrant;
    this.#wall = clock.wall();
    this.#limiter = this.#build();
  }

  /** Callers that wait. */
  get waiting(): number {
    return this.#lines.reduce((sum, line) => sum + line.size, 0);
  }

  /** Waits for a turn. Rejects with the signal's reason, or with that of {@link Slots.stop}. */
  take(priority: number, signal: AbortSignal | undefined): Promise<Slot> {
    if (this.#setBack()) this.rebuild();
    const line = Math.min(Math.max(0, Math.trunc(priority)), PRIORITIES - 1);
    const turn = this.#line(line).wait(signal);
    this.#ask(line);
    return turn;
  }

  /** Puts turns into the reservoir, or takes them out (negative). To be called when the level has changed by as many. */
  add(turns: number): void {
    // Also when all wait, and nobody comes anew: those in line would wait for as long as the clock was set back.
    if (this.#setBack()) this.rebuild();
    else void this.#limiter.incrementReservoir(turns);
  }

  /** Begins anew with a reservoir as full as it should be. Who waits keeps its place. */
  rebuild(): void {
    void this.#limiter.disconnect();
    this.#wall = this.#clock.wall();
    this.#limiter = this.#build();
    for (let line = 0; line < PRIORITIES; line++) this.#ask(line);
  }

  /** Turns away who waits, and lets go of Bottleneck. */
  stop(reason: unknown): void {
    for (const line of this.#lines) line.rejectAll(reason);
    void this.#limiter.disconnect();
  }

  /** Was the wall clock set back since it was last looked at? */
  #setBack(): boolean {
    const wall = this.#clock.wall();
    const back = wall < this.#wall - WALL_TOLERANCE_MS;
    this.#wall = Math.max(this.#wall, wall);
    return back;
  }

  #build(): Turnstile {
    this.#asked = Array.from({ length: PRIORITIES }, () => 0);
    return this.#newTurnstile({ maxConcurrent: this.#concurrent, reservoir: this.#level() });
  }

  #ask(priority: number): void {
    const limiter = this.#limiter;
    while ((this.#asked[priority] ?? 0) < this.#line(priority).size) {
      this.#asked[priority] = (this.#asked[priority] ?? 0) + 1;
      // It only rejects when Bottleneck is stopped, which never happens: it is disconnected and left.
      void limiter.schedule({ priority }, () => this.#turn(limiter, priority));
    }
  }

  #turn(limiter: Turnstile, priority: number): Promise<void> {
    if (limiter !== this.#limiter) return Promise.resolve();
    this.#asked[priority] = (this.#asked[priority] ?? 0) - 1;
    return new Promise((release) => {
      if (this.#line(priority).resolveFirst({ release })) {
        this.#onGrant();
      } else {
        // Who had asked gave up.
        this.add(1);
        release();
      }
    });
  }

  #line(priority: number): Waiters<Slot> {
    const line = this.#lines[priority];
    if (line === undefined) throw new Error(`There is no priority ${priority}.`);
    return line;
  }
}
