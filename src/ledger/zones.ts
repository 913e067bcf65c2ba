import { columns, json } from '../database/columns.ts';
import type { Database } from '../database/database.ts';
import type { Problem } from '../dns/desired.ts';

/** A zone as the leader sees it. Times are wall-clock milliseconds. */
export interface ZoneRow {
  readonly id: string;
  readonly name: string;
  readonly records: number;
  readonly pages: number;
  readonly batchLimit: number;
  readonly lastCheck: number | null;
  readonly lastSuccess: number | null;
  readonly intervalMs: number | null;
  readonly error: Problem | null;
  /** Names that await a deletion. */
  readonly held: number;
}

/** Writes how the zones are, so that every process can answer. `gone` are zones that we do not look after any more. */
export async function writeZones(db: Database, zones: readonly ZoneRow[], gone: readonly string[]): Promise<void> {
  if (gone.length > 0) await db.rows('DELETE FROM @.zones WHERE id = ANY ($1)', [gone]);
  if (zones.length === 0) return;
  await db.rows(
    `INSERT INTO @.zones (id, name, records, pages, batch_limit, last_check, last_success, interval_ms, error, held)
     SELECT id, name, records, pages, batch_limit, to_timestamp(last_check / 1000.0), to_timestamp(last_success / 1000.0), interval_ms, error, held
       FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::float8[], $7::float8[], $8::integer[], $9::jsonb[], $10::integer[])
         z(id, name, records, pages, batch_limit, last_check, last_success, interval_ms, error, held)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, records = excluded.records, pages = excluded.pages,
       batch_limit = excluded.batch_limit, last_check = excluded.last_check, last_success = excluded.last_success,
       interval_ms = excluded.interval_ms, error = excluded.error, held = excluded.held`,
    columns(
      zones,
      (zone) => [
        zone.id,
        zone.name,
        zone.records,
        zone.pages,
        zone.batchLimit,
        zone.lastCheck,
        zone.lastSuccess,
        zone.intervalMs === null ? null : Math.round(zone.intervalMs),
        json(zone.error),
        zone.held,
      ],
      10,
    ),
  );
}

/** The zones as they were last written, by name. */
export async function readZones(db: Database): Promise<readonly ZoneRow[]> {
  const rows = await db.rows(
    'SELECT id, name, records, pages, batch_limit, last_check, last_success, interval_ms, error, held FROM @.zones ORDER BY name',
  );
  return rows.map(([id, name, records, pages, batchLimit, lastCheck, lastSuccess, intervalMs, error, held]) => ({
    id: id as string,
    name: name as string,
    records: records as number,
    pages: pages as number,
    batchLimit: batchLimit as number,
    lastCheck: lastCheck as number | null,
    lastSuccess: lastSuccess as number | null,
    intervalMs: intervalMs as number | null,
    error: error as Problem | null,
    held: held as number,
  }));
}
