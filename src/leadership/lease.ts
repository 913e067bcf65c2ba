import type { Clock, Random, Timer } from '../controller/clock.ts';
import { withTimeout } from '../controller/deadline.ts';
import { Stopwatch } from '../controller/stopwatch.ts';
import { toError, type ZonekeeperError } from '../errors.ts';

/** What a Lease (coordination.k8s.io/v1) says, as far as leader election reads it. */
export interface LeaseRecord {
  /** Who holds it; empty when it was given back. */
  readonly holder: string;
  /** How long others wait after the last change that they saw, in seconds. */
  readonly durationSeconds: number;
  /** Wall-clock milliseconds, of the holder's clock. For people: never compared with another clock. */
  readonly acquired: number;
  readonly renewed: number;
  /** How often the holder changed. */
  readonly transitions: number;
}

/** A Lease as it is stored. */
export interface StoredLease {
  readonly record: LeaseRecord;
  /** Changes with each write (`resourceVersion`). */
  readonly version: string;
}

/** Where the Lease is. All throw a ZonekeeperError when the store cannot be asked. */
export interface LeaseStore {
  /** Null where there is none. */
  read(signal: AbortSignal): Promise<StoredLease | null>;
  /** Null when somebody else was first. */
  create(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease | null>;
  /** Null when it changed since `version`. */
  update(record: LeaseRecord, version: string, signal: AbortSignal): Promise<StoredLease | null>;
}

export interface LeaseEvents {
  readonly onHeld: () => void;
  readonly onLost: (reason: string) => void;
  /** The store could not be asked; the election goes on. */
  readonly onError: (error: ZonekeeperError) => void;
}

export interface LeaseOptions {
  readonly store: LeaseStore;
  /** Unique to this process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: LeaseEvents;
  /** Those of client-go by default. */
  readonly times?: LeaseTimes | undefined;
}

/** Milliseconds. The Lease itself counts in whole seconds. */
export interface LeaseTimes {
  /** Others wait so long after the last change that they saw. */
  readonly durationMs: number;
  /** A holder stops acting so long after its last renewal; shorter than the duration. */
  readonly renewDeadlineMs: number;
  /** Between two tries. */
  readonly retryMs: number;
}

/** What Kubernetes' own components use. */
export const LEASE_TIMES: LeaseTimes = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };
/** Candidates wait up to this much longer than `retryMs`, as a share, so that they do not ask in step. */
const JITTER = 1.2;
/** A Lease that is free for so many `retryMs` is wanted by nobody else: each candidate has looked at it at least once. */
const UNWANTED_RETRIES = 4;

