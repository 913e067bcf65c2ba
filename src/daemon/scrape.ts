import type { Clock } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { NAME_STATES } from '../dns/record.ts';
import { countNames, type NameCount } from '../ledger/browse.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Term } from '../reconcile/term.ts';

/** Counting all names costs more the more there are: not at every scrape. Milliseconds. */
const COUNT_EVERY_MS = 15_000;

/** Fills the gauges that are read at a scrape. Only the leader speaks of names and zones: their series must not double. */
export class Scraper {
  readonly #metrics: Metrics;
  readonly #db: Database;
  readonly #clock: Clock;
  #counts: { at: number; counts: Promise<readonly NameCount[]> } | null = null;

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
    if (this.#counts === null || now - this.#counts.at > COUNT_EVERY_MS) {
      const counts = countNames(this.#db);
      this.#counts = { at: now, counts };
      // A count that failed is not kept for the next scrape.
      counts.catch(() => {
        this.#counts = null;
      });
    }
    return this.#counts.counts;
  }
}

const DRIFTED: ReadonlySet<string> = new Set(['missing', 'modified', 'orphaned', 'blocked', 'failed']);
