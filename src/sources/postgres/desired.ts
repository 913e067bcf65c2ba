import type { Queryable, Row } from '../../database/database.ts';
import type { DesiredRow } from '../../dns/desired.ts';
import { ZonekeeperError } from '../../errors.ts';
import type { ConsumerTable } from './tables.ts';
import { KINDS, type ViewMode } from './view.ts';

/** Which consumers to read: some by id and kind, or all. */
export type Scope = 'everything' | ReadonlyMap<string, readonly string[]>;

/** A consumer whose rows in the view differ from those in `wanted`, with its present rows (none when it vanished). */
export interface ChangedConsumer {
  readonly kind: string;
  readonly id: string;
  readonly rows: readonly DesiredRow[];
}

/** What the reader must know of the view. */
export interface ViewFacts {
  readonly mode: Exclude<ViewMode, 'missing'>;
  /** The type of each consumer table's id, for the index look-up. */
  readonly idTypes: ReadonlyMap<ConsumerTable, string>;
  /** The qualified settings table; null for a custom view. */
  readonly settings: string | null;
}

// What a number of ours does not hold exactly would differ from `wanted` for ever: times finer than a millisecond, far ones, and
// infinite ones. Whatever is older than all DNS is equally old; a time far ahead says as little as none.
const since = (time: string) =>
  `CASE WHEN ${time} < timestamptz '2200-01-01 00:00:00+00'
        THEN greatest(date_trunc('milliseconds', ${time}), timestamptz '1700-01-01 00:00:00+00') END AS since`;
const VIEW_ROW = `coalesce(consumer_kind::text, '') AS consumer_kind, coalesce(consumer_id::text, '') AS consumer_id,
  fqdn::text AS name, type::text AS type, content::text AS content, ttl::text AS ttl, proxied::text AS proxied,
  ${since('since::timestamptz')}`;
const WANTED_ROW = 'consumer_kind, consumer_id, name, type, content, ttl, proxied, since';

/**
 * Compares the view with `wanted` in one set-based statement and returns the consumers that differ. For some consumers
 * it is an index look-up on both sides, whatever the size of the tables.
 */
export async function readDifferences(db: Queryable, view: ViewFacts, scope: Scope): Promise<ChangedConsumer[]> {
  const { present, known, values } = scope === 'everything' ? wholeScope() : someScope(view, scope);
  const rows = await readable(() =>
    db.rows(
      `WITH present AS MATERIALIZED (${present}),
            known AS MATERIALIZED (${known}),
            differing AS (
              SELECT DISTINCT consumer_kind, consumer_id FROM (
                (SELECT * FROM present EXCEPT ALL SELECT * FROM known) UNION ALL
                (SELECT * FROM known EXCEPT ALL SELECT * FROM present)) d)
       ${settingsRows(view)} UNION ALL
       SELECT differing.consumer_kind, differing.consumer_id, present.consumer_id IS NOT NULL,
              present.name, present.type, present.content, present.ttl, present.proxied, present.since
         FROM differing LEFT JOIN present USING (consumer_kind, consumer_id)
        ORDER BY 1 NULLS FIRST, 2`,
      values,
    ),
  );
  return group(withOneSettingsRow(rows));
}

/** The rows of the view for the given consumers, as they are now. */
export async function readConsumers(db: Queryable, view: ViewFacts, scope: Scope): Promise<ChangedConsumer[]> {
  const { present, values } = scope === 'everything' ? wholeScope() : someScope(view, scope, 1);
  const rows = await readable(() =>
    db.rows(
      `${settingsRows(view)} UNION ALL
       SELECT consumer_kind, consumer_id, true, name, type, content, ttl, proxied, since FROM (${present}) present ORDER BY 1 NULLS FIRST, 2`,
      values,
    ),
  );
  return group(withOneSettingsRow(rows));
}

function wholeScope() {
  return { present: `SELECT ${VIEW_ROW} FROM @.desired`, known: `SELECT ${WANTED_ROW} FROM @.wanted`, values: [] };
}

function someScope(view: ViewFacts, scope: ReadonlyMap<string, readonly string[]>, sides: 1 | 2 = 2) {
  const present: string[] = [];
  const known: string[] = [];
  const values: unknown[] = [];
  for (const { kind, table, view: inner } of KINDS) {
    const ids = scope.get(kind);
    if (ids === undefined || ids.length === 0) continue;
    values.push(ids);
    const type = view.idTypes.get(table) ?? 'text';
    const place = `$${values.length}`;
    present.push(
      `SELECT '${kind}'::text AS consumer_kind, id::text AS consumer_id, fqdn::text AS name, type::text, content::text,
              ttl::text, proxied::text, ${since('since')} FROM @.${inner} WHERE id = ANY (${place}::text[]::${type}[])`,
    );
    known.push(
      `SELECT ${WANTED_ROW} FROM @.wanted WHERE consumer_kind = '${kind}' AND consumer_id = ANY (${place}::text[])`,
    );
  }
  const nothing =
    sides === 2 ? `SELECT ${WANTED_ROW} FROM @.wanted WHERE false` : `SELECT ${VIEW_ROW} FROM @.desired WHERE false`;
  return {
    present: present.length > 0 ? present.join(' UNION ALL ') : nothing,
    known: known.length > 0 ? known.join(' UNION ALL ') : nothing,
    values,
  };
}

/**
 * The number of settings rows, as a row of the same snapshot: a comparison must not see other settings than its check. Without
 * a kind, which every consumer has, it is the first row of each answer.
 */
function settingsRows({ settings }: ViewFacts): string {
  const count = settings === null ? '1' : `(SELECT count(*) FROM (SELECT FROM ${settings} LIMIT 2) few)`;
  return `SELECT NULL::text, ${count}::text, false, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz`;
}

// With no settings row every name would seem to vanish, with two of them every name would be wanted twice.
function withOneSettingsRow([settings, ...rows]: readonly Row[]): Row[] {
  const count = settings?.[1];
  if (count === '0') throw new ZonekeeperError('settings_row_missing', 'The table settings is empty.');
  if (count !== '1') throw new ZonekeeperError('settings_row_doubled', 'The table settings has more than one row.');
  return rows;
}

/** A broken view is a different thing from a broken database: what it rejects with says whom to ask. */
export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ZonekeeperError)) throw error;
    if (error.code !== 'database_failed' && error.code !== 'schema_missing') throw error;
    throw new ZonekeeperError('desired_unreadable', `The view "desired" cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

function group(rows: readonly Row[]): ChangedConsumer[] {
  const consumers: { kind: string; id: string; rows: DesiredRow[] }[] = [];
  for (const row of rows) {
    const [kind, id, exists, fqdn, type, content, ttl, proxied, since] = row as [
      string,
      string,
      boolean,
      ...(string | null)[],
    ];
    let last = consumers.at(-1);
    if (last === undefined || last.kind !== kind || last.id !== id) {
      last = { kind, id, rows: [] };
      consumers.push(last);
    }
    if (!exists) continue;
    last.rows.push({
      fqdn: fqdn ?? null,
      type: type ?? null,
      content: content ?? null,
      ttl: ttl ?? null,
      proxied: proxied ?? null,
      consumer: { kind, id },
      since: (since as unknown as number | null) ?? null,
    });
  }
  return consumers;
}
