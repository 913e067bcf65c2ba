import type { Stage } from './stage.ts';

/** Names are counted at a scrape, and then not again for a while. Milliseconds. */
const RECOUNT_MS = 60_000;
const PAUSE_MS = 1_000;
const LIMIT_MS = 10_000;

/** By zone and state: `example.com in_sync`. */
type Counts = Readonly<Record<string, number>>;

/** How the metrics of who leads differ from what the database says, once nothing moves any more; empty when they do not. */
export async function metricsDiffer(stage: Stage): Promise<string[]> {
  const until = performance.now() + RECOUNT_MS;
  for (;;) {
    const found = await differences(stage).catch((error: Error) => [`the metrics cannot be read: ${error.message}`]);
    if (found.length === 0 || performance.now() > until) return found;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function differences(stage: Stage): Promise<string[]> {
  const [leader] = await stage.rows<{ address: string | null }>('SELECT address FROM zonekeeper.leader');
  const response = await fetch(new URL('/metrics', leader?.address ?? ''), { signal: AbortSignal.timeout(LIMIT_MS) });
  const text = await response.text();
  const told = seriesOf(text, 'zonekeeper_records', ['zone', 'state']);
  const counted = await counts(stage);
  const keys = new Set([...Object.keys(told), ...Object.keys(counted)]);
  const found = [...keys].flatMap((key) => {
    const [said, is] = [told[key] ?? 0, counted[key] ?? 0];
    return said === is ? [] : [`the metrics count ${said} names of ${key}, the database ${is}`];
  });
  if (Object.keys(told).length === 0) found.push('the metrics count no names');
  const blocked = seriesOf(text, 'zonekeeper_guard_blocked', ['zone']);
  for (const [zone, names] of Object.entries(blocked)) {
    if (names !== 0) found.push(`the metrics say that the guard holds ${names} names of ${zone}`);
  }
  const since = seriesOf(text, 'zonekeeper_drift_oldest_timestamp_seconds', ['zone']);
  const held = await stage.rows<{ zone: string }>(
    `SELECT DISTINCT zone FROM zonekeeper.names WHERE state IN ('missing', 'modified', 'orphaned')`,
  );
  for (const [zone, at] of Object.entries(since)) {
    const drifted = held.some((row) => row.zone === zone);
    if ((at !== 0) !== drifted)
      found.push(`the metrics say of ${zone} that names differ since ${at}, the database ${drifted}`);
  }
  return found;
}

/** What the database says; 0 is left out. */
async function counts(stage: Stage): Promise<Counts> {
  const rows = await stage.rows<{ zone: string; state: string; names: number }>(
    `SELECT z.name AS zone, 'in_sync' AS state, count(DISTINCT r.fqdn)::int AS names
       FROM zonekeeper.dns_records r JOIN zonekeeper.zones z ON z.id = r.zone_id
      WHERE r.fqdn NOT IN (SELECT fqdn FROM zonekeeper.names) GROUP BY 1
     UNION ALL SELECT zone, state, count(*)::int FROM zonekeeper.names GROUP BY 1, 2`,
  );
  return Object.fromEntries(rows.map(({ zone, state, names }) => [`${zone} ${state}`, names]));
}

/** The series of a metric by the values of these labels, in this order. */
function seriesOf(text: string, metric: string, labels: readonly string[]): Counts {
  const series: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, pairs, value] = new RegExp(`^${metric}\\{(.*)\\} (\\S+)$`).exec(line) ?? [];
    if (pairs === undefined) continue;
    const given = new Map([...pairs.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]));
    series[labels.map((label) => given.get(label)).join(' ')] = Number(value);
  }
  return series;
}
