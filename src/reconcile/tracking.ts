import type { DesiredName, Problem } from '../dns/desired.ts';
import {
  type ActualRecord,
  type ConsumerRef,
  RECORD_TYPES,
  type RecordType,
  sameSpec,
  type TrackedRecord,
} from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import type { Correction } from '../ledger/port.ts';
import type { ManagedZone } from './zone.ts';

/** A record as the row will have it that tracks it from now on. */
export function trackedAs(zone: ManagedZone, record: ActualRecord, consumer: ConsumerRef | null): TrackedRecord {
  const { fqdn, id, type, content, ttl, proxied } = record;
  return {
    fqdn,
    recordId: id,
    zoneId: zone.zone.id,
    type: type as RecordType,
    content,
    ttl,
    proxied,
    consumer,
    unwantedForMs: null,
  };
}

/**
 * What can be put right in the ledger without any call: rows whose record is gone are removed, rows that say something
 * outdated are brought up to date. Null when nothing is to be.
 */
export function corrections(
  zone: ManagedZone,
  verdict: Verdict,
  desired: DesiredName | null,
  tracked: readonly TrackedRecord[],
): Correction | null {
  const zoneId = zone.zone.id;
  const forget = verdict.forget.map((recordId) => ({ zoneId, recordId }));
  const refresh = verdict.state === 'failed' ? [] : tracked.flatMap((row) => refreshed(zone, row, desired));
  if (refresh.length + forget.length === 0) return null;
  return { forget, refresh, track: [], deleted: [], drop: [], end: [] };
}

/** As {@link corrections}, while the name is not as it should be: what stands at Cloudflare is not what rows should say. */
export function forgotten(zone: ManagedZone, verdict: Verdict): Correction | null {
  const forget = verdict.forget.map((recordId) => ({ zoneId: zone.zone.id, recordId }));
  return forget.length === 0 ? null : { forget, refresh: [], track: [], deleted: [], drop: [], end: [] };
}

function refreshed(zone: ManagedZone, row: TrackedRecord, desired: DesiredName | null): Correction['refresh'] {
  const record = zone.mirror.of(row.fqdn).find(({ id }) => id === row.recordId);
  const consumer = desired?.consumer ?? row.consumer;
  const sameConsumer = consumer?.kind === row.consumer?.kind && consumer?.id === row.consumer?.id;
  if (record === undefined || (sameSpec(row, record) && sameConsumer)) return [];
  return [{ zoneId: zone.zone.id, record, consumer }];
}

/** The foreign records of a name that can be adopted, or why there are none. */
export function adoptable(
  zone: ManagedZone,
  fqdn: string,
  desired: DesiredName | null,
  tracked: readonly TrackedRecord[],
): { readonly records: readonly ActualRecord[] } | { readonly refusal: Problem } {
  const refused = (why: string) => ({
    refusal: { code: 'nothing_to_adopt' as const, message: `${fqdn} cannot be adopted: ${why}.` },
  });
  if (desired === null) return refused('no consumer wants it, so it would be deleted at once');
  if (desired.problem !== null) return refused(desired.problem.message.replace(/\.$/, ''));
  const known = new Set(tracked.map(({ recordId }) => recordId));
  const managed = (record: ActualRecord) => (RECORD_TYPES as readonly string[]).includes(record.type);
  const records = zone.mirror.of(fqdn).filter((record) => !known.has(record.id) && managed(record));
  return records.length > 0 ? { records } : refused('no foreign A, AAAA or CNAME record holds it');
}
