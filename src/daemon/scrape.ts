import type { Clock } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { NAME_STATES } from '../dns/record.ts';
import { countNames, type NameCount } from '../ledger/browse.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Term } from '../reconcile/term.ts';

/**
 * Counting all names costs more the more there are, so it is not done at every scrape: after one, there is a pause of so many
 * times what it took, between these bounds. Milliseconds.
 */
const PAUSE_SHARE = 100;
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 15_000;
/** A scrape waits for a count no longer than this: then the one before it is good enough, and the next scrape has the new one. */
const PATIENCE_MS = 20;

/** Fills the gauges that are read at a scrape. Only the leader speaks of names and zones: their series must not double. */
export class Scraper {
  readonly #metrics: Metrics;
  readonly #db: Database;
  readonly #clock: Clock;
  /** The last count that ended. */
  #last: readonly NameCount[] | null = null;
  #counts: { due: number; counts: Promise<readonly NameCount[]> } | null = null;

  constructor(metrics: Metrics, db: Database, clock: Clock) {
    this.#metrics = metrics;
    this.#db = db;
    this.#clock = clock;
  }

  /** `remaining` is of the API budget; null while this process does not lead. */
  async scrape(term: Term | null, remaining: number | null, connected: boolean): Promise<void> {
    const metrics = this.#metrics;
    metrics.queue.read(term?.queue ?? null, term?.pool ?? null);
    metrics.apiBudgetRemaining.set({}, remaining ?? 0);
    metrics.sourceConnected.set({ source: 'postgres' }, connected ? 1 : 0);
    const { busy, idle, waiting } = this.#db.pool;
    metrics.postgresConnections.set({ state: 'busy' }, busy);
    metrics.postgresConnections.set({ state: 'idle' }, idle);
    metrics.postgresWaiting.set({}, waiting);
    if (term === null) return;
    for (const { name } of term.zones.all) metrics.guardBlocked.set({ zone: name }, term.guard.awaiting(name));
    const counts = await this.#names();
    const oldest = new Map<string, number>();
    const known = new Set(term.zones.all.map(({ name }) => name));
    // Names that belong to no zone are counted under an empty one.
    for (const zone of ['', ...known]) for (const state of NAME_STATES) metrics.records.set({ zone, state }, 0);
    for (const { zone, state, names, oldest: since } of counts) {
      const ofOurs = zone !== null && known.has(zone);
      metrics.records.set({ zone: ofOurs ? zone : '', state }, names);
      if (ofOurs && since !== null && DRIFTED.has(state)) oldest.set(zone, Math.min(oldest.get(zone) ?? since, since));
    }
    for (const zone of known) metrics.driftOldest.set({ zone }, (oldest.get(zone) ?? 0) / 1000);
  }

  #names(): Promise<readonly NameCount[]> {
    const now = this.#clock.now();
    if (this.#counts === null || now >= this.#counts.due) {
      const count = { due: Number.POSITIVE_INFINITY, counts: countNames(this.#db) };
      this.#counts = count;
      count.counts.then(
        (counts) => {
          this.#last = counts;
          const end = this.#clock.now();
          count.due = end + Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, (end - now) * PAUSE_SHARE));
        },
        // A count that failed is not kept for the next scrape.
        () => {
          this.#counts = null;
        },
      );
    }
    const { counts } = this.#counts;
    return this.#last === null ? counts : this.#within(counts, this.#last);
  }

  async #within(counts: Promise<readonly NameCount[]>, otherwise: readonly NameCount[]): Promise<readonly NameCount[]> {
    const { promise: late, resolve } = Promise.withResolvers<readonly NameCount[]>();
    const timer = this.#clock.after(PATIENCE_MS, () => resolve(otherwise));
    try {
      return await Promise.race([counts, late]);
    } finally {
      timer.cancel();
    }
  }
}

const DRIFTED: ReadonlySet<string> = new Set(['missing', 'modified', 'orphaned', 'blocked', 'failed']);
