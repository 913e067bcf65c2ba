import type { DesiredName, DesiredRow } from '../../../src/dns/desired.ts';
import type { ActualRecord, ConsumerRef, RecordSpec, RecordType, TrackedRecord } from '../../../src/dns/record.ts';
import type { VerdictInput } from '../../../src/dns/verdict.ts';

export const FQDN = 'app.example.com';
export const CONSUMER: ConsumerRef = { kind: 'instance', id: '42' };

export function row(over: Partial<DesiredRow> & { id?: string } = {}): DesiredRow {
  const { id, ...rest } = over;
  const consumer = { kind: 'instance', id: id ?? '42' };
  return { fqdn: FQDN, type: null, content: '192.0.2.1', ttl: null, proxied: null, consumer, since: null, ...rest };
}

export function spec(type: RecordType, content: string, over: Partial<RecordSpec> = {}): RecordSpec {
  return { type, content, ttl: 1, proxied: false, ...over };
}

/** A record at Cloudflare; also of types that are not ours. */
export function actual(id: string, type: string, content: string, over: Partial<ActualRecord> = {}): ActualRecord {
  return { id, fqdn: FQDN, type, content, ttl: 1, proxied: false, comment: null, ...over };
}

/** The row for a record that says what was last written. */
export function tracked(recordId: string, wrote: RecordSpec): TrackedRecord {
  return { ...wrote, fqdn: FQDN, zoneId: 'zone', recordId, consumer: CONSUMER, unwantedForMs: null };
}

export function desired(...records: RecordSpec[]): DesiredName {
  return { fqdn: FQDN, records, consumer: CONSUMER, rivals: [], problem: null };
}

export function input(over: Partial<VerdictInput> = {}): VerdictInput {
  return {
    fqdn: FQDN,
    desired: null,
    tracked: [],
    actual: [],
    apex: false,
    rules: { allowApex: false, allowWildcard: false },
    policy: 'sync',
    ...over,
  };
}
