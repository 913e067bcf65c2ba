import { parseMark } from '../../src/dns/mark.ts';
import type { ChangeEntry, DnsRecord } from '../../src/simulator/simulator.ts';
import type { Orders } from './orders.ts';
import { API_BUDGET, type Stage } from './stage.ts';
import type { Storm } from './storm.ts';

/** Seen from outside alone: by the tables of the application and of the ledger, and by what Cloudflare holds. */
export interface Outside {
  readonly records: readonly DnsRecord[];
  /** Name to content, as the application's tables say it. */
  readonly wanted: ReadonlyMap<string, string>;
  readonly tracked: readonly { fqdn: string; record_id: string }[];
  readonly states: readonly { fqdn: string; state: string; code: string | null }[];
  readonly open: number;
  readonly noted: number;
  /** Operations that have not ended. */
  readonly asked: number;
}

/** Reads both sides. Not in one moment: to be believed only when it does not change any more. */
export async function look(stage: Stage): Promise<Outside> {
  const wanted = await stage.rows<{ name: string; content: string }>(
    `SELECT subdomain || '.example.com' AS name, '192.0.2.1' AS content FROM instances WHERE status = 'running' AND npm_proxy_id > 0
     UNION ALL SELECT domain, target FROM standalone_proxies`,
  );
  const tracked = await stage.rows<{ fqdn: string; record_id: string }>(
    'SELECT fqdn, record_id FROM zonekeeper.dns_records',
  );
  const states = await stage.rows<{ fqdn: string; state: string; code: string | null }>(
    'SELECT fqdn, state, code FROM zonekeeper.names',
  );
  const [counts] = await stage.rows<{ open: number; noted: number; asked: number }>(
    `SELECT (SELECT count(*)::int FROM zonekeeper.intents WHERE state = 'open') AS open, (SELECT count(*)::int FROM zonekeeper.changes) AS noted,
            (SELECT count(*)::int FROM zonekeeper.operations WHERE state IN ('queued', 'running')) AS asked`,
  );
  return {
    records: await stage.dashboard.records(),
    wanted: new Map(wanted.map(({ name, content }) => [name, content])),
    tracked,
    states,
    open: counts?.open ?? 0,
    noted: counts?.noted ?? 0,
    asked: counts?.asked ?? 0,
  };
}

/** What is not as it must be once everything has come to rest; empty when all is well. */
export function faults(outside: Outside, storm: Storm): string[] {
  const { records, wanted, tracked, states, open, noted, asked } = outside;
  const found: string[] = [];
  if (open > 0) found.push(`${open} intents are open`);
  if (noted > 0) found.push(`${noted} changes are noted and not read`);
  if (asked > 0) found.push(`${asked} operations have not ended`);
  const rows = new Map(tracked.map(({ fqdn, record_id: id }) => [id, fqdn]));
  const ids = new Set(records.map(({ id }) => id));
  for (const { id, name, comment } of records) {
    if (parseMark(comment ?? null) !== null && !rows.has(id)) found.push(`${name}: the record ${id} is leaked`);
    if (storm.foreign.has(id) && rows.has(id)) found.push(`${name}: the foreign record ${id} is tracked`);
  }
  for (const [id, name] of rows)
    if (!ids.has(id)) found.push(`${name}: a row points at the record ${id}, which is gone`);
  const byName = Map.groupBy(records, ({ name }) => name);
  const stateOf = new Map(states.map(({ fqdn, state }) => [fqdn, state]));
  for (const [name, content] of wanted) {
    const held = byName.get(name) ?? [];
    const foreign = held.filter(({ id, content: other }) => !rows.has(id) && other !== content);
    const state = stateOf.get(name) ?? 'in_sync';
    if (foreign.length > 0 && !storm.contested.has(name))
      found.push(`${name}: a record of ours is taken for a foreign one`);
    if (foreign.length > 0) {
      if (state !== 'conflict') found.push(`${name}: a foreign record is in the way, but the state is ${state}`);
      continue;
    }
    if (state !== 'in_sync') found.push(`${name}: nothing is in the way, but the state is ${state}`);
    if (held.length !== 1 || held[0]?.content !== content) {
      found.push(`${name}: should be ${content}, is ${held.map((record) => record.content).join(', ') || 'nothing'}`);
    }
  }
  for (const [id, name] of rows) if (!wanted.has(name)) found.push(`${name}: nobody wants it, but ${id} is there`);
  for (const { fqdn, state } of states)
    if (!wanted.has(fqdn)) found.push(`${fqdn}: nobody wants it, but it is ${state}`);
  return found;
}

/** What must hold for all that happened, not only for how it ended. */
export async function history(stage: Stage, storm: Storm, orders: Orders): Promise<string[]> {
  const found: string[] = [];
  const { changes, dropped } = await stage.dashboard.changes(0);
  if (dropped > 0) found.push(`the simulator has forgotten ${dropped} changes: too few were checked`);
  found.push(...foreignTouched(changes, storm.foreign));
  found.push(...(await orders.problems(changes)));
  const { max_in_300s: most } = await stage.dashboard.counters();
  if (most > API_BUDGET) found.push(`${most} API calls within 300 s, at most ${API_BUDGET} are allowed`);
  const doubles = await stage.rows<{ record_id: string; times: number }>(
    `SELECT record_id, count(*)::int AS times FROM zonekeeper.history
      WHERE action = 'create' AND result = 'done' GROUP BY record_id HAVING count(*) > 1`,
  );
  for (const { record_id: id, times } of doubles) found.push(`the history says ${times} times that ${id} was created`);
  const untold = await stage.rows<{ record_id: string }>(
    `SELECT record_id FROM zonekeeper.dns_records r WHERE NOT EXISTS
       (SELECT FROM zonekeeper.history h WHERE h.record_id = r.record_id AND h.action = 'create' AND h.result = 'done')`,
  );
  for (const { record_id: id } of untold) found.push(`the history does not tell of the record ${id}`);
  const created = new Set(
    changes.flatMap(({ before, after }) => (before === null && after !== null ? [after.id] : [])),
  );
  const told = await stage.rows<{ record_id: string }>(
    `SELECT record_id FROM zonekeeper.history WHERE action = 'create' AND result = 'done'`,
  );
  for (const { record_id: id } of told) {
    if (!created.has(id)) found.push(`the history says that ${id} was created, and it never was`);
  }
  return found;
}

function foreignTouched(changes: readonly ChangeEntry[], foreign: ReadonlySet<string>): string[] {
  return changes.flatMap(({ actor, before }) =>
    actor === 'api' && before !== null && foreign.has(before.id)
      ? [`${before.name}: the foreign ${before.id} was changed`]
      : [],
  );
}
