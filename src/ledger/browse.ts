import type { Database, Row } from '../database/database.ts';
import type { ConsumerRef, NameState, RecordSpec } from '../dns/record.ts';
import { readFacts } from './facts.ts';
import type { NameFacts, RecordLike } from './port.ts';

/** Which names to show. */
export interface BrowseQuery {
  /** Any of these states; empty for all. */
  readonly states: readonly NameState[];
  readonly zone: string | null;
  /** Part of a name. */
  readonly q: string | null;
  /** From z to a. */
  readonly descending?: boolean;
  readonly limit: number;
  /** The last name of the page before. */
  readonly cursor: string | null;
}

/** The row of `names`, for what is not simply in sync. */
export interface NameRow {
  readonly fqdn: string;
  readonly zone: string | null;
  readonly state: NameState;
  readonly code: string | null;
  readonly reason: string | null;
  readonly nextTry: number | null;
  readonly desired: readonly RecordSpec[];
  readonly actual: readonly RecordLike[];
  readonly consumer: ConsumerRef | null;
  readonly since: number;
  readonly updatedAt: number;
}

/** A name as the ledger shows it: its facts, its state where it is not in sync, and when its records last changed. */
export interface BrowsedName {
  readonly facts: NameFacts;
  readonly row: NameRow | null;
  /** Wall-clock milliseconds; null when nothing is tracked. */
  readonly changedAt: number | null;
  readonly adopted: boolean;
}

/** One line of a name's history. */
export interface HistoryRow {
  readonly id: number;
  readonly at: number;
  readonly action: string;
  readonly type: string;
  readonly before: RecordSpec | null;
  readonly after: RecordSpec | null;
  readonly reason: string | null;
  readonly trigger: string;
  readonly operationId: string | null;
  readonly actor: string | null;
  readonly result: string;
  readonly error: string | null;
}

/** One page of names in alphabetical order, and the cursor of the next one (null after the last). */
export async function browseNames(
  db: Database,
  query: BrowseQuery,
): Promise<{ names: BrowsedName[]; next: string | null }> {
  const { states, zone, q, descending = false, limit, cursor } = query;
  const where = `($1::text IS NULL OR fqdn ${descending ? '<' : '>'} $1) AND ($2::text IS NULL OR fqdn = $2 OR right(fqdn, length($2) + 1) = '.' || $2)
     AND ($3::text IS NULL OR position($3 IN fqdn) > 0)`;
  const page = `ORDER BY fqdn ${descending ? 'DESC' : 'ASC'} LIMIT $4`;
  const inSync = `SELECT fqdn FROM (
      (SELECT DISTINCT fqdn FROM @.wanted WHERE ${where} AND NOT EXISTS (SELECT FROM @.names n WHERE n.fqdn = wanted.fqdn) ${page}) UNION
      (SELECT DISTINCT fqdn FROM @.dns_records WHERE ${where} AND NOT EXISTS (SELECT FROM @.names n WHERE n.fqdn = dns_records.fqdn) ${page})) s`;
  const others = `SELECT fqdn FROM (SELECT fqdn FROM @.names WHERE ${where} AND ($5::text[] = '{}' OR state = ANY ($5)) ${page}) o`;
  const wanted = states.length === 0 ? [inSync, others] : [...(states.includes('in_sync') ? [inSync] : []), others];
  const rows = await db.rows(`SELECT fqdn FROM (${wanted.join(' UNION ')}) u WHERE $5::text[] IS NOT NULL ${page}`, [
    cursor,
    zone,
    q?.toLowerCase() ?? null,
    limit + 1,
    states,
  ]);
  const fqdns = rows.slice(0, limit).map((row) => row[0] as string);
  return { names: await readNames(db, fqdns), next: rows.length > limit ? (fqdns.at(-1) ?? null) : null };
}

