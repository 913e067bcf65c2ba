import type { Database, Queryable } from '../../database/database.ts';
import type { DesiredRow } from '../../dns/desired.ts';
import { isError } from '../../errors.ts';
import type { Fence } from '../../leadership/fence.ts';
import type { Refreshed, RefreshScope, Source } from '../port.ts';
import {
  type ChangedConsumer,
  readable,
  readConsumers,
  readDifferences,
  type Scope,
  type ViewFacts,
} from './desired.ts';
import { KINDS } from './view.ts';

export interface PostgresSourceOptions {
  readonly db: Database;
  readonly fence: Fence;
  readonly view: ViewFacts;
  /** False when the triggers could not be installed: then nothing is noted, and every look is at everything. */
  readonly triggers: boolean;
  /** The name under which a row is filed: normalised, or a stand-in for an invalid one. */
  readonly keyOf: (row: DesiredRow) => string;
}

/** Rows of the change feed that one refresh takes at most; the rest is taken by the next one at once. */
const FEED_ROWS = 20_000;

/** A row of the change feed. */
interface Noted {
  readonly ids: readonly number[];
  readonly scope: Scope;
  readonly since: number | null;
  /** More rows are waiting. */
  readonly more: boolean;
  /** When it was read, by the database's clock: what is not among it was committed later. Milliseconds. */
  readonly readAt: number;
}

/**
 * Desired from the view `zonekeeper.desired`. Three steps: take the noted ids from the change feed; compare the view with
 * `wanted` for just those consumers; write what differs to `wanted` and remove the notes, in one transaction of the
 * leader's epoch. A crash between any two repeats them; nothing is lost, and doing it twice does nothing.
 */
export class PostgresSource implements Source {
  readonly #options: PostgresSourceOptions;
  #last: Promise<unknown> = Promise.resolve();
  /** All that was committed by then has been worked off, by the database's clock. */
  #doneUntil = Number.NEGATIVE_INFINITY;

  constructor(options: PostgresSourceOptions) {
    this.#options = options;
  }

  async refresh(scope: RefreshScope): Promise<Refreshed> {
    // One after the other: two at once would write the same differences twice.
    const run = this.#last.then(() => this.#refresh(scope));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async stillWanted(fqdns: readonly string[]): Promise<ReadonlySet<string>> {
    const consumers = await readable(() => this.#options.db.transaction((tx) => this.#consumersOf(tx, fqdns)));
    const asked = new Set(fqdns);
    const wanted = new Set<string>();
    for (const consumer of consumers) {
      for (const row of consumer.rows) {
        const key = this.#options.keyOf(row);
        if (asked.has(key)) wanted.add(key);
      }
    }
    return wanted;
  }

  /**
   * Those who have or had these names, and those of whom nobody has read what they want now. All of it at one moment: from one
   * statement to the next, a name can go from a consumer that is read to one that nobody knew when it was asked who to read.
   */
  async #consumersOf(tx: Queryable, fqdns: readonly string[]): Promise<readonly ChangedConsumer[]> {
    const { view, triggers } = this.#options;
    await tx.rows('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    const noted = await this.#noted(tx);
    const known = await tx.rows(
      `SELECT DISTINCT consumer_kind, consumer_id FROM @.dns_records WHERE fqdn = ANY ($1) AND consumer_kind IS NOT NULL
       UNION SELECT consumer_kind, consumer_id FROM @.wanted WHERE fqdn = ANY ($1)`,
      [fqdns],
    );
    const precise = triggers && view.mode === 'generated' && noted.scope !== 'everything' && !noted.more;
    const scope = precise ? merge(noted.scope as ReadonlyMap<string, readonly string[]>, known) : 'everything';
    return readConsumers(tx, view, scope);
  }

  async #refresh(asked: RefreshScope): Promise<Refreshed> {
    const { view } = this.#options;
    const names = new Set<string>();
    const vanished = new Set<string>();
    let since: number | null = null;
    for (;;) {
      const noted = await this.#noted(this.#options.db);
      const scope = asked === 'everything' || view.mode === 'custom' ? 'everything' : noted.scope;
      if (asked === 'changes' && noted.ids.length === 0) {
        this.#doneUntil = noted.readAt;
        break;
      }
      const changed = await this.#differences(scope);
      const touched = await this.#write(changed, noted.ids);
      for (const [name, wanted] of touched) {
        names.add(name);
        if (wanted) vanished.delete(name);
        else vanished.add(name);
      }
      since ??= noted.since;
      // A feed longer than one portion is worked off here, so that the caller sees everything that was noted before.
      if (noted.more) continue;
      this.#doneUntil = noted.readAt;
      break;
    }
    return { names: [...names], vanished: [...vanished], since };
  }

