import { onTestFinished } from 'vitest';
import { Database } from '../../src/database/database.ts';
import { rowKey } from '../../src/dns/name.ts';
import { Fence } from '../../src/leadership/fence.ts';
import { migrateSchema } from '../../src/ledger/migrate.ts';
import { inspectConsumers, prepareConsumers } from '../../src/sources/postgres/prepare.ts';
import { PostgresSource } from '../../src/sources/postgres/source.ts';
import { type TestDatabase, testDatabase } from './database.ts';

/** A migrated database with one settings row, and our connection to it. */
export interface Installation {
  readonly test: TestDatabase;
  readonly db: Database;
}

/** Connects to a test database as the daemon does; closed at the end of the test. */
export function connect(test: TestDatabase, schema = 'zonekeeper'): Database {
  const db = new Database({
    url: test.url,
    schema,
    applicationName: 'test',
    connections: 5,
    onIdleError: () => undefined,
  });
  onTestFinished(() => db.close());
  return db;
}

/** Migrates a fresh database; `settings` has `example.com` and 192.0.2.1. */
export async function install(): Promise<Installation> {
  const test = await testDatabase();
  const db = connect(test);
  await migrateSchema(db);
  await prepareConsumers(db);
  await test.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
  return { test, db };
}

/** Takes the leadership as somebody would, without an election. Returns the epoch's fence. */
export async function lead(db: Database, holder = 'test'): Promise<Fence> {
  const [row] = await db.rows(
    `UPDATE @.leader SET holder = $1, epoch = epoch + 1, renewed = clock_timestamp() RETURNING epoch`,
    [holder],
  );
  return new Fence(row?.[0] as number);
}

/** The source of an installation, in the epoch of a fence. */
export async function sourceOf(db: Database, fence: Fence): Promise<PostgresSource> {
  const { view, triggers } = await inspectConsumers(db);
  return new PostgresSource({ db, fence, view, triggers, keyOf: rowKey });
}
