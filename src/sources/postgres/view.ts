import type { Queryable } from '../../database/database.ts';
import { ZonekeeperError } from '../../errors.ts';
import { type ConsumerTable, quote, type TableFacts } from './tables.ts';

/**
 * The view `desired` says in SQL which records should exist. It is made of one inner view per consumer table that keeps
 * the table's own id type, so that a few consumers are read by the primary key, however many there are.
 */

/** The consumer tables with their kind (as shown to people) and inner view. */
export const KINDS = [
  { kind: 'instance', table: 'instances', view: 'desired_instances' },
  { kind: 'standalone_proxy', table: 'standalone_proxies', view: 'desired_standalone_proxies' },
] as const satisfies readonly { kind: string; table: ConsumerTable; view: string }[];

/** The columns that `desired` must have, whoever wrote it. */
export const DESIRED_COLUMNS = [
  'fqdn',
  'type',
  'content',
  'ttl',
  'proxied',
  'consumer_kind',
  'consumer_id',
  'since',
] as const;

const INTEGERS = new Set(['smallint', 'integer', 'bigint']);
const TIMES = new Set(['timestamp with time zone', 'timestamp without time zone', 'date']);

/** The statements that make the views for tables as they are. */
export function viewStatements(tables: readonly TableFacts[]): string[] {
  const facts = (table: ConsumerTable): TableFacts => {
    const found = tables.find((one) => one.table === table);
    if (found?.relation == null) throw new ZonekeeperError('consumer_tables', `Table ${table} is missing.`);
    return found;
  };
  const settings = facts('settings');
  const inner = KINDS.map(({ table, view }) => `CREATE VIEW @.${view} AS ${innerView(facts(table), settings)}`);
  const union = KINDS.map(
    ({ kind, view }) =>
      `SELECT fqdn, type, content, ttl, proxied, '${kind}'::text AS consumer_kind, id::text AS consumer_id, since FROM @.${view}`,
  ).join('\nUNION ALL\n');
  return [...inner, `CREATE VIEW @.desired AS\n${union}`];
}

function innerView(consumers: TableFacts, settings: TableFacts): string {
  const { fqdn, active } = RULES[consumers.table as 'instances' | 'standalone_proxies'];
  const own = (column: string) => (consumers.columns.has(column) ? `c.${quote(column)}` : null);
  const text = (column: string) =>
    own(column) === null ? 'NULL::text' : `nullif(btrim(${asText(consumers, column, 'c')}), '')`;
  return `
    SELECT c.id, ${fqdn} AS fqdn, ${text('record_type')} AS type,
           coalesce(${text('target')}, nullif(btrim(${asText(settings, 'target', 's')}), '')) AS content,
           ${fallback(consumers, settings, 'ttl', (type) => INTEGERS.has(type), '1')} AS ttl,
           ${fallback(consumers, settings, 'proxied', (type) => type === 'boolean', 'false')} AS proxied,
           ${TIMES.has(consumers.columns.get('created_at') ?? '') ? 'c.created_at::timestamptz' : 'NULL::timestamptz'} AS since
      FROM ${consumers.relation} c LEFT JOIN LATERAL (SELECT * FROM ${settings.relation} LIMIT 1) s ON true
     WHERE ${active}`;
}

/** An address of type inet is written with its netmask as text; `host` leaves that away. */
function asText({ columns }: TableFacts, column: string, alias: string): string {
  const value = `${alias}.${quote(column)}`;
  return columns.get(column) === 'inet' ? `host(${value})` : `${value}::text`;
}

// Casts to text only, so that no value whatsoever can make the view fail for all the others.
const RULES = {
  instances: {
    fqdn: `c.subdomain::text || '.' || s.domain::text`,
    active: `c.npm_proxy_id > 0 AND c.status::text = 'running'`,
  },
  standalone_proxies: {
    fqdn: `CASE WHEN position('.' IN c.domain::text) > 0 THEN c.domain::text ELSE c.domain::text || '.' || s.domain::text END`,
    active: 'true',
  },
} as const;

/** The consumer's value, else the settings', else the default; in its own type where both have the expected one. */
function fallback(
  consumers: TableFacts,
  settings: TableFacts,
  column: string,
  fits: (type: string) => boolean,
  last: string,
) {
  const types = [consumers.columns.get(column), settings.columns.get(column)].filter((type) => type !== undefined);
  const cast = types.every(fits) ? '' : '::text';
  const own = consumers.columns.has(column) ? `c.${quote(column)}${cast}, ` : '';
  return `coalesce(${own}s.${quote(column)}${cast}, ${cast === '' ? last : `'${last}'`})`;
}

/** What the catalog says of the view: is it the one that `migrate` made, or the user's own? */
export type ViewMode = 'missing' | 'generated' | 'custom';

/** The view's present definition, as PostgreSQL prints it; null when there is none. */
export async function viewDefinition(db: Queryable): Promise<string | null> {
  const [row] = await db.rows(`SELECT pg_get_viewdef(to_regclass('@.desired'))`);
  return (row?.[0] as string | null) ?? null;
}

/** Compares the view with the definition that `migrate` wrote down. */
export async function viewMode(db: Queryable): Promise<ViewMode> {
  const now = await viewDefinition(db);
  if (now === null) return 'missing';
  const [row] = await db.rows(`SELECT value FROM @.facts WHERE key = 'desired_view'`);
  return row?.[0] === now ? 'generated' : 'custom';
}

/** Throws `consumer_tables` when the view lacks a column, naming all of them. */
export async function requireDesiredColumns(db: Queryable): Promise<void> {
  const rows = await db.rows(
    `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('@.desired') AND attnum > 0 AND NOT attisdropped`,
  );
  const present = new Set(rows.map((row) => row[0]));
  const missing = DESIRED_COLUMNS.filter((column) => !present.has(column));
  if (missing.length === 0) return;
  throw new ZonekeeperError('consumer_tables', `The view "desired" lacks ${missing.join(', ')}.`, {
    facts: { problems: missing },
  });
}

/**
 * Makes the views anew for the tables as they are now, unless the user replaced `desired`. Returns whose view it is.
 */
export async function installView(db: Queryable, tables: readonly TableFacts[]): Promise<Exclude<ViewMode, 'missing'>> {
  if ((await viewMode(db)) === 'custom') {
    await requireDesiredColumns(db);
    return 'custom';
  }
  const views = ['desired', ...KINDS.map(({ view }) => view)];
  // Without CASCADE: a view of the user's on top of ours is named in the error instead of being dropped.
  for (const view of views) await db.rows(`DROP VIEW IF EXISTS @.${view}`);
  for (const statement of viewStatements(tables)) await db.rows(statement);
  await db.rows(
    `INSERT INTO @.facts (key, value) VALUES ('desired_view', to_jsonb($1::text))
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [await viewDefinition(db)],
  );
  return 'generated';
}
