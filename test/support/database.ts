import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';

/** An empty database of its own. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** The superuser's connections, for what one statement cannot do. */
  readonly pool: pg.Pool;
  /** Runs one statement as the superuser; returns the rows as objects. */
  query<T = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends all other connections to it, as a failover would. */
  disconnectAll(): Promise<void>;
  /** Idempotent. */
  drop(): Promise<void>;
}

const CONNECT_MS = 20_000;

/**
 * Makes an empty database; dropped when the caller has finished with it. By default in the server of this run. `how` is what
 * CREATE DATABASE is told beside its name.
 */
export async function createDatabase(server: string = inject('postgresUrl'), how = ''): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await once(server, `CREATE DATABASE ${name} ${how}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2, connectionTimeoutMillis: CONNECT_MS });
  // A test may cut connections on purpose.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  let dropped: Promise<void> | undefined;
  const drop = async () => {
    await pool.end();
    await once(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return {
    url: url.href,
    name,
    pool,
    query: async <T>(sql: string, values: readonly unknown[] = []) => (await pool.query(sql, [...values])).rows as T[],
    disconnectAll: () =>
      once(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`),
    drop: () => {
      dropped ??= drop();
      return dropped;
    },
  };
}

/** The same for one test, dropped at its end. */
export async function testDatabase(how = ''): Promise<TestDatabase> {
  const database = await createDatabase(undefined, how);
  onTestFinished(database.drop);
  return database;
}

/** How many sessions wait for a lock. */
export async function waitingForLocks(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
  );
  return row?.n ?? 0;
}

/** Runs one statement over a connection of its own. */
export async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
