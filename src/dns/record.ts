/** The record types that Zonekeeper manages. */
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** What one record says, in normal form: the four fields that Zonekeeper manages. */
export interface RecordSpec {
  readonly type: RecordType;
  /** IPv4 or IPv6 address in canonical form, or a host name as lower-case A-labels without a trailing dot. */
  readonly content: string;
  /** Seconds; 1 means automatic. A proxied record always has 1. */
  readonly ttl: number;
  readonly proxied: boolean;
}

/** A record as Cloudflare holds it, in normal form. Its type may be one that we do not manage (NS is in the way, too). */
export interface ActualRecord {
  readonly id: string;
  readonly fqdn: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly proxied: boolean;
  /** Only read to settle an open intent by its owner mark; never compared. */
  readonly comment: string | null;
}

/** Who needs a name: an instance, a standalone proxy, or whatever a replaced view calls its kinds. */
export interface ConsumerRef {
  readonly kind: string;
  readonly id: string;
}

/** A row of `dns_records`: a record that Zonekeeper created or was told to adopt. */
export interface TrackedRecord extends RecordSpec {
  readonly fqdn: string;
  readonly zoneId: string;
  readonly recordId: string;
  readonly consumer: ConsumerRef | null;
  /** For how many milliseconds no consumer has wanted the name, by the database's clock when it was read; null while one does. */
  readonly unwantedForMs: number | null;
}

/** The states of a FQDN. */
export const NAME_STATES = ['in_sync', 'missing', 'modified', 'orphaned', 'conflict', 'blocked', 'failed'] as const;
export type NameState = (typeof NAME_STATES)[number];

/** The three ways in which desired and actual can differ. */
export type Drift = 'missing' | 'modified' | 'orphaned';

export type Action = 'create' | 'update' | 'delete';

/** One create, update or delete of one record. */
export interface Change {
  readonly fqdn: string;
  readonly action: Action;
  readonly type: string;
  /** Null for a create. */
  readonly recordId: string | null;
  readonly before: RecordSpec | null;
  readonly after: RecordSpec | null;
  /** A sentence for people: why this change. */
  readonly reason: string;
  /**
   * For a delete: true when the name keeps or gets another record in the same call (its type changes, or its set
   * shrinks). The guard counts only deletes that leave a name without a record.
   */
  readonly replaced: boolean;
}

/** Are these two specifications the same record, field by field? Both must be in normal form. */
export function sameSpec(a: RecordSpec | ActualRecord, b: RecordSpec | ActualRecord): boolean {
  return a.type === b.type && a.content === b.content && a.ttl === b.ttl && a.proxied === b.proxied;
}

/** The managed four fields alone. */
export function specOf(record: RecordSpec): RecordSpec {
  return { type: record.type, content: record.content, ttl: record.ttl, proxied: record.proxied };
}
