import { columns, json } from '../database/columns.ts';
import type { Queryable } from '../database/database.ts';
import type { StateUpdate } from './port.ts';

/**
 * Stores the states of names: a row for what is not simply in sync, none for the rest. Also shows it in `dns_records`, where a
 * record that was tracked only after its consumer had gone begins to wait for its end.
 */
export async function writeStates(tx: Queryable, updates: readonly StateUpdate[]): Promise<void> {
  const settled = updates.filter(({ state }) => state === 'in_sync' || state === 'gone');
  const others = updates.filter(({ state }) => state !== 'in_sync' && state !== 'gone');
  if (settled.length > 0) {
    await tx.rows('DELETE FROM @.names WHERE fqdn = ANY ($1)', [settled.map(({ fqdn }) => fqdn)]);
    await tx.rows(
      `UPDATE @.dns_records SET state = 'in_sync', reason = NULL, updated_at = now()
        WHERE fqdn = ANY ($1) AND (state <> 'in_sync' OR reason IS NOT NULL)`,
      [settled.map(({ fqdn }) => fqdn)],
    );
  }
  if (others.length === 0) return;
  await tx.rows(
    `INSERT INTO @.names (fqdn, zone, state, code, reason, next_try, desired, actual, consumer_kind, consumer_id)
     SELECT fqdn, zone, state, code, reason, now() + next_try * interval '1 millisecond', desired, actual, kind, consumer
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::jsonb[], $8::jsonb[], $9::text[], $10::text[])
         u(fqdn, zone, state, code, reason, next_try, desired, actual, kind, consumer)
     ON CONFLICT (fqdn) DO UPDATE SET zone = excluded.zone, state = excluded.state, code = excluded.code,
       reason = excluded.reason, next_try = excluded.next_try, desired = excluded.desired, actual = excluded.actual,
       consumer_kind = excluded.consumer_kind, consumer_id = excluded.consumer_id, updated_at = now(),
       since = CASE WHEN names.state = excluded.state THEN names.since ELSE now() END`,
    columns(
      others,
      (update) => [
        update.fqdn,
        update.zone,
        update.state,
        update.code,
        update.reason,
        update.nextTryMs,
        json(update.desired),
        json(update.actual),
        update.consumer?.kind ?? null,
        update.consumer?.id ?? null,
      ],
      10,
    ),
  );
  await tx.rows(
    `UPDATE @.dns_records r SET state = u.state, reason = u.reason, updated_at = now(),
            unwanted_since = CASE WHEN u.state = 'orphaned' THEN coalesce(r.unwanted_since, now()) ELSE r.unwanted_since END
       FROM unnest($1::text[], $2::text[], $3::text[]) u(fqdn, state, reason)
      WHERE r.fqdn = u.fqdn AND (r.state, r.reason) IS DISTINCT FROM (u.state, u.reason)`,
    columns(others, ({ fqdn, state, reason }) => [fqdn, state, reason], 3),
  );
}
