import { randomUUID } from 'node:crypto';
import type { Clock } from '../controller/clock.ts';
import type { Actor, ChangeLog } from './change-log.ts';
import { ApiFailure, FAILURES } from './failure.ts';
import { fieldsOf, patched, type RecordInput } from './fields.ts';
import { newRecord, type RecordFields, replacement, type StoredRecord } from './record.ts';
import type { Zone } from './zone.ts';

/** The lists of a batch, in the order in which they are carried out whatever their order in the body. */
export const BATCH_LISTS = ['deletes', 'patches', 'puts', 'posts'] as const;
export type BatchList = (typeof BATCH_LISTS)[number];

/** What is about to be written, for faults that refuse single records. Throws ApiFailure to refuse. */
export type WriteCheck = (record: RecordFields, pointer: string) => void;

/** Who writes. */
export interface Writer {
  readonly actor: Actor;
  /** Number of the request; null for a person. */
  readonly request: number | null;
  readonly check?: WriteCheck | undefined;
}

/** A batch as it was sent, its lists known to be arrays of objects. */
export type Batch = Readonly<Record<BatchList, readonly RecordInput[]>>;

/** Reads the body of a batch. Throws ApiFailure 9207. */
export function batchOf(body: unknown): Batch {
  const input = objectOf(body);
  return {
    deletes: listOf(input.deletes),
    patches: listOf(input.patches),
    puts: listOf(input.puts),
    posts: listOf(input.posts),
  };
}

/** How many operations a batch carries. */
export function batchSize(batch: Batch): number {
  return BATCH_LISTS.reduce((sum, list) => sum + batch[list].length, 0);
}

/** A body that must be a JSON object. Throws ApiFailure 9207. */
export function objectOf(body: unknown): RecordInput {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw FAILURES.body();
  return body as RecordInput;
}

/** All changes of records go through here: each method is one transaction, logged when it holds. */
export class Writes {
  readonly #clock: Clock;
  readonly #log: ChangeLog;

  constructor(clock: Clock, log: ChangeLog) {
    this.#clock = clock;
    this.#log = log;
  }

  create(zone: Zone, input: RecordInput, writer: Writer): StoredRecord {
    return this.#transaction(zone, writer, (now) => this.#create(zone, input, writer, '', now));
  }

  /** PATCH: what is not named is kept. */
  update(zone: Zone, id: string, input: RecordInput, writer: Writer): StoredRecord {
    return this.#transaction(zone, writer, (now) => this.#update(zone, id, input, writer, '', now));
  }

  /** PUT: what is not named is reset. */
  overwrite(zone: Zone, id: string, input: RecordInput, writer: Writer): StoredRecord {
    return this.#transaction(zone, writer, (now) => this.#overwrite(zone, id, input, writer, '', now));
  }

  delete(zone: Zone, id: string, writer: Writer): StoredRecord {
    return this.#transaction(zone, writer, () => this.#delete(zone, id, writer, ''));
  }

  /**
   * All or nothing; the first error is thrown. The order of the lists is Cloudflare's, within a list the caller's.
   * developers.cloudflare.com/api/resources/dns/subresources/records/methods/batch/
   */
  batch(zone: Zone, batch: Batch, writer: Writer): Readonly<Record<BatchList, readonly StoredRecord[]>> {
    if (batchSize(batch) > zone.plan.batch) throw FAILURES.batchTooLarge(zone.plan.batch);
    return this.#transaction(zone, writer, (now) => ({
      deletes: batch.deletes.map((item, at) => this.#delete(zone, idOf(item), writer, `/deletes/${at}`)),
      patches: batch.patches.map((item, at) => this.#update(zone, idOf(item), item, writer, `/patches/${at}`, now)),
      puts: batch.puts.map((item, at) => this.#overwrite(zone, idOf(item), item, writer, `/puts/${at}`, now)),
      posts: batch.posts.map((item, at) => this.#create(zone, item, writer, `/posts/${at}`, now)),
    }));
  }

  /** Several changes of one zone that become visible at once. */
  together<T>(zone: Zone, writer: Writer, change: (now: string) => T): T {
    return this.#transaction(zone, writer, change);
  }

  #transaction<T>(zone: Zone, writer: Writer, change: (now: string) => T): T {
    const now = timestamp(this.#clock.wall());
    zone.begin();
    let result: T;
    try {
      result = change(now);
    } catch (error) {
      zone.rollback();
      throw error;
    }
    this.#log.write(zone, zone.commit(), writer.actor, writer.request, now);
    return result;
  }

  #create(zone: Zone, input: RecordInput, writer: Writer, pointer: string, now: string): StoredRecord {
    const fields = fieldsOf(input, zone);
    writer.check?.(fields, pointer);
    const record = newRecord(fields, newId(), now);
    zone.put(record);
    return record;
  }

  #update(zone: Zone, id: string, input: RecordInput, writer: Writer, pointer: string, now: string): StoredRecord {
    const before = existing(zone, id);
    const fields = patched(before.data, input, zone);
    writer.check?.(fields, pointer);
    const record = replacement(before.data, fields, now);
    zone.put(record);
    return record;
  }

  #overwrite(zone: Zone, id: string, input: RecordInput, writer: Writer, pointer: string, now: string): StoredRecord {
    const before = existing(zone, id);
    const fields = fieldsOf(input, zone);
    writer.check?.(fields, pointer);
    const record = replacement(before.data, fields, now);
    zone.put(record);
    return record;
  }

  #delete(zone: Zone, id: string, writer: Writer, pointer: string): StoredRecord {
    writer.check?.(existing(zone, id).data, pointer);
    return zone.remove(id);
  }
}

/** A date as the API writes it, with microseconds. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

/** Never the same twice, not even after a restart: whoever remembers an id must not meet another record under it. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

function existing(zone: Zone, id: string): StoredRecord {
  const record = zone.get(id);
  if (record === undefined) throw FAILURES.noRecord();
  return record;
}

function idOf(item: RecordInput): string {
  const id = item.id;
  if (typeof id !== 'string') throw new ApiFailure(400, ...FAILURES.body().errors);
  return id;
}

function listOf(value: unknown): readonly RecordInput[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw FAILURES.body();
  return value.map(objectOf);
}
