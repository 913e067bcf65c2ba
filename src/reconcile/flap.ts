import type { Clock } from '../controller/clock.ts';

/** Repairs of one name within the window above which somebody else is taken to be fighting over it. */
const REPAIRS = 5;
const WINDOW_MS = 600_000;
const FIRST_PAUSE_MS = 60_000;
const MAX_PAUSE_MS = WINDOW_MS;
/** Names remembered at most; the oldest are forgotten first. */
const MAX_NAMES = 10_000;

/**
 * Finds records that another writer keeps changing back, so that the repairs slow down instead of using up the API
 * budget for nothing.
 */
export class FlapDetector {
  readonly #clock: Clock;
  readonly #repairs = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A drift of the name was repaired. */
  repaired(fqdn: string): void {
    const times = this.#recent(fqdn);
    times.push(this.#clock.now());
    // Kept in the order of the last repair.
    this.#repairs.delete(fqdn);
    this.#repairs.set(fqdn, times.slice(-2 * REPAIRS));
    if (this.#repairs.size <= MAX_NAMES) return;
    for (const oldest of this.#repairs.keys()) {
      this.#repairs.delete(oldest);
      return;
    }
  }

  /** Milliseconds until the name may be repaired again; 0 for now. */
  pauseMs(fqdn: string): number {
    const times = this.#recent(fqdn);
    const last = times.at(-1);
    if (last === undefined || times.length < REPAIRS) return 0;
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (times.length - REPAIRS));
    return Math.max(0, last + pause - this.#clock.now());
  }

  #recent(fqdn: string): number[] {
    const since = this.#clock.now() - WINDOW_MS;
    return (this.#repairs.get(fqdn) ?? []).filter((time) => time > since);
  }
}
