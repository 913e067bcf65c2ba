/** Cloudflare's record types that the simulator takes. developers.cloudflare.com/api/resources/dns/subresources/records/ */
export const TYPES = [
  ...['A', 'AAAA', 'CAA', 'CERT', 'CNAME', 'DNSKEY', 'DS', 'HTTPS', 'LOC', 'MX', 'NAPTR', 'NS', 'OPENPGPKEY', 'PTR'],
  ...['SMIMEA', 'SRV', 'SSHFP', 'SVCB', 'TLSA', 'TXT', 'URI'],
] as readonly string[];

/** What a writer says of a record, in normal form: everything of it but its identity and its dates. */
export interface RecordFields {
  /** Whole name, lower-case A-labels, no trailing dot. */
  readonly name: string;
  readonly type: string;
  readonly content: string;
  /** Seconds; 1 means automatic. */
  readonly ttl: number;
  readonly proxied: boolean;
  readonly proxiable: boolean;
  readonly priority?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly comment: string | null;
  readonly tags: readonly string[];
}

/** A record as the API shows it. Dates are ISO 8601 in UTC. */
export interface DnsRecord extends RecordFields {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly created_on: string;
  readonly modified_on: string;
  readonly comment_modified_on?: string;
  readonly tags_modified_on?: string;
}

/**
 * A record as it is kept: never changed, only replaced, so that whoever lists, undoes or looks back may hold on to it. Its
 * JSON is made once; a page of 5,000 is then nothing but a join.
 */
export class StoredRecord {
  readonly data: DnsRecord;
  #json: string | undefined;

  constructor(data: DnsRecord) {
    this.data = data;
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.data);
    return this.#json;
  }
}

/** A record in its first form. `id` and `now` (ISO 8601) are the caller's. */
export function newRecord(fields: RecordFields, id: string, now: string): StoredRecord {
  return new StoredRecord({
    id,
    ...fields,
    meta: {},
    created_on: now,
    modified_on: now,
    ...(fields.comment === null ? {} : { comment_modified_on: now }),
    ...(fields.tags.length === 0 ? {} : { tags_modified_on: now }),
  });
}

/** The record that takes the place of another: same id, same birth, new dates where something changed. */
export function replacement(before: DnsRecord, fields: RecordFields, now: string): StoredRecord {
  const comment = commentDate(before, fields, now);
  const tags = tagsDate(before, fields, now);
  return new StoredRecord({
    id: before.id,
    ...fields,
    meta: before.meta,
    created_on: before.created_on,
    modified_on: now,
    ...(comment === undefined ? {} : { comment_modified_on: comment }),
    ...(tags === undefined ? {} : { tags_modified_on: tags }),
  });
}

function commentDate(before: DnsRecord, fields: RecordFields, now: string): string | undefined {
  if (fields.comment === null) return undefined;
  return fields.comment === before.comment ? before.comment_modified_on : now;
}

function tagsDate(before: DnsRecord, fields: RecordFields, now: string): string | undefined {
  if (fields.tags.length === 0) return undefined;
  return fields.tags.join() === before.tags.join() ? before.tags_modified_on : now;
}
