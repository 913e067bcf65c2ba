import { describe, expect, test } from 'vitest';
import { Operations } from '../../../src/ledger/operations.ts';
import { waitingForLocks } from '../../support/database.ts';
import { install, lead } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

const REQUEST = { fqdns: null, dryRun: false, confirm: null, force: false };

describe('an operation', () => {
  test.each([
    ['given up', `state = 'failed', error = '{"code": "no_leader"}' WHERE state = 'queued'`],
    ['ended by a predecessor', `state = 'done', report = '{}' WHERE state = 'running'`],
  ])('that is being %s when it is taken is not taken', async (_, change) => {
    const { db, test: database } = await install();
    const operations = new Operations(db);
    const first = await lead(db);
    await operations.ask('o1', 'sync', REQUEST, 'somebody');
    if (change.includes('running')) await operations.take(first, 5, []);
    const successor = await lead(db, 'successor');
    const other = await database.pool.connect();
    await other.query('BEGIN');
    await other.query(`UPDATE zonekeeper.operations SET ${change}`);
    const taking = operations.take(successor, 5, []);
    await waitFor('the leader to wait for the row', async () => (await waitingForLocks(database)) === 1);
    await other.query('COMMIT');
    other.release();
    expect(await taking).toEqual([]);
    expect(['failed', 'done']).toContain((await operations.get('o1'))?.state);
  });

  test('may say what PostgreSQL cannot hold', async () => {
    const { db } = await install();
    const operations = new Operations(db);
    const fence = await lead(db);
    await operations.ask('o1', 'sync', { ...REQUEST, fqdns: ['a\0b.example.com', '\ud800'] }, 'some\0body');
    await operations.take(fence, 5, []);
    await operations.finish(fence, 'o1', null, { code: 'internal', message: 'half a pair: \ud83d, \0' });
    const ended = await operations.get('o1');
    expect(ended).toMatchObject({ state: 'failed', requestedBy: 'some\ufffdbody' });
    expect(ended?.request.fqdns).toEqual(['a\ufffdb.example.com', '\ufffd']);
    expect(ended?.error?.message).toBe('half a pair: \ufffd, \ufffd');
    expect(await operations.get('\0')).toBeNull();
  });

  test('may name as many names as the API takes, and is joined by an equal one', async () => {
    const { db } = await install();
    const operations = new Operations(db);
    const fqdns = Array.from({ length: 10_000 }, (_, n) => `${n}.${(n * 7_919) % 10_007}.example.com`);
    expect(await operations.ask('o1', 'sync', { ...REQUEST, fqdns }, 'somebody')).toEqual({ id: 'o1', joined: false });
    const again = { ...REQUEST, fqdns: fqdns.toReversed() };
    expect(await operations.ask('o2', 'sync', again, 'somebody')).toEqual({ id: 'o1', joined: true });
    const others = { ...REQUEST, fqdns: fqdns.slice(1) };
    expect(await operations.ask('o3', 'sync', others, 'somebody')).toEqual({ id: 'o3', joined: false });
  });
});
