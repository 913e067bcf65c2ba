import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../../src/database/database.ts';
import { testDatabase } from '../../support/database.ts';
import { install } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

test('a connection that is cut between two statements of a transaction fails the transaction, not the process', async () => {
  const database = await testDatabase();
  const db = new Database({ url: database.url, schema: 'zonekeeper', applicationName: 'cut', connections: 1 });
  onTestFinished(() => db.close());
  const sessions = () => database.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'cut'`);
  const cut = db.transaction(async (tx) => {
    await tx.rows('SELECT 1');
    await database.disconnectAll();
    await waitFor('the end of the session', async () => (await sessions().catch(() => ['?'])).length === 0);
    return tx.rows('SELECT 2');
  });
  await expect(cut).rejects.toMatchObject({ code: 'database_unreachable' });
  // The next one gets a connection that works.
  expect(await db.rows('SELECT 3')).toEqual([[3]]);
});

test('a connection to a server that only reads, as a demoted primary does, is not used again', async () => {
  const database = await testDatabase();
  const db = new Database({ url: database.url, schema: 'public', applicationName: 'demoted', connections: 1 });
  onTestFinished(() => db.close());
  await db.rows('CREATE TABLE @.t ()');
  await db.rows('SET default_transaction_read_only = on');
  const write = () => db.transaction((tx) => tx.rows('INSERT INTO @.t DEFAULT VALUES RETURNING 1'));
  await expect(write()).rejects.toMatchObject({ code: 'database_unreachable', facts: { sqlstate: '25006' } });
  expect(await write()).toEqual([[1]]);
});

test('times are read in whatever style the database writes them', async () => {
  const database = await testDatabase();
  await database.query(`ALTER DATABASE ${database.name} SET datestyle = 'German'`);
  const db = new Database({ url: database.url, schema: 'zonekeeper', applicationName: 'style' });
  onTestFinished(() => db.close());
  expect(await db.rows(`SELECT timestamptz '2026-02-01 03:04:05.678+00'`)).toEqual([
    [Date.UTC(2026, 1, 1, 3, 4, 5, 678)],
  ]);
});

test('who waits for a connection gets it also when all others go to another URL meanwhile', async () => {
  const { test: database } = await install();
  const db = new Database({ url: database.url, schema: 'zonekeeper', applicationName: 'moves', connections: 1 });
  onTestFinished(() => db.close());
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const holder = db.transaction(async (tx) => {
    await tx.rows('SELECT 1');
    await held;
  });
  await waitFor('the transaction', () => db.pool.busy === 1);
  const second = db.rows('SELECT 2');
  const moved = db.moveTo(database.url);
  // The next statement is one of the new connections' already.
  await waitFor('the move', () => db.pool.waiting === 0);
  expect(await db.rows('SELECT 3')).toEqual([[3]]);
  release();
  expect(await second).toEqual([[2]]);
  await Promise.all([holder, moved]);
});

test('the pool says what it does, and every statement how long it took', async () => {
  const database = await testDatabase();
  const times: number[] = [];
  const db = new Database({
    url: database.url,
    schema: 'zonekeeper',
    applicationName: 'pool',
    connections: 1,
    onStatement: (ms) => times.push(ms),
  });
  onTestFinished(() => db.close());
  expect(db.pool).toEqual({ busy: 0, idle: 0, waiting: 0 });
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const holder = db.transaction(async (tx) => {
    await tx.rows('SELECT 1');
    await held;
  });
  await waitFor('the transaction', () => times.length === 1);
  const second = db.rows('SELECT 2');
  const third = db.rows('SELECT no_such_column').catch(() => 'failed');
  await waitFor('both to wait', () => db.pool.waiting === 2);
  expect(db.pool).toEqual({ busy: 1, idle: 0, waiting: 2 });
  release();
  await Promise.all([holder, second, third]);
  // Two of the transaction with its COMMIT, and one each, also of that which failed.
  expect(times).toHaveLength(4);
  expect(times.every((ms) => ms >= 0)).toBe(true);
  expect(db.pool).toMatchObject({ busy: 0, waiting: 0 });
});

test('all go to another URL also when who waits at the old one is turned away there', async () => {
  const { test: database } = await install();
  const old = new URL(database.url);
  const sockets: Socket[] = [];
  // Takes connections, and says nothing.
  const server = createServer((socket) => void sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  old.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const db = new Database({ url: old.href, schema: 'zonekeeper', applicationName: 'moves', connections: 1 });
  onTestFinished(() => db.close());
  const asked = [1, 2].map((n) => db.rows(`SELECT ${n}`).catch(({ code }) => code));
  await waitFor('one to connect, and one to wait', () => sockets.length === 1 && db.pool.waiting === 1);
  const moved = db.moveTo(database.url);
  await waitFor('the move', () => db.pool.waiting === 0);
  server.on('connection', (socket) => socket.destroy());
  for (const socket of sockets) socket.destroy();
  expect(await Promise.all(asked)).toEqual(['database_unreachable', 'database_unreachable']);
  await moved;
}, 15_000);
