import { normalizeName } from '../dns/name.ts';
import type { ActualRecord } from '../dns/record.ts';
import { parseTarget } from '../dns/target.ts';
import { field } from './messages.ts';

/** What Cloudflare sends for one record, as far as it is read. All of it may be something else. */
interface RawRecord {
  readonly id?: unknown;
  readonly name?: unknown;
  readonly type?: unknown;
  readonly content?: unknown;
  readonly ttl?: unknown;
  readonly proxied?: unknown;
  readonly comment?: unknown;
}

/** A name as Cloudflare answers it: nothing is left to do. */
const PLAIN = /^[a-z0-9_*.-]*[a-z0-9_-]$/;

/**
 * The records of an answer in normal form, those of other types than A, AAAA, CNAME and NS left out: they are never ours, and
 * no record of ours is in their way (an MX or TXT record may even stand beside a CNAME at Cloudflare). Comments that
 * are empty become null. Null when the list holds something that is no record: then nothing in it is to be trusted.
 */
export function toActualRecords(list: readonly unknown[]): ActualRecord[] | null {
  const records: ActualRecord[] = [];
  for (const item of list) {
    const type = managedType(field(item, 'type'));
    if (type === null) continue;
    if (type === undefined) return null;
    const record = toActual(item as RawRecord, type);
    if (record === null) return null;
    records.push(record);
  }
  return records;
}

/** One record in normal form, of whatever type that matters; null when it is not one. */
export function toActualRecord(item: unknown): ActualRecord | null {
  const type = managedType(field(item, 'type'));
  return type == null ? null : toActual(item as RawRecord, type);
}

function toActual(raw: RawRecord, type: string): ActualRecord | null {
  const { id, name, content, ttl, proxied, comment } = raw;
  if (typeof id !== 'string' || id === '' || typeof name !== 'string' || typeof content !== 'string') return null;
  const through = proxied === true;
  return {
    id,
    fqdn: normalHost(name),
    type,
    content: type === 'A' ? content : type === 'AAAA' ? normalIpv6(content) : normalHost(content),
    ttl: through || typeof ttl !== 'number' ? 1 : ttl,
    proxied: through,
    comment: typeof comment === 'string' && comment !== '' ? comment : null,
  };
}

/** The type as one of our own strings, so that 100,000 records do not hold 100,000 copies; null for one that is left out. */
function managedType(type: unknown): string | null | undefined {
  switch (type) {
    case 'A':
      return 'A';
    case 'AAAA':
      return 'AAAA';
    case 'CNAME':
      return 'CNAME';
    case 'NS':
      return 'NS';
    default:
      return typeof type === 'string' ? null : undefined;
  }
}

/** Also for what is no valid host name: such records exist, and must only compare equal to themselves. */
export function normalHost(text: string): string {
  if (PLAIN.test(text)) return text;
  const result = normalizeName(text);
  return result.ok ? result.fqdn : text.toLowerCase().replace(/\.$/, '');
}

function normalIpv6(text: string): string {
  const result = parseTarget(text);
  return result.ok && result.target.type === 'AAAA' ? result.target.content : text.toLowerCase();
}
