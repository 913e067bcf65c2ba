import type { Report } from '../../src/reconcile/report.ts';
import type { Term } from '../../src/reconcile/term.ts';
import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { wantedNow } from './application.ts';
import type { MemoryCloudflare } from './memory-cloudflare.ts';
import type { Tables } from './tables.ts';

const HOUR_MS = 3_600_000;

/**
 * What is wrong with the report of a sync that was ordered once everything had come to rest, and that has ended; empty when
 * nothing is. Each of its counts is known then, by the tables and by what Cloudflare was told meanwhile.
 */
export function untrue(report: Report, tables: Tables, made: readonly ChangeEntry[]): string[] {
  const states = Map.groupBy(tables.names.values(), ({ state }) => state);
  const stored = (state: 'conflict' | 'blocked' | 'failed') => states.get(state)?.length ?? 0;
  const touched = new Set(report.changes.map(({ fqdn }) => fqdn));
  const synced = [...wantedNow(tables).keys()].filter((fqdn) => !tables.names.has(fqdn) && !touched.has(fqdn));
  const really = {
    created: made.filter(({ before }) => before === null).length,
    updated: made.filter(({ before, after }) => before !== null && after !== null).length,
    deleted: made.filter(({ after }) => after === null).length,
    already_synced: synced.length,
    conflicts: stored('conflict'),
    blocked: stored('blocked'),
    failed: stored('failed'),
    held: report.changes.filter(({ result }) => result === 'held').length,
  };
  const found: string[] = [];
  for (const [what, count] of Object.entries(really)) {
    const told = report[what as keyof typeof really];
    if (told !== count) found.push(`${what}: ${told}, and not ${count}`);
  }
  for (const { fqdn, state, code, reason } of report.problems) {
    const row = tables.names.get(fqdn);
    if (row?.state !== state || row.code !== code || row.reason !== reason)
      found.push(`${fqdn} is not ${state}: ${reason}`);
  }
  const { conflicts, blocked, failed } = really;
  if (report.problems.length !== conflicts + blocked + failed) found.push(`${report.problems.length} problems`);
  return found;
}

/**
 * Names whose deletion the delete guard holds although it may not: somebody wants something, and of the zone no more names
 * await deletion, or can have been deleted within an hour, than it lets through. Asked right after all of them were looked at.
 */
export function heldForNothing(tables: Tables, cloudflare: MemoryCloudflare, allowed: number): string[] {
  if (![...tables.wanted.values()].some((rows) => rows.length > 0)) return [];
  return [...Map.groupBy(heldIn(tables), ({ zone }) => zone)].flatMap(([zone, names]) => {
    const id = cloudflare.control.zones().find(({ name }) => name === zone)?.id;
    const since = tables.now() - HOUR_MS;
    const entries = cloudflare.changes().filter((entry) => entry.zone === zone);
    const inItsPlace = new Set(entries.map(({ transaction, after }) => `${transaction} ${after?.name}`));
    const gone = entries.filter(
      ({ transaction, before, after }) => after === null && !inItsPlace.has(`${transaction} ${before?.name}`),
    );
    // An outdated answer may have shown that a deletion was made which was not.
    const told = tables.history.filter(
      (row) => row.action === 'delete' && !row.replaced && row.zone === zone && row.at > since,
    );
    const tried = [...tables.intents.values()].filter(
      (row) => row.zoneId === id && row.action === 'delete' && row.createdAt > since,
    );
    const most = names.length + gone.length + told.length + tried.length;
    return most <= allowed ? names.map(({ fqdn }) => fqdn) : [];
  });
}

/** How the number of names that await deletion, as the metrics of who leads show it, differs from those that are held. */
export function miscounted({ zones, guard }: Pick<Term, 'zones' | 'guard'>, tables: Tables): string[] {
  return zones.all.flatMap(({ name }) => {
    const held = heldIn(tables).filter(({ zone }) => zone === name).length;
    const told = guard.awaiting(name);
    return told === held ? [] : [`${told} names of ${name} are said to await deletion, ${held} do`];
  });
}

function heldIn(tables: Tables) {
  return [...tables.names.values()].filter(({ state, code }) => state === 'blocked' && code === 'delete_held');
}
