import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';

/** An empty database of its own. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Runs one statement as the superuser; returns the rows as objects. */
  query<T = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends all other connections to it, as a failover would. */
  disconnectAll(): Promise<void>;
  drop(): Promise<void>;
}

/** Makes an empty database; dropped when the test (or, in `beforeAll`, the caller) has finished with it. */
export async function createDatabase(): Promise<TestDatabase> {
  const admin = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await once(admin, `CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  // A test may cut connections on purpose.
  pool.on('error', () => undefined);
  const drop = async () => {
    await pool.end();
    await once(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return {
    url: url.href,
    name,
    query: async <T>(sql: string, values: readonly unknown[] = []) => (await pool.query(sql, [...values])).rows as T[],
    disconnectAll: () =>
      once(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`),
    drop,
  };
}

/** The same for one test, dropped at its end. */
export async function testDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  onTestFinished(database.drop);
  return database;
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
