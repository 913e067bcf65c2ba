import type { Clock, Random, Timer } from '../controller/clock.ts';
import { toError, type ZonekeeperError } from '../errors.ts';
import type { ManagedZone } from './zone.ts';

export interface CheckerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bounds of the interval between looks at one zone. Milliseconds. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Calls in 5 minutes that looks may use, all zones together. */
  readonly callsPer5Min: () => number;
  readonly onChecked: (zone: ManagedZone, error: ZonekeeperError | null) => void;
}

const FIVE_MINUTES_MS = 300_000;
/** Lists under way at once; more would only wait for the budget. */
const CONCURRENT = 4;
const FAILURE_FIRST_MS = 5_000;
/** The interval is affordable however often a look fails; when what failed is over, nobody should wait for long. */
const FAILURE_MOST_MS = 60_000;

/**
 * Looks at every zone again and again, as often as a share of the API budget allows: one small zone every few seconds, a
 * thousand zones every few minutes. A zone that fails is tried at a growing pause and holds up no other.
 */
export class DriftChecker {
  readonly #options: CheckerOptions;
  readonly #due = new Map<ManagedZone, number>();
  readonly #running = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** The pause between two looks at one zone, by the pages that all zones have. Milliseconds. */
  intervalMs(): number {
    const { minMs, maxMs, callsPer5Min } = this.#options;
    let pages = 0;
    for (const zone of this.#due.keys()) pages += Math.max(1, zone.mirror.pages);
    const affordable = (pages * FIVE_MINUTES_MS) / Math.max(1, callsPer5Min());
    return Math.min(maxMs, Math.max(minMs, affordable));
  }

  /** Looks after these zones, beginning now. */
  add(zones: readonly ManagedZone[]): void {
    for (const zone of zones) this.#due.set(zone, this.#options.clock.now());
    this.#arm();
  }

  remove(zones: readonly ManagedZone[]): void {
    for (const zone of zones) this.#due.delete(zone);
  }

  /** Begins no more looks; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await Promise.all(this.#running);
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#stopped || this.#running.size >= CONCURRENT || this.#due.size === 0) return;
    const { clock } = this.#options;
    let next: ManagedZone | undefined;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const [zone, due] of this.#due) {
      if (due >= dueAt) continue;
      next = zone;
      dueAt = due;
    }
    if (next === undefined) return;
    const zone = next;
    if (dueAt > clock.now()) {
      this.#timer = clock.after(dueAt - clock.now(), () => this.#arm());
      return;
    }
    // Not due again before it has been looked at.
    this.#due.set(zone, Number.POSITIVE_INFINITY);
    const run = this.#check(zone).finally(() => {
      this.#running.delete(run);
      this.#arm();
    });
    this.#running.add(run);
    this.#arm();
  }

  async #check(zone: ManagedZone): Promise<void> {
    const { clock, random, maxMs, onChecked } = this.#options;
    let error: ZonekeeperError | null = null;
    try {
      // Somebody else may have listed it first: at the start, names that wait for it do.
      if (zone.mirror.ready || zone.failure !== null) await zone.list({ priority: 7 });
      else await zone.known();
    } catch (failed) {
      error = toError(failed);
    }
    if (!this.#due.has(zone)) return;
    const interval = this.intervalMs();
    const pause =
      error === null
        ? interval
        : (error.retryAfterMs ?? Math.min(maxMs, Math.max(interval, failurePauseMs(zone.failures))));
    // Zones that started together drift apart.
    this.#due.set(zone, clock.now() + pause * (0.9 + 0.2 * random()));
    onChecked(zone, error);
  }
}

function failurePauseMs(failures: number): number {
  return Math.min(FAILURE_MOST_MS, FAILURE_FIRST_MS * 2 ** Math.min(failures - 1, 20));
}
