import { columns, json } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { Correction } from './port.ts';

/**
 * Rows of `forgotten` (those that a statement has just deleted from `dns_records`) as dropped intents: what a list did not
 * show may be there all the same, and is tracked again when it appears. `epoch` is the place of the epoch among the values.
 */
export const REMEMBER = (epoch: string) =>
  `INSERT INTO @.intents (id, epoch, zone_id, fqdn, action, record_id, consumer_kind, consumer_id, adopted, state, deadline)
   SELECT 'forgotten-' || record_id, ${epoch}, zone_id, fqdn, 'create', record_id, consumer_kind, consumer_id, adopted, 'dropped', clock_timestamp()
     FROM forgotten ON CONFLICT (id) DO UPDATE SET epoch = EXCLUDED.epoch, zone_id = EXCLUDED.zone_id, fqdn = EXCLUDED.fqdn,
          consumer_kind = EXCLUDED.consumer_kind, consumer_id = EXCLUDED.consumer_id, adopted = EXCLUDED.adopted,
          state = EXCLUDED.state, deadline = EXCLUDED.deadline, created_at = now()`;

/** Removes tracked rows whose record a look did not show, and remembers the records for a day. */
export async function forgetRecords(tx: Queryable, records: Correction['forget'], epoch: number): Promise<void> {
  if (records.length === 0) return;
  await tx.rows(
    `WITH forgotten AS (
       DELETE FROM @.dns_records r USING unnest($1::text[], $2::text[]) f(zone_id, record_id)
        WHERE r.zone_id = f.zone_id AND r.record_id = f.record_id RETURNING r.*)
     ${REMEMBER('$3')}`,
    [...columns(records, (record) => [record.zoneId, record.recordId], 2), epoch],
  );
}

/** Makes tracked rows say what their records say. */
export async function refreshRecords(tx: Queryable, records: Correction['refresh']): Promise<void> {
  if (records.length === 0) return;
  await tx.rows(
    `UPDATE @.dns_records r SET content = f.content, ttl = f.ttl, proxied = f.proxied, type = f.type,
            consumer_kind = f.kind, consumer_id = f.consumer, updated_at = now()
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::boolean[], $7::text[], $8::text[])
         f(zone_id, record_id, type, content, ttl, proxied, kind, consumer)
      WHERE r.zone_id = f.zone_id AND r.record_id = f.record_id`,
    columns(
      records,
      ({ zoneId, record, consumer }) => [
        zoneId,
        record.id,
        record.type,
        record.content,
        record.ttl,
        record.proxied,
        consumer?.kind ?? null,
        consumer?.id ?? null,
      ],
      8,
    ),
  );
}

/**
 * Tracks records that carry the mark of an intent of ours, and writes them into the history as what they are: created by us,
 * or adopted. Of records that were tracked before, the history has told already, and the intents remember which were adopted.
 */
export async function trackRecords(tx: Queryable, records: Correction['track']): Promise<void> {
  if (records.length === 0) return;
  const values = columns(
    records,
    ({ zoneId, zone, record, consumer, intent, cause }) => [
      record.fqdn,
      record.type,
      record.content,
      record.ttl,
      record.proxied,
      zoneId,
      record.id,
      consumer?.kind ?? null,
      consumer?.id ?? null,
      zone,
      json({ type: record.type, content: record.content, ttl: record.ttl, proxied: record.proxied }),
      cause.trigger,
      cause.operationId,
      cause.actor,
      intent === null,
      intent !== null && intent.recordId !== null,
      intent?.id ?? null,
    ],
    17,
  );
  await tx.rows(
    `WITH found AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[], $7::text[], $8::text[],
                            $9::text[], $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::text[], $15::boolean[], $16::boolean[],
                            $17::text[])
         f(fqdn, type, content, ttl, proxied, zone_id, record_id, kind, consumer, zone, after, trigger, operation, actor, adopted, again,
           intent)),
     tracked AS (
       INSERT INTO @.dns_records (fqdn, type, content, ttl, proxied, zone_id, record_id, consumer_kind, consumer_id, adopted)
       SELECT fqdn, type, content, ttl, proxied, zone_id, record_id, kind, consumer,
              adopted OR (again AND EXISTS (SELECT FROM @.intents i WHERE i.id = found.intent AND i.adopted))
         FROM found
       ON CONFLICT (zone_id, record_id) DO NOTHING RETURNING record_id)
     INSERT INTO @.history (fqdn, zone, action, type, record_id, after, reason, trigger, operation_id, actor, result)
     SELECT fqdn, zone, CASE WHEN adopted THEN 'adopt' ELSE 'create' END, type, record_id, after,
            CASE WHEN adopted THEN 'adopted' ELSE 'found by its mark after an answer was lost' END, trigger, operation, actor, 'done'
       FROM found WHERE NOT again AND record_id IN (SELECT record_id FROM tracked)`,
    values,
  );
}

/** Ends the intents of deletions that happened although nobody was told, and writes them into the history. */
export async function tellDeleted(tx: Queryable, deleted: Correction['deleted']): Promise<void> {
  if (deleted.length === 0) return;
  await tx.rows(
    `WITH ended AS (DELETE FROM @.intents WHERE id = ANY ($1) RETURNING id)
     INSERT INTO @.history (fqdn, zone, action, type, record_id, reason, trigger, operation_id, actor, result, replaced)
     SELECT fqdn, zone, 'delete', type, record_id, 'found gone after an answer was lost', trigger, operation, actor, 'done', replaced
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
              d(id, fqdn, zone, type, record_id, trigger, operation, actor, replaced)
      WHERE id IN (SELECT id FROM ended)`,
    columns(
      deleted,
      ({ intent, zone, type, cause, replaced }) => [
        intent.id,
        intent.fqdn,
        zone,
        type,
        intent.recordId,
        cause.trigger,
        cause.operationId,
        cause.actor,
        replaced,
      ],
      9,
    ),
  );
}