/**
 * Holds a Lease by the rules of client-go's leader election: whoever holds it renews it every 2 s, and stops acting when no
 * renewal succeeded for 10 s; others take it 15 s after the last change that they themselves have seen. No clock is ever
 * compared with another one, so that clocks may differ by hours.
 * Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #times: LeaseTimes;
  #held = false;
  #stored: StoredLease | null = null;
  /** On our clock: when the record was first seen as it is now. */
  #observedAt = Number.NEGATIVE_INFINITY;
  /** Runs since before the call that renewed left. */
  #renewed: Stopwatch | null = null;
  #notBefore = Number.NEGATIVE_INFINITY;
  #settled = false;
  #running = false;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#times = options.times ?? LEASE_TIMES;
  }

  get held(): boolean {
    return this.#held && this.remainingMs() > 0;
  }

  /** Milliseconds for which we may act without another renewal. 0 when it is not ours. */
  remainingMs(): number {
    if (!this.#held || this.#renewed === null) return 0;
    return Math.max(0, this.#times.renewDeadlineMs - this.#renewed.elapsedMs());
  }

  /** Has the Lease been seen at least once? */
  get settled(): boolean {
    return this.#settled;
  }

  start(): void {
    this.#running = true;
    this.poke();
  }

  /** Tries now: the holder is said to have given it back. */
  poke(): void {
    this.#timer?.cancel();
    this.#turn = this.#turn.then(() => this.#take());
  }

  /** Gives it back, and leaves it to others for so long, or until nobody else wants it: we hold it, but cannot do the work. */
  standBack(ms: number): void {
    const { clock } = this.#options;
    this.#notBefore = clock.now() + ms;
    this.#turn = this.#turn.then(() => this.#release('It cannot do the work.'));
  }

  /** Gives it back if it is ours. Never throws. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    this.#turn = this.#turn.then(() => this.#release(null));
    await this.#turn;
    this.#timer?.cancel();
  }

  async #take(): Promise<void> {
    if (!this.#running) return;
    const { clock, random, events } = this.#options;
    try {
      await withTimeout(clock, this.#callMs(), (signal) => this.#attempt(signal));
      this.#settled = true;
    } catch (error) {
      events.onError(toError(error));
    }
    if (this.#held && this.remainingMs() === 0) this.#lose('It could not be renewed in time.');
    if (!this.#running) return;
    const { retryMs } = this.#times;
    const pause = this.#held ? Math.min(retryMs, this.remainingMs()) : retryMs * (1 + JITTER * random());
    this.#timer?.cancel();
    this.#timer = clock.after(pause, () => this.poke());
  }

  // Two tries fit into the time that a holder has for renewing, and it must know by the end of that.
  #callMs(): number {
    const half = this.#times.renewDeadlineMs / 2;
    return this.#held ? Math.min(half, this.remainingMs()) : half;
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { store, clock, holder } = this.#options;
    // What a call comes to after its time is up changes nothing here.
    const live = <T>(value: T): T => {
      signal.throwIfAborted();
      return value;
    };
    const sent = new Stopwatch(clock);
    if (this.#held && this.#stored !== null) {
      const { record, version } = this.#stored;
      const renewed = live(await store.update({ ...record, renewed: clock.wall() }, version, signal));
      if (renewed !== null) return this.#hold(renewed, sent);
    }
    const found = live(await store.read(signal));
    if (found !== null) this.#observe(found);
    if (this.#leavesIt(found)) return;
    if (found === null) {
      const created = live(await store.create(this.#record(0), signal));
      return created === null ? undefined : this.#hold(created, sent);
    }
    const { record } = found;
    const mine = record.holder === holder;
    if (record.holder !== '' && !mine && this.#observedAt + record.durationSeconds * 1_000 > clock.now()) {
      if (this.#held) this.#lose(`${record.holder} holds it.`);
      return;
    }
    const next = mine ? { ...record, renewed: clock.wall() } : this.#record(record.transitions + 1);
    const taken = live(await store.update(next, found.version, signal));
    if (taken !== null) this.#hold(taken, sent);
    else if (this.#held) this.#lose('Somebody else changed it.');
  }

  /** Others come first, while there may be some who want it: where there are none, nobody would lead meanwhile. */
  #leavesIt(found: StoredLease | null): boolean {
    const now = this.#options.clock.now();
    if (now >= this.#notBefore) return false;
    const unwanted = found?.record.holder === '' && now - this.#observedAt >= UNWANTED_RETRIES * this.#times.retryMs;
    return !unwanted;
  }

  #record(transitions: number): LeaseRecord {
    const now = this.#options.clock.wall();
    return {
      holder: this.#options.holder,
      durationSeconds: Math.ceil(this.#times.durationMs / 1_000),
      acquired: now,
      renewed: now,
      transitions,
    };
  }

  #observe(stored: StoredLease): void {
    const before = this.#stored?.record;
    this.#stored = stored;
    if (before === undefined || !same(before, stored.record)) this.#observedAt = this.#options.clock.now();
  }

  /** `sent`: runs since the call left. Others count from when they see it, which is later. */
  #hold(stored: StoredLease, sent: Stopwatch): void {
    this.#observe(stored);
    this.#renewed = sent;
    if (this.#held || sent.elapsedMs() >= this.#times.renewDeadlineMs) return;
    this.#held = true;
    this.#options.events.onHeld();
  }

  #lose(reason: string): void {
    this.#held = false;
    this.#options.events.onLost(reason);
  }

  async #release(reason: string | null): Promise<void> {
    const { clock, store, events } = this.#options;
    if (!this.#held || this.#stored === null) return;
    const { record, version } = this.#stored;
    this.#held = false;
    if (reason !== null) events.onLost(reason);
    const now = clock.wall();
    const free = { ...record, holder: '', durationSeconds: 1, acquired: now, renewed: now };
    try {
      const released = await withTimeout(clock, this.#times.renewDeadlineMs / 2, (signal) =>
        store.update(free, version, signal),
      );
      if (released !== null) this.#observe(released);
    } catch (error) {
      events.onError(toError(error));
    }
  }
}

function same(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.holder === b.holder &&
    a.durationSeconds === b.durationSeconds &&
    a.acquired === b.acquired &&
    a.renewed === b.renewed &&
    a.transitions === b.transitions
  );
}
