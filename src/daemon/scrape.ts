import type { Clock } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { NAME_STATES, type NameState } from '../dns/record.ts';
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

/** What is scraped of a process beside its term. */
export interface ScrapedFacts {
  /** Of the API; `remaining` is null while this process does not lead. */
  readonly budget: { readonly limit: number; readonly remaining: number | null };
  /** Does PostgreSQL announce changes? */
  readonly connected: boolean;
}

/** Fills the gauges that are read at a scrape. Only the leader speaks of names and zones: their series must not double. */
export class Scraper {
  readonly #metrics: Metrics;
  readonly #db: Database;
  readonly #clock: Clock;
  /** The last count that ended. */
  #last: readonly NameCount[] | null = null;
  #counts: { due: number; counts: Promise<readonly NameCount[]> } | null = null;
  /** Whose counts these are: what was counted in a term before says nothing of this one. */
  #term: Term | null = null;

  constructor(metrics: Metrics, db: Database, clock: Clock) {
    this.#metrics = metrics;
    this.#db = db;
    this.#clock = clock;
  }

  /** `leading` is asked again after a wait. */
  async scrape(leading: () => Term | null, { budget, connected }: ScrapedFacts): Promise<void> {
    const metrics = this.#metrics;
    const term = leading();
    metrics.queue.read(term?.queue ?? null, term?.pool ?? null);
    metrics.apiBudgetLimit.set({}, budget.limit);
    metrics.apiBudgetRemaining.set({}, budget.remaining ?? 0);
    metrics.checkInterval.set({}, (term?.checkIntervalMs ?? 0) / 1_000);
    metrics.sourceConnected.set({ source: 'postgres' }, connected ? 1 : 0);
    const { busy, idle, waiting } = this.#db.pool;
    metrics.postgresConnections.set({ state: 'busy' }, busy);
    metrics.postgresConnections.set({ state: 'idle' }, idle);
    metrics.postgresWaiting.set({}, waiting);
    if (term !== this.#term) {
      this.#term = term;
      this.#last = null;
      this.#counts = null;
    }
    if (term === null) return;
    for (const { name } of term.zones.all) metrics.guardBlocked.set({ zone: name }, term.guard.awaiting(name));
    const counts = await this.#names();
    // The term may have ended meanwhile: what is set now would stay for as long as the process lives.
    if (leading() !== term) return;
    const known = new Set(term.zones.all.map(({ name }) => name));
    const { names, oldest } = tally(counts, known);
    for (const [zone, states] of names) {
      for (const state of NAME_STATES) metrics.records.set({ zone, state }, states.get(state) ?? 0);
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
          if (this.#counts !== count) return;
          this.#last = counts;
          const end = this.#clock.now();
          count.due = end + Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, (end - now) * PAUSE_SHARE));
        },
        // A count that failed is not kept for the next scrape.
        () => {
          if (this.#counts === count) this.#counts = null;
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

/** Names by zone and state, and since when the longest-drifted name of a zone differs, in wall-clock milliseconds. */
export interface Tally {
  readonly names: ReadonlyMap<string, ReadonlyMap<NameState, number>>;
  readonly oldest: ReadonlyMap<string, number>;
}

/**
 * Counts, by the zones that are known. Names that belong to no zone, or to one that is not looked after (a new leader has not
 * listed any yet), are counted together, under an empty one.
 */
export function tally(counts: readonly NameCount[], known: ReadonlySet<string>): Tally {
  const all = new Map([...known, ''].map((zone) => [zone, new Map<NameState, number>()]));
  const oldest = new Map<string, number>();
  for (const { zone, state, names, oldest: since } of counts) {
    const home = zone !== null && known.has(zone) ? zone : '';
    const states = all.get(home);
    states?.set(state, (states.get(state) ?? 0) + names);
    if (home !== '' && since !== null && DRIFTED.has(state))
      oldest.set(home, Math.min(oldest.get(home) ?? since, since));
  }
  return { names: all, oldest };
}
