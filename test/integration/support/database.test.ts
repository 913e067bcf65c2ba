import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgresContainer } from '../../support/container.ts';
import { createDatabase, testDatabase } from '../../support/database.ts';
import { requires } from '../../support/requires.ts';
import { createRole } from '../../support/role.ts';
import { waitFor } from '../../support/wait.ts';

test('each database is empty and of its own, many at once', async () => {
  const databases = await Promise.all(Array.from({ length: 5 }, () => testDatabase()));
  expect(new Set(databases.map(({ name }) => name)).size).toBe(5);
  for (const database of databases) {
    await database.query('CREATE TABLE mine (id integer)');
    expect(await database.query('SELECT count(*)::int AS rows FROM mine')).toEqual([{ rows: 0 }]);
  }
});

test('a database can be dropped twice, and under a connection', async () => {
  const database = await createDatabase();
  await database.pool.query('SELECT 1');
  await Promise.all([database.drop(), database.drop()]);
  await expect(database.query('SELECT 1')).rejects.toThrow();
});

test('a role may log in, and no more', async () => {
  const database = await testDatabase();
  const role = await createRole(database);
  onTestFinished(role.drop);
  const connected = await createConnection(role.url);
  expect(await connected('SELECT current_user AS name')).toEqual([{ name: role.name }]);
  await expect(connected('CREATE TABLE public.mine (id integer)')).rejects.toThrow(/permission denied/);
  await role.drop();
});

async function createConnection(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  return async (sql: string) => (await pool.query(sql)).rows;
}

test('connections are cut as in a failover', async () => {
  const database = await testDatabase();
  const url = new URL(database.url);
  url.searchParams.set('application_name', 'the one to be cut');
  const query = await createConnection(url.href);
  await query('SELECT 1');
  await database.disconnectAll();
  const left = () => database.query(`SELECT FROM pg_stat_activity WHERE application_name = 'the one to be cut'`);
  await waitFor('the session to be gone', async () => (await left()).length === 0);
});

requires('container engine', 'PostgreSQL image')('PostgreSQL in a container', () => {
  test('has databases like any other', async () => {
    const container = await startPostgresContainer(process.env.ZONEKEEPER_TEST_POSTGRES_IMAGE ?? '');
    onTestFinished(() => container.stop());
    const database = await createDatabase(container.url);
    expect(
      await database.query(`SELECT current_setting('server_version_num')::int / 10000 >= 14 AS supported`),
    ).toEqual([{ supported: true }]);
    await database.drop();
  });
});
