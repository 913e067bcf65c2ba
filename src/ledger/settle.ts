import { columns, json } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import { specOf } from '../dns/record.ts';
import type { SettledChange } from './port.ts';

/** Step 3 of a write, for many changes at once: records, intents and history in one transaction. */
export async function settleChanges(tx: Queryable, changes: readonly SettledChange[]): Promise<void> {
  const known = changes.filter(({ result }) => result !== 'unknown');
  const open = new Set<string>();
  if (known.length > 0) {
    // A successor may have settled an intent already (found its record by the mark, or dropped it): what is told so late may
    // be true no more.
    const rows = await tx.rows(`DELETE FROM @.intents WHERE id = ANY ($1) AND state = 'open' RETURNING id`, [
      known.map(({ intentId }) => intentId),
    ]);
    for (const row of rows) open.add(row[0] as string);
  }
  const done = known.filter(({ result, intentId }) => result === 'done' && open.has(intentId));
  await removeDeleted(tx, done);
  await writeRecords(tx, done);
  await writeHistory(
    tx,
    changes.filter(({ result, intentId }) => result === 'unknown' || open.has(intentId)),
  );
}

async function removeDeleted(tx: Queryable, done: readonly SettledChange[]): Promise<void> {
  const deleted = done.filter(({ change }) => change.action === 'delete');
  if (deleted.length === 0) return;
  await tx.rows(
    // An earlier attempt whose answer was lost did not do it: else this one would have found nothing.
    `WITH d AS (SELECT * FROM unnest($1::text[], $2::text[]) d(zone_id, record_id)),
          earlier AS (
            DELETE FROM @.intents i USING d
             WHERE i.action = 'delete' AND i.zone_id = d.zone_id AND i.record_id = d.record_id)
     DELETE FROM @.dns_records r USING d WHERE r.zone_id = d.zone_id AND r.record_id = d.record_id`,
    columns(deleted, ({ zoneId, change }) => [zoneId, change.recordId], 2),
  );
}

async function writeRecords(tx: Queryable, done: readonly SettledChange[]): Promise<void> {
  const written = done.flatMap((settled) => (settled.record === null ? [] : [{ ...settled, record: settled.record }]));
  if (written.length === 0) return;
  await tx.rows(
    `INSERT INTO @.dns_records (fqdn, type, content, ttl, proxied, zone_id, record_id, consumer_kind, consumer_id)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[], $7::text[], $8::text[], $9::text[])
     ON CONFLICT (zone_id, record_id) DO UPDATE SET type = excluded.type, content = excluded.content, ttl = excluded.ttl,
       proxied = excluded.proxied, consumer_kind = excluded.consumer_kind, consumer_id = excluded.consumer_id,
       state = 'in_sync', reason = NULL, updated_at = now()`,
    columns(
      written,
      ({ record, zoneId, consumer }) => [
        record.fqdn,
        record.type,
        record.content,
        record.ttl,
        record.proxied,
        zoneId,
        record.id,
        consumer?.kind ?? null,
        consumer?.id ?? null,
      ],
      9,
    ),
  );
}

async function writeHistory(tx: Queryable, changes: readonly SettledChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.rows(
    `INSERT INTO @.history (fqdn, zone, action, type, record_id, before, after, reason, trigger, operation_id, actor, result, error,
                            replaced)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::text[], $9::text[],
                          $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[])`,
    columns(
      changes,
      ({ change, zone, record, cause, result, error }) => [
        change.fqdn,
        zone,
        change.action,
        change.type,
        record?.id ?? change.recordId,
        json(change.before === null ? null : specOf(change.before)),
        json(change.after === null ? null : specOf(change.after)),
        change.reason,
        cause.trigger,
        cause.operationId,
        cause.actor,
        result,
        error?.message ?? null,
        change.replaced,
      ],
      14,
    ),
  );
}
