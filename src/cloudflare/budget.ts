import type { Clock } from '../controller/clock.ts';
import { ZonekeeperError } from '../errors.ts';
import { Gate } from './gate.ts';
import { type Limiter, MAX_CALL_MS, type RunOptions } from './limiter.ts';
import { LOT_USABLE_MS, Lots, type SpendLog } from './lots.ts';
import type { CallOptions } from './port.ts';
import { MAX_WAIT_MS, parseRatelimit } from './ratelimit.ts';
import { type NewTurnstile, type Slot, Slots } from './slots.ts';
import { Waiters } from './waiters.ts';
import { Window } from './window.ts';

export interface BudgetOptions {
  /** ZONEKEEPER_API_BUDGET: calls in any 5 minutes, at most. */
  readonly limit: number;
  readonly clock: Clock;
  readonly log: SpendLog;
  /** Cloudflare turned a call away: nothing leaves for so many milliseconds. */
  readonly onLimited?: (forMs: number) => void;
  /** Calls that the largest lot holds. 25 by default, less for a small limit. */
  readonly lotCalls?: number;
  /** What grants turns: Bottleneck by default, and in every daemon. A port, so that whole runs can be replayed without its timers. */
  readonly turnstile?: NewTurnstile | undefined;
}

/** Cloudflare counts over 5 minutes; whether in fixed or sliding windows is not known, and does not matter here. */
const WINDOW_MS = 300_000;
/** Two clocks that measure 5 minutes differ by less than this. */
const MARGIN_MS = 1_000;
/** So long after a lot was reserved, a call that left from it may still count. */
export const LOT_COUNTS_MS = WINDOW_MS + LOT_USABLE_MS + MAX_CALL_MS;
/** Cloudflare blocks for as long when it does not say for how long. */
const BLOCK_MS = 300_000;
/**
 * Calls under way at once. Priorities only decide who takes a place that becomes free, so there must be few; eight calls of a
 * quarter of a second still send a full budget in half a minute, at a sixth of what Cloudflare allows per second.
 */
const CONCURRENT = 8;
/** Callers that may wait: more than names are worked on at once. */
const MAX_WAITING = 5_000;
const DEFAULT_PRIORITY = 5;
const LOT_CALLS = 25;
/** For so long, a turn is kept for who was told that it is ready: the time to commit what is to be sent. */
const READY_MS = 200;

/**
 * Keeps our calls within the limit: at most `limit` in any 300 seconds, whatever happens to this process.
 *
 * Each call takes one from a reservoir of `limit` (all may leave in one burst) and puts it back 301 s after the call
 * *ended*: Cloudflare counted it before that, so no window of 300 s, wherever it begins, ever holds more than `limit`.
 * Before they leave, calls are reserved in lots in the {@link SpendLog}. Who starts anew or takes over counts the lots of
 * its predecessor as spent, until the last call that may have left from them counts no more.
 *
 * Answers correct it: where Cloudflare says that fewer are left (others use the same budget), the difference is taken out
 * of the reservoir until Cloudflare's own time is over. A 429 closes the gate for all.
 *
 * Time is monotonic throughout; a wall clock that is set changes nothing.
 */
export class ApiBudget implements Limiter {
  readonly #options: BudgetOptions;
  readonly #window: Window;
  readonly #slots: Slots;
  readonly #gate: Gate;
  readonly #lots: Lots;
  readonly #starting = new Waiters<void>();
  /** Turns granted whose call has not ended. */
  #busy = 0;
  /** Counts the starts; 0 before the first. Calls of an earlier term are in the lots that the later one has read. */
  #term = 0;
  #stopped: ZonekeeperError | null = null;

  constructor(options: BudgetOptions) {
    const { limit, clock, log } = options;
    if (!Number.isInteger(limit) || limit < 1) throw new Error('The limit is a whole number of calls, at least 1.');
    this.#options = options;
    this.#window = new Window(clock, (calls) => this.#slots.add(calls));
    this.#slots = new Slots(
      clock,
      CONCURRENT,
      () => (this.#term === 0 ? 0 : limit - this.spentInWindow()),
      () => {
        this.#busy += 1;
      },
      options.turnstile,
    );
    this.#gate = new Gate(clock);
    // A lot that is lost with its process must not take away much of the limit.
    const most = options.lotCalls ?? Math.min(LOT_CALLS, Math.max(1, Math.floor(limit / 40)));
    this.#lots = new Lots(log, clock, most);
  }

