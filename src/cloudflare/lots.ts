import type { Clock } from '../controller/clock.ts';
import { Stopwatch } from '../controller/stopwatch.ts';
import { ZonekeeperError } from '../errors.ts';

/** A number of API calls that somebody reserved. */
export interface SpendLot {
  readonly calls: number;
  /** Milliseconds since the reservation, by the clock of the log. */
  readonly ageMs: number;
}

/**
 * Where calls are written down before they are made, by everyone who uses the same Cloudflare user: it outlives the
 * process. Both reject with a ZonekeeperError when the log cannot be reached.
 */
export interface SpendLog {
  /** Appends a lot. Resolved only when it is durable. */
  reserve(calls: number): Promise<void>;
  /** The lots that were reserved within the last `withinMs`. */
  outstanding(withinMs: number): Promise<readonly SpendLot[]>;
}

/** Calls leave from a lot for so long after it was asked for; what is left of it then is never used. */
export const LOT_USABLE_MS = 30_000;
/** The size to begin with, and to go back to when lots are not used up. */
const SMALL_LOT = 5;
/** Lots that come too late to be used, in a row, before the database is called too slow. */
const MAX_ATTEMPTS = 3;

interface Lot {
  left: number;
  /** Runs since before it was reserved. */
  readonly age: Stopwatch;
}

/**
 * Calls reserved ahead, so that a process that dies leaves no call uncounted and a database statement is not needed for each.
 * Lots grow while they are used up in time: a command that makes three calls reserves five.
 */
export class Lots {
  readonly #log: SpendLog;
  readonly #clock: Clock;
  readonly #most: number;
  #lots: Lot[] = [];
  #size: number;
  #pending: Promise<void> | null = null;

  constructor(log: SpendLog, clock: Clock, most: number) {
    this.#log = log;
    this.#clock = clock;
    this.#most = most;
    this.#size = Math.min(SMALL_LOT, most);
  }

  /** Can a call leave now? */
  has(): boolean {
    this.#dropExpired();
    return this.#lots.length > 0;
  }

  /** One call leaves. Only after `has()` in the same turn. */
  take(): void {
    const [lot] = this.#lots;
    if (lot === undefined) throw new Error('No call is reserved.');
    lot.left -= 1;
    if (lot.left === 0) {
      this.#lots.shift();
      this.#size = Math.min(this.#size * 2, this.#most);
    }
    const left = this.#lots.reduce((sum, { left }) => sum + left, 0);
    // Ahead, so that nobody waits for it; who does if it fails is told then.
    if (left < Math.floor(this.#size / 5)) this.refill().catch(() => {});
  }

  /** Reserves a lot, once for all who ask meanwhile. Rejects with what the log says. */
  refill(): Promise<void> {
    this.#pending ??= this.#reserve().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #reserve(): Promise<void> {
    const calls = this.#size;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // Counted from before the lot was written down: never usable for longer than who reads the log believes.
      const age = new Stopwatch(this.#clock);
      await this.#log.reserve(calls);
      if (age.elapsedMs() >= LOT_USABLE_MS) continue;
      this.#lots.push({ left: calls, age });
      return;
    }
    throw new ZonekeeperError('database_failed', 'Reserving API calls takes longer than a reservation may be used.');
  }

  #dropExpired(): void {
    const usable = this.#lots.filter(({ age }) => age.elapsedMs() < LOT_USABLE_MS);
    if (usable.length === this.#lots.length) return;
    this.#lots = usable;
    this.#size = Math.min(SMALL_LOT, this.#most);
  }
}