  async #differences(scope: Scope): Promise<ChangedConsumer[]> {
    const { db, view } = this.#options;
    try {
      return await readDifferences(db, view, scope);
    } catch (error) {
      // An id that no longer fits the table's type must not stop the feed for ever: everything can be compared without.
      if (scope === 'everything' || !isError(error, 'desired_unreadable')) throw error;
      return readDifferences(db, view, 'everything');
    }
  }

  async #noted(db: Queryable): Promise<Noted> {
    const [first, ...others] = await db.rows(
      `SELECT c.id, c.kind, c.consumer_id, c.at, statement_timestamp() FROM (SELECT) always
         LEFT JOIN (SELECT id, kind, consumer_id, at FROM @.changes ORDER BY id LIMIT ${FEED_ROWS}) c ON true ORDER BY c.id`,
    );
    const rows = first === undefined || first[0] === null ? [] : [first, ...others];
    const ids = rows.map((row) => row[0] as number);
    const byKind = new Map<string, Set<string>>();
    let everything = false;
    for (const [, kind, id] of rows as [number, string, string | null][]) {
      if (id === null || !KINDS.some((known) => known.kind === kind)) everything = true;
      else byKind.set(kind, (byKind.get(kind) ?? new Set()).add(id));
    }
    const scope = everything ? 'everything' : new Map([...byKind].map(([kind, set]) => [kind, [...set]]));
    // A transaction that has noted its change long before its commit was not there at the last reading.
    const readAt = first?.[4] as number;
    // The clock may have been set back since.
    const since = rows[0] === undefined ? null : Math.max(rows[0][3] as number, Math.min(this.#doneUntil, readAt));
    return { ids, scope, since, more: rows.length === FEED_ROWS, readAt };
  }

  /** Returns the touched names: true when a consumer wants the name now. */
  async #write(changed: readonly ChangedConsumer[], noted: readonly number[]): Promise<Map<string, boolean>> {
    if (changed.length === 0 && noted.length === 0) return new Map();
    return this.#options.db.transaction(async (tx) => {
      // Rebuilt by the next resync in any case: a crash may lose it, so nobody needs to wait for the disk.
      await this.#options.fence.hold(tx, { durable: false });
      const names = await this.#replace(tx, changed, noted);
      if (names.length === 0) return new Map();
      const rows = await tx.rows(
        `WITH n AS (SELECT n.fqdn, EXISTS (SELECT FROM @.wanted w WHERE w.fqdn = n.fqdn) AS wanted FROM unnest($1::text[]) n(fqdn)),
              noted AS (
                UPDATE @.dns_records r
                   SET unwanted_since = CASE WHEN n.wanted THEN NULL ELSE coalesce(r.unwanted_since, now()) END
                  FROM n WHERE r.fqdn = n.fqdn AND (r.unwanted_since IS NULL) IS DISTINCT FROM n.wanted)
         SELECT fqdn, wanted FROM n`,
        [names],
      );
      return new Map(rows as unknown as [string, boolean][]);
    });
  }

  /** Writes the consumers' present rows in place of those known. Returns the names that they had and have. */
  async #replace(tx: Queryable, changed: readonly ChangedConsumer[], noted: readonly number[]): Promise<string[]> {
    const names = new Set<string>();
    const before = await tx.rows(
      `WITH worked_off AS (DELETE FROM @.changes WHERE id = ANY ($3::bigint[]))
       DELETE FROM @.wanted w USING unnest($1::text[], $2::text[]) c(kind, id)
        WHERE w.consumer_kind = c.kind AND w.consumer_id = c.id RETURNING w.fqdn`,
      [changed.map(({ kind }) => kind), changed.map(({ id }) => id), noted],
    );
    for (const row of before) names.add(row[0] as string);
    const rows = changed.flatMap((consumer) => consumer.rows);
    const keys = rows.map((row) => this.#options.keyOf(row));
    for (const key of keys) names.add(key);
    if (rows.length > 0) {
      await tx.rows(
        `INSERT INTO @.wanted (consumer_kind, consumer_id, name, type, content, ttl, proxied, since, fqdn)
         SELECT kind, id, name, type, content, ttl, proxied, to_timestamp(since / 1000.0), fqdn
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::double precision[], $9::text[]) n(kind, id, name, type, content, ttl, proxied, since, fqdn)`,
        [
          rows.map(({ consumer }) => consumer.kind),
          rows.map(({ consumer }) => consumer.id),
          rows.map(({ fqdn }) => fqdn),
          rows.map(({ type }) => type),
          rows.map(({ content }) => content),
          rows.map(({ ttl }) => ttl),
          rows.map(({ proxied }) => proxied),
          rows.map(({ since }) => since),
          keys,
        ],
      );
    }
    return [...names];
  }
}

function merge(noted: ReadonlyMap<string, readonly string[]>, known: readonly (readonly unknown[])[]) {
  const scope = new Map([...noted].map(([kind, ids]) => [kind, [...ids]]));
  for (const [kind, id] of known as [string, string][]) scope.set(kind, [...(scope.get(kind) ?? []), id]);
  return scope;
}
