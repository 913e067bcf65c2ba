import { parseMark } from '../../src/dns/mark.ts';
import type { RecordSpec } from '../../src/dns/record.ts';
import { wantedNow } from './application.ts';
import type { MemoryCloudflare } from './memory-cloudflare.ts';
import type { Tables } from './tables.ts';

/** Types of records that cannot share a name with what is wanted there. */
export const IN_THE_WAY: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME']);

function sameSpec(spec: RecordSpec, record: { type: string; content: string; ttl: number; proxied: boolean }): boolean {
  const { type, content, ttl, proxied } = record;
  return spec.type === type && spec.content === content && spec.ttl === ttl && spec.proxied === proxied;
}

function told(records: readonly { type: string; content: string; ttl: number; proxied: boolean }[]): string {
  const words = records.map((one) => `${one.type} ${one.content} ${one.proxied ? 'proxied' : one.ttl}`);
  return words.join(', ') || 'nothing';
}

/** What is not as it must be once everything has come to rest; empty when all is well. */
export function unrest(tables: Tables, cloudflare: MemoryCloudflare): string[] {
  const found: string[] = [];
  const open = [...tables.intents.values()].filter(({ state }) => state === 'open');
  for (const { id, fqdn } of open) found.push(`${fqdn}: the intent ${id} is open`);
  if (tables.changes.size > 0) found.push(`${tables.changes.size} changes are noted and not read`);
  for (const { id, state } of tables.operations.values()) {
    if (state === 'queued' || state === 'running') found.push(`the operation ${id} is ${state}`);
  }
  const records = cloudflare.control.records();
  const rows = new Map([...tables.records.values()].map((row) => [row.recordId, row]));
  const ids = new Set(records.map(({ id }) => id));
  for (const { id, name, comment } of records) {
    if (parseMark(comment ?? null) !== null && !rows.has(id)) found.push(`${name}: the record ${id} is leaked`);
  }
  // What a row says is kept for as long as nobody can say what the name should be.
  const unknown = (fqdn: string) => tables.names.get(fqdn)?.state === 'failed';
  for (const [id, { fqdn }] of rows) {
    if (!ids.has(id) && !unknown(fqdn)) found.push(`${fqdn}: a row points at ${id}, which is gone`);
  }
  const byName = Map.groupBy(records, ({ name }) => name);
  const wanted = wantedNow(tables);
  for (const [fqdn, { records: specs, contested }] of wanted) {
    const state = tables.names.get(fqdn)?.state ?? 'in_sync';
    if (specs === null) {
      if (state !== 'failed') found.push(`${fqdn}: cannot be served, but is ${state}`);
      continue;
    }
    const held = (byName.get(fqdn) ?? []).filter(({ type }) => IN_THE_WAY.has(type));
    const asWanted = (record: (typeof held)[number]) => specs.some((spec) => sameSpec(spec, record));
    const obstacle = held.some((record) => !rows.has(record.id) && !asWanted(record));
    if (obstacle) {
      if (state !== 'conflict') found.push(`${fqdn}: a foreign record is in the way, but the state is ${state}`);
      continue;
    }
    if (state !== (contested ? 'conflict' : 'in_sync')) {
      found.push(`${fqdn}: nothing is in the way${contested ? ' but a rival' : ''}, and the state is ${state}`);
    }
    for (const record of held) {
      const row = rows.get(record.id);
      if (row !== undefined && !sameSpec(row, record))
        found.push(`${fqdn}: its row says ${told([row])}, it is ${told([record])}`);
    }
    if (held.length !== specs.length || !held.every(asWanted))
      found.push(`${fqdn}: should be ${told(specs)}, is ${told(held)}`);
  }
  for (const { fqdn } of rows.values()) {
    if (wanted.has(fqdn)) continue;
    const held = tables.names.get(fqdn);
    if (held?.state !== 'blocked') found.push(`${fqdn}: nobody wants it, but it is there and ${held?.state}`);
  }
  for (const [fqdn, { state }] of tables.names) {
    if (wanted.has(fqdn)) continue;
    const kept = state === 'blocked' && [...rows.values()].some((row) => row.fqdn === fqdn);
    if (!kept) found.push(`${fqdn}: nobody wants it, but its state is ${state}`);
  }
  return found;
}
