import type { Queryable, Row } from '../database/database.ts';
import type { DesiredRow } from '../dns/desired.ts';
import type { Action, ConsumerRef, NameState, RecordType, TrackedRecord } from '../dns/record.ts';
import type { ErrorCode } from '../errors.ts';
import type { Intent, NameFacts, StoredState, SurveyPage } from './port.ts';

/** Facts while they are put together. */
interface Building {
  readonly fqdn: string;
  readonly rows: DesiredRow[];
  readonly tracked: TrackedRecord[];
  readonly intents: Intent[];
  state: StoredState | null;
}

// One flat list of rows for four tables: one round trip, and no JSON to build and parse. $1 is put in by the caller.
const WANTED = (where: string) =>
  `SELECT 'w', fqdn, name, type, content, ttl, proxied, consumer_kind, consumer_id,
          (extract(epoch FROM since) * 1000)::float8, NULL::text, NULL::float8 FROM @.wanted WHERE ${where}`;
const TRACKED = (where: string) =>
  `SELECT 't', fqdn, record_id, type, content, ttl::text, proxied::text, consumer_kind, consumer_id,
          (extract(epoch FROM clock_timestamp() - unwanted_since) * 1000)::float8, zone_id, NULL FROM @.dns_records WHERE ${where}`;
const STATES = (where: string) =>
  `SELECT 's', fqdn, state, code, reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM @.names WHERE ${where}`;
const INTENTS = (where: string) =>
  `SELECT 'i', fqdn, id, action, state, record_id, replaced::text, consumer_kind, consumer_id, epoch::float8, zone_id,
          (extract(epoch FROM deadline - clock_timestamp()) * 1000)::float8 FROM @.intents WHERE ${where}`;

/** All that is known of the names, in one statement. */
export async function readFacts(db: Queryable, fqdns: readonly string[]): Promise<ReadonlyMap<string, NameFacts>> {
  const facts = new Map<string, Building>(fqdns.map((fqdn) => [fqdn, empty(fqdn)]));
  const where = 'fqdn = ANY ($1)';
  const rows = await db.rows([WANTED(where), TRACKED(where), STATES(where), INTENTS(where)].join(' UNION ALL '), [
    fqdns,
  ]);
  for (const row of rows) add(facts, row);
  return facts;
}

/**
 * One page of all known names in the order of the reversed name (byte by byte), in which the names of a zone are
 * neighbours. `zone` narrows it to what ends in it.
 */
export async function readSurvey(
  db: Queryable,
  options: { readonly zone: string | null; readonly after: string | null; readonly limit: number },
): Promise<SurveyPage> {
  const reversed = options.zone === null ? '' : [...options.zone].reverse().join('');
  // '/' follows '.' in ASCII: the range holds the zone's name, all that ends in '.' + zone, and a few strangers.
  const end = options.zone === null ? null : `${reversed}/`;
  const inRange = `reverse(fqdn) ~>=~ $1 AND ($2::text IS NULL OR reverse(fqdn) ~>~ $2) AND ($3::text IS NULL OR reverse(fqdn) ~<~ $3)`;
  const keys = ['wanted', 'dns_records', 'names'].map(
    (table) =>
      `(SELECT reverse(fqdn) AS r FROM @.${table} WHERE ${inRange} ORDER BY reverse(fqdn) USING ~<~ LIMIT ${options.limit})`,
  );
  const [bound] = await db.rows(
    `SELECT count(*), (array_agg(r ORDER BY r USING ~<~))[count(*)] FROM
       (SELECT r FROM (${keys.join(' UNION ALL ')}) keys ORDER BY r USING ~<~ LIMIT ${options.limit}) page`,
    [reversed, options.after, end],
  );
  const [count, last] = (bound ?? [0, null]) as [number, string | null];
  if (last === null) return { names: [], next: null };
  const onPage = `reverse(fqdn) ~>=~ $1 AND ($2::text IS NULL OR reverse(fqdn) ~>~ $2) AND reverse(fqdn) ~<=~ $3`;
  const rows = await db.rows([WANTED(onPage), TRACKED(onPage), STATES(onPage)].join(' UNION ALL '), [
    reversed,
    options.after,
    last,
  ]);
  const facts = new Map<string, Building>();
  for (const row of rows) add(facts, row);
  const suffix = options.zone === null ? null : `.${options.zone}`;
  const names = [...facts.values()].filter(
    ({ fqdn }) => suffix === null || fqdn === options.zone || fqdn.endsWith(suffix),
  );
  return { names, next: count < options.limit ? null : last };
}

function empty(fqdn: string): Building {
  return { fqdn, rows: [], tracked: [], intents: [], state: null };
}

function add(facts: Map<string, Building>, row: Row): void {
  const fqdn = row[1] as string;
  let name = facts.get(fqdn);
  if (name === undefined) {
    name = empty(fqdn);
    facts.set(fqdn, name);
  }
  if (row[0] === 'w') name.rows.push(desiredRow(row));
  else if (row[0] === 't') name.tracked.push(trackedRecord(row));
  else if (row[0] === 'i') name.intents.push(intent(row));
  else name.state = { state: row[2] as NameState, code: row[3] as ErrorCode | null, reason: row[4] as string | null };
}

function desiredRow(row: Row): DesiredRow {
  return {
    fqdn: row[2] as string | null,
    type: row[3] as string | null,
    content: row[4] as string | null,
    ttl: row[5] as string | null,
    proxied: row[6] as string | null,
    consumer: { kind: row[7] as string, id: row[8] as string },
    since: row[9] as number | null,
  };
}

function trackedRecord(row: Row): TrackedRecord {
  return {
    fqdn: row[1] as string,
    recordId: row[2] as string,
    type: row[3] as RecordType,
    content: row[4] as string,
    ttl: Number(row[5]),
    proxied: row[6] === 'true',
    consumer: consumerOf(row),
    unwantedForMs: row[9] as number | null,
    zoneId: row[10] as string,
  };
}

function intent(row: Row): Intent {
  return {
    fqdn: row[1] as string,
    id: row[2] as string,
    action: row[3] as Action,
    state: row[4] as Intent['state'],
    recordId: row[5] as string | null,
    consumer: consumerOf(row),
    epoch: row[9] as number,
    zoneId: row[10] as string,
    replaced: row[6] === 'true',
    remainingMs: row[11] as number,
  };
}

function consumerOf(row: Row): ConsumerRef | null {
  return row[7] === null ? null : { kind: row[7] as string, id: row[8] as string };
}
