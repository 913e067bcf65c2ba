import type { Clock } from '../../src/controller/clock.ts';
import { ZonekeeperError } from '../../src/errors.ts';
import type { DatabasePoint } from './plan.ts';
import type { Owner, Scheduler } from './scheduler.ts';

/** What a fault does to one call of a port. */
export const CALL_EFFECTS = [
  /** The process dies before the call leaves, or with its effect done and its answer not read. */
  'crash before',
  'crash after',
  /** The call fails, without or with its effect. */
  'fail before',
  'fail after',
  /** It takes very long on the way there, or back. */
  'slow before',
  'slow after',
  /** The process is stopped for a while with the answer not read. */
  'pause after',
] as const;
export type CallEffect = (typeof CALL_EFFECTS)[number];

/** A fault that strikes one call. */
export interface CallFault {
  readonly effect: CallEffect;
  /** How long a slow one takes; drawn where it is not said. */
  readonly ms?: number;
}

/** What the world does to the calls of a process. */
export interface Weather {
  /** The fault that strikes this call, if any. */
  strike(machine: Machine, point: DatabasePoint): CallFault | null;
  /** Why the database cannot be reached now; null when it can. */
  databaseDown(): boolean;
  /** No more faults: whoever was paused goes on. */
  calm(): boolean;
  crashed(machine: Machine): void;
  /** Something rare came of a fault: a run counts it. */
  came(what: 'statement cancelled' | 'answer given up'): void;
}

/** What a right wall clock shows at the start of a schedule. */
export const BASE_WALL = Date.UTC(2026, 0, 1);
/** Mostly a few seconds, within which somebody may still wait; sometimes nobody does any more, or the pool gives up. */
const SLOW_MS = [8_000, 50_000, 100_000] as const;
/** At least so long, and at most one of these: within what somebody waits for a call, or for minutes. */
const LEAST_PAUSE_MS = 8_000;
const PAUSE_MS = [40_000, 40_000, 240_000] as const;
/** Within such a time, one of the two clocks of a process is right: longer than anything that it measures for safety. */
const ONE_LIE_MS = 60_000;
/** More than sums of times that are not whole are off by, and enough for time to go on. */
const ROUNDING_MS = 1e-6;
/** A statement that takes longer is cancelled by the server (its effect is undone), as the pool sets it. */
const STATEMENT_MS = 60_000;
const CANCELLED = 'PostgreSQL: canceling statement due to statement timeout';
/** Whoever has no answer by then ends the connection: its effect is done, or comes yet. */
const ANSWER_MS = 70_000;

/** One process: its clock, its life, and its calls to what stands outside. */
export class Machine implements Owner {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #weather: Weather;
  readonly #held: (() => void)[] = [];
  /** Monotonic clocks of two processes have nothing in common. */
  #origin = 0;
  #wallOffset = 0;
  #paused = false;
  /** For how long its monotonic clock has stood still in this life, and since when it does. */
  #frozenMs = 0;
  #frozenSince: number | null = null;
  #thawedAt = Number.NEGATIVE_INFINITY;
  #setBackAt = Number.NEGATIVE_INFINITY;
  life = 0;
  alive = false;