/** These names, in this order; a name that nobody knows is left out. */
export async function readNames(db: Database, fqdns: readonly string[]): Promise<BrowsedName[]> {
  if (fqdns.length === 0) return [];
  const facts = await readFacts(db, fqdns);
  const states = await db.rows(
    `SELECT fqdn, zone, state, code, reason, next_try, desired, actual, consumer_kind, consumer_id, since, updated_at
       FROM @.names WHERE fqdn = ANY ($1)`,
    [fqdns],
  );
  const records = await db.rows(
    'SELECT fqdn, max(updated_at), bool_or(adopted) FROM @.dns_records WHERE fqdn = ANY ($1) GROUP BY fqdn',
    [fqdns],
  );
  const rowOf = new Map(states.map((row) => [row[0] as string, nameRow(row)]));
  const changed = new Map(records.map((row) => [row[0] as string, row]));
  return fqdns.flatMap((fqdn) => {
    const known = facts.get(fqdn);
    const row = rowOf.get(fqdn) ?? null;
    if (known === undefined || (known.rows.length === 0 && known.tracked.length === 0 && row === null)) return [];
    const record = changed.get(fqdn);
    return [
      { facts: known, row, changedAt: (record?.[1] as number | undefined) ?? null, adopted: record?.[2] === true },
    ];
  });
}

/** The latest entries first; `before` is the id to go on from. */
export async function readHistory(
  db: Database,
  fqdn: string,
  limit: number,
  before: number | null = null,
): Promise<HistoryRow[]> {
  const rows = await db.rows(
    `SELECT id, at, action, type, before, after, reason, trigger, operation_id, actor, result, error FROM @.history
      WHERE fqdn = $1 AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $2`,
    [fqdn, limit, before],
  );
  return rows.map(([id, at, action, type, was, is, reason, trigger, operationId, actor, result, error]) => ({
    id: id as number,
    at: at as number,
    action: action as string,
    type: type as string,
    before: was as RecordSpec | null,
    after: is as RecordSpec | null,
    reason: reason as string | null,
    trigger: trigger as string,
    operationId: operationId as string | null,
    actor: actor as string | null,
    result: result as string,
    error: error as string | null,
  }));
}

/** Names by zone (id) and state. A name in sync that no record of ours stands for is foreign, and counted under null. */
export interface NameCount {
  readonly zone: string | null;
  readonly state: NameState;
  readonly names: number;
  /** Wall-clock milliseconds of the oldest of them that nobody holds on purpose, for states that are not in sync. */
  readonly oldest: number | null;
}

/** Counts all names. Its cost grows with their number: for a scrape, not for a change. */
export async function countNames(db: Database): Promise<NameCount[]> {
  const rows = await db.rows(
    `SELECT z.name, 'in_sync', count(DISTINCT r.fqdn), NULL::timestamptz FROM @.dns_records r JOIN @.zones z ON z.id = r.zone_id
      WHERE NOT EXISTS (SELECT FROM @.names n WHERE n.fqdn = r.fqdn) GROUP BY 1
     UNION ALL
     SELECT NULL, 'in_sync', count(DISTINCT w.fqdn), NULL FROM @.wanted w
      WHERE NOT EXISTS (SELECT FROM @.names n WHERE n.fqdn = w.fqdn) AND NOT EXISTS (SELECT FROM @.dns_records r WHERE r.fqdn = w.fqdn)
     UNION ALL
     SELECT zone, state, count(*), min(since) FILTER (WHERE coalesce(code, '') NOT IN ('policy_held', 'delete_held'))
       FROM @.names GROUP BY zone, state`,
  );
  return rows.map(([zone, state, names, oldest]) => ({
    zone: zone as string | null,
    state: state as NameState,
    names: names as number,
    oldest: oldest as number | null,
  }));
}

function nameRow(row: Row): NameRow {
  const [fqdn, zone, state, code, reason, nextTry, desired, actual, kind, id, since, updatedAt] = row;
  return {
    fqdn: fqdn as string,
    zone: zone as string | null,
    state: state as NameState,
    code: code as string | null,
    reason: reason as string | null,
    nextTry: nextTry as number | null,
    desired: (desired as RecordSpec[] | null) ?? [],
    actual: (actual as RecordLike[] | null) ?? [],
    consumer: kind === null ? null : { kind: kind as string, id: id as string },
    since: since as number,
    updatedAt: updatedAt as number,
  };
}