  /**
   * Reads what was spent before; calls wait until then. To be called when this process begins to make calls, and again
   * whenever others may have made some meanwhile (it becomes the leader). Rejects with what the log says; nothing has
   * changed then.
   */
  async start(): Promise<void> {
    const outstanding = await this.#options.log.outstanding(LOT_COUNTS_MS);
    if (this.#stopped !== null) throw this.#stopped;
    this.#term += 1;
    // Our own earlier calls are among these.
    this.#window.clear();
    for (const { calls, ageMs } of outstanding) {
      const left = LOT_COUNTS_MS - Math.max(0, ageMs);
      if (calls > 0 && left > 0) this.#window.add(calls, left + MARGIN_MS);
    }
    this.#slots.rebuild();
    this.#starting.resolveAll();
  }

  /** Calls of the last 5 minutes that count, those under way and what Cloudflare's answers took away included. */
  spentInWindow(): number {
    return this.#window.calls + this.#busy;
  }

  /** Calls that could leave now. For the gauge; 0 before the start. */
  remaining(): number {
    return this.#term === 0 ? 0 : Math.max(0, this.#options.limit - this.spentInWindow());
  }

  /** Callers that wait for their turn. */
  get waiting(): number {
    return this.#slots.waiting + this.#starting.size;
  }

  /** When the gate opens, by the monotonic clock; null while it is open. */
  get gateClosedUntil(): number | null {
    return this.#gate.closedUntil;
  }

  async run<T>(call: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    const slot = await this.#turn(options);
    let term: number;
    try {
      // Nothing comes between the last look and the call: whoever waits for the same looks after us.
      while (!this.#clear()) await this.#changed(options.signal);
      options.signal?.throwIfAborted();
      options.admit?.();
      this.#lots.take();
      term = this.#term;
    } catch (error) {
      this.#ended(0);
      slot.release();
      throw error;
    }
    try {
      return await call();
    } finally {
      this.#ended(term === this.#term ? WINDOW_MS + MARGIN_MS : 0);
      slot.release();
    }
  }

  /**
   * Keeps a turn free for a moment, so that no more are told that they may go than there are turns. Waits behind the calls of
   * its own priority: who was ready before goes first.
   */
  async ready(options: CallOptions = {}): Promise<void> {
    const free = this.#busy < CONCURRENT && this.waiting === 0 && this.#stopped === null;
    if (free && this.remaining() > 0 && this.#gate.closedUntil === null) {
      this.#window.add(1, READY_MS);
      this.#slots.add(-1);
      return;
    }
    const slot = await this.#turn({ ...options, priority: (options.priority ?? DEFAULT_PRIORITY) + 1 });
    let keepMs = 0;
    try {
      await this.#gate.opened(options.signal);
      keepMs = READY_MS;
    } finally {
      this.#ended(keepMs);
      slot.release();
    }
  }

  learn(headers: Headers): void {
    if (this.#term === 0) return;
    for (const { remaining, resetMs } of parseRatelimit(headers.get('ratelimit'))) {
      // The other calls under way may not be counted there yet.
      const allowed = Math.max(0, remaining - Math.max(0, this.#busy - 1));
      const excess = this.remaining() - allowed;
      if (excess <= 0) continue;
      this.#window.add(excess, resetMs + MARGIN_MS);
      this.#slots.add(-excess);
    }
  }

  limited(retryAfterMs: number | undefined): void {
    const ms = Math.min(retryAfterMs ?? BLOCK_MS, MAX_WAIT_MS);
    this.#gate.close(ms);
    this.#options.onLimited?.(ms);
  }

  /** Turns away who waits, with `shutting_down`; calls under way go on. */
  stop(): void {
    this.#stopped = new ZonekeeperError('shutting_down', 'No more calls to Cloudflare are made.');
    this.#window.clear();
    this.#starting.rejectAll(this.#stopped);
    this.#gate.stop(this.#stopped);
    this.#slots.stop(this.#stopped);
  }

  async #turn({ signal, priority = DEFAULT_PRIORITY }: CallOptions): Promise<Slot> {
    signal?.throwIfAborted();
    if (this.#stopped !== null) throw this.#stopped;
    if (this.waiting >= MAX_WAITING) throw crowded();
    if (this.#term === 0) await this.#starting.wait(signal);
    return this.#slots.take(priority, signal);
  }

  /** The gate is open, and a call is reserved. */
  #clear(): boolean {
    if (this.#stopped !== null) throw this.#stopped;
    return this.#gate.closedUntil === null && this.#lots.has();
  }

  /** Waits for what hinders a call. */
  #changed(signal: AbortSignal | undefined): Promise<void> {
    return this.#gate.closedUntil === null ? unlessAborted(this.#lots.refill(), signal) : this.#gate.opened(signal);
  }

  /** A turn is over; it comes back after so many milliseconds. */
  #ended(countsMs: number): void {
    this.#busy -= 1;
    if (this.#stopped !== null) return;
    if (countsMs > 0) this.#window.add(1, countsMs);
    else this.#slots.add(1);
  }
}

function crowded(): ZonekeeperError {
  const message = `${MAX_WAITING} calls to Cloudflare wait for the API budget already.`;
  return new ZonekeeperError('cloudflare_limited', message, { retryAfterMs: 60_000 });
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const aborted = new Waiters<void>();
  const ended = aborted.wait(signal);
  work.then(
    () => aborted.resolveAll(),
    (error) => aborted.rejectAll(error),
  );
  return ended;
}
