import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Database, Queryable } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';

/**
 * One numbered SQL file. A migration only adds, so that versions of Zonekeeper which do not know it go on working on the
 * schema: that is what rolling updates and rollbacks stand on. One that takes away what older versions use says in a line
 * `-- oldest: NNNN` which migration a program must know to work on the schema after it.
 */
export interface Migration {
  readonly version: number;
  /** The least migration that a program must know to work on the schema after this one; 0: any will do. */
  readonly oldest: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** How the database's schema and this version stand to each other. */
export interface SchemaStatus {
  /** Migrations that were applied. */
  readonly current: number;
  /** Migrations that this version knows. */
  readonly known: number;
  /** Migrations that a program must know to work on the schema as it is. */
  readonly oldest: number;
  readonly pending: readonly Migration[];
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
const OLDEST = /^-- oldest: (\d{4})$/m;

/** The migrations that came with this version, in order. */
export function knownMigrations(directory: URL = new URL('./migrations/', import.meta.url)): Migration[] {
  return readdirSync(directory)
    .filter((name) => FILE_NAME.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, directory), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version: Number(name.slice(0, 4)), oldest: Number(OLDEST.exec(sql)?.[1] ?? 0), name, sql, checksum };
    });
}

/** Compares without changing anything. An unprepared database has `current` 0. */
export async function schemaStatus(db: Queryable, migrations = knownMigrations()): Promise<SchemaStatus> {
  const [exists] = await db.rows(`SELECT to_regclass('@.migrations') IS NOT NULL`);
  const applied = exists?.[0] ? await db.rows(APPLIED) : [];
  const done = new Set(applied.map((row) => row[0] as number));
  const known = migrations.at(-1)?.version ?? 0;
  const current = Math.max(0, ...done);
  const oldest = Math.max(0, ...applied.map((row) => row[1] as number));
  return { current, known, oldest, pending: migrations.filter((migration) => !done.has(migration.version)) };
}

// By name in a document, so that it is 0 where the table is of a time before the column.
const APPLIED = `SELECT version, coalesce((to_jsonb(m) ->> 'oldest')::integer, 0) FROM @.migrations m ORDER BY version`;

/**
 * Refuses a database that is not in UTF8 (`database_encoding`): it takes no statement with a character that its encoding lacks, and
 * one such text, of ours or of Cloudflare's, would keep whole batches from being stored. SQL_ASCII takes them, and can say of none
 * what it is.
 */
export async function requireUtf8(db: Queryable): Promise<void> {
  const [row] = await db.rows(`SELECT current_setting('server_encoding')`);
  const encoding = row?.[0] as string;
  if (encoding === 'UTF8') return;
  throw new ZonekeeperError('database_encoding', `The database is in ${encoding}; Zonekeeper needs one in UTF8.`);
}

/**
 * Refuses to work on a database or schema that does not fit: `database_encoding`, `schema_missing`, `schema_outdated` or
 * `schema_too_new`. Nothing is read or written before this has passed. A schema of a newer version fits, as long as that has only
 * added to it.
 */
export async function requireSchema(db: Queryable, schema: string): Promise<void> {
  await requireUtf8(db);
  const { current, known, oldest, pending } = await schemaStatus(db);
  if (current === 0)
    throw new ZonekeeperError('schema_missing', `The database has no schema "${schema}" of Zonekeeper's.`);
  if (oldest > known) {
    const message = `The schema "${schema}" is at version ${current}, which needs a Zonekeeper that knows ${oldest}; this one knows ${known}.`;
    throw new ZonekeeperError('schema_too_new', message);
  }
  if (pending.length > 0) {
    const message = `The schema "${schema}" is at version ${current}; this version of Zonekeeper needs ${known}.`;
    throw new ZonekeeperError('schema_outdated', message);
  }
}

/**
 * Brings the schema up to date: every pending migration and its row in one transaction, under a lock that lets one
 * process at a time do it. Returns what was applied: nothing where a newer version has been here, and has only added. Throws
 * `database_encoding` or `schema_too_new` where it can or may do nothing.
 */
export async function migrateSchema(db: Database): Promise<readonly Migration[]> {
  await requireUtf8(db);
  return db.transaction(async (tx) => {
    // An arbitrary constant of ours beside the schema's hash: two installations do not wait for each other.
    await tx.rows(`SELECT pg_advisory_xact_lock(1918985, hashtext($1))`, [db.schema]);
    const status = await schemaStatus(tx);
    if (status.oldest > status.known) await requireSchema(tx, db.schema);
    if (status.current === 0) {
      await tx.rows(`CREATE SCHEMA IF NOT EXISTS ${db.schemaSql}`);
      await tx.rows(`CREATE TABLE IF NOT EXISTS @.migrations (
        version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now())`);
    }
    if (status.pending.length > 0)
      await tx.rows('ALTER TABLE @.migrations ADD COLUMN IF NOT EXISTS oldest integer NOT NULL DEFAULT 0');
    for (const migration of status.pending) {
      await tx.rows(migration.sql);
      const { version, name, checksum, oldest } = migration;
      await tx.rows('INSERT INTO @.migrations (version, name, checksum, oldest) VALUES ($1, $2, $3, $4)', [
        version,
        name,
        checksum,
        oldest,
      ]);
    }
    return status.pending;
  });
}