  constructor(name: string, scheduler: Scheduler, weather: Weather) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#weather = weather;
  }

  get paused(): boolean {
    return this.#paused;
  }

  readonly clock: Clock = {
    now: () => (this.#frozenSince ?? this.#scheduler.now) + this.#origin - this.#frozenMs,
    wall: () => BASE_WALL + this.#scheduler.now + this.#wallOffset,
    after: (ms, run) => {
      const due = this.clock.now() + ms;
      // Timers count by the monotonic clock: what it stood still, they are late.
      const fire = () => {
        const left = due - this.clock.now();
        if (left > ROUNDING_MS) cancel = this.#scheduler.after(left, this, fire);
        else run();
      };
      let cancel = this.#scheduler.after(ms > 0 ? Math.max(ms, ROUNDING_MS) : 0, this, fire);
      return { cancel: () => cancel() };
    },
  };

  readonly defer = (run: () => void): void => {
    this.#scheduler.after(0, this, run);
  };

  start(): void {
    this.life += 1;
    this.alive = true;
    this.#origin = this.#scheduler.below(1_000_000);
    this.#frozenMs = 0;
  }

  /** Nothing of it happens any more. Calls that have left take effect all the same. */
  crash(): void {
    if (!this.alive) return;
    this.life += 1;
    this.alive = false;
    this.#paused = false;
    this.#frozenSince = null;
    this.#held.length = 0;
    this.#scheduler.tell(this.name, () => 'dies');
    this.#weather.crashed(this);
  }

  /** The process is stopped; or its host is suspended, and with it the monotonic clock. Which, is drawn. */
  pause(): void {
    if (!this.alive || this.#paused) return;
    this.#paused = true;
    const { now } = this.#scheduler;
    if (this.#scheduler.below(2) === 0 && now > this.#setBackAt + ONE_LIE_MS) this.#frozenSince = now;
    this.#scheduler.tell(this.name, () => (this.#frozenSince === null ? 'is stopped' : 'is suspended with its host'));
  }

  /** It is paused for as long as faults last. */
  pauseForAWhile(): void {
    if (this.#weather.calm()) return;
    this.pause();
    const scheduler = this.#scheduler;
    scheduler.after(scheduler.delay(LEAST_PAUSE_MS, scheduler.pick(PAUSE_MS)), null, () => this.resume());
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#frozenSince !== null) {
      this.#frozenMs += this.#scheduler.now - this.#frozenSince;
      this.#thawedAt = this.#scheduler.now;
    }
    this.#frozenSince = null;
    for (const run of this.#held.splice(0)) this.#scheduler.after(0, this, run);
  }

  hold(run: () => void): void {
    this.#held.push(run);
  }

  /** The wall clock is set; but not back where the monotonic one has just stood still, for then nothing tells the time. */
  jump(ms: number): void {
    const { now } = this.#scheduler;
    if (ms < 0 && (this.#frozenSince !== null || now < this.#thawedAt + ONE_LIE_MS)) return;
    if (ms < 0) this.#setBackAt = now;
    this.#wallOffset += ms;
  }

  /** One transaction or statement: it takes effect at one moment, or not at all. */
  database<T>(point: DatabasePoint, run: () => T): Promise<T> {
    const scheduler = this.#scheduler;
    // An answer is for who asked: not for whoever starts in its place.
    const { life } = this;
    return new Promise<T>((resolve, reject) => {
      // The rest of the turn in which it died.
      if (!this.alive) return;
      const { effect, ms } = this.#weather.strike(this, point) ?? { effect: null };
      if (effect === 'crash before') return this.crash();
      const slow = () => ms ?? scheduler.delay(1_000, scheduler.pick(SLOW_MS));
      const answer = (ms: number, tell: () => void) => scheduler.after(ms, this, tell, life);
      const lost = () => reject(new ZonekeeperError('database_unreachable', 'PostgreSQL: Connection terminated.'));
      if (effect === 'fail before') return void answer(scheduler.delay(0, 50), lost);
      const there = effect === 'slow before' ? slow() : scheduler.delay(0.1, 20);
      if (effect === 'slow before') scheduler.linger(Math.min(there, STATEMENT_MS));
      if (there > STATEMENT_MS) {
        this.#weather.came('statement cancelled');
        return void answer(STATEMENT_MS, () =>
          reject(new ZonekeeperError('database_failed', CANCELLED, { facts: { sqlstate: '57014' } })),
        );
      }
      scheduler.after(there, null, () => {
        if (this.#weather.databaseDown()) return void answer(scheduler.delay(0, 20), lost);
        let result: T;
        try {
          result = run();
        } catch (error) {
          return void answer(scheduler.delay(0.1, 5), () => reject(error));
        }
        scheduler.tell(this.name, () => point);
        if (effect === 'crash after' && this.life === life) return this.crash();
        if (effect === 'pause after' && this.life === life) this.pauseForAWhile();
        const back = effect === 'slow after' ? slow() : scheduler.delay(0.1, 20);
        if (effect === 'slow after') scheduler.linger(Math.min(back, ANSWER_MS));
        if (there + back > ANSWER_MS) {
          this.#weather.came('answer given up');
          return void answer(ANSWER_MS - there, lost);
        }
        answer(back, effect === 'fail after' ? lost : () => resolve(result));
      });
    });
  }
}
