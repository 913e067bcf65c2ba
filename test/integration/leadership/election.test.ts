import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { Database } from '../../../src/database/database.ts';
import { Fence } from '../../../src/leadership/fence.ts';
import { Election, leaderStatus } from '../../../src/leadership/leader.ts';
import { install } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

function candidate(db: Database, holder: string, ttlMs = 10_000) {
  const events: string[] = [];
  const election = new Election({
    db,
    holder,
    ttlMs,
    address: () => `http://${holder}`,
    clock: systemClock,
    random: Math.random,
    info: () => ({ of: holder }),
    events: {
      onElected: (epoch) => events.push(`elected ${epoch}`),
      onLost: () => events.push('lost'),
      onError: (error) => events.push(error.code),
    },
  });
  onTestFinished(() => election.stop());
  return { election, events };
}

describe('the leader row', () => {
  test('of two candidates, exactly one leads; when it stops, the other goes on in a new epoch', async () => {
    const { db } = await install();
    const a = candidate(db, 'a');
    const b = candidate(db, 'b');
    a.election.start();
    b.election.start();
    await waitFor('both to have asked', () => a.election.settled && b.election.settled);
    const [leader, standby] = a.election.epoch === null ? [b, a] : [a, b];
    expect(leader.events).toEqual(['elected 1']);
    expect(standby.events).toEqual([]);
    expect(standby.election.remainingMs()).toBe(0);
    await leader.election.stop();
    standby.election.poke();
    await waitFor('the other to lead', () => standby.election.epoch === 2);
    expect(await leaderStatus(db)).toMatchObject({ epoch: 2, alive: true });
  });

  test('a leader that does not renew is followed, and finds out', async () => {
    const { db } = await install();
    const a = candidate(db, 'a');
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    // As if it had been paused for longer than its time.
    await db.rows(`UPDATE @.leader SET renewed = clock_timestamp() - interval '1 minute'`);
    const b = candidate(db, 'b');
    b.election.start();
    await waitFor('b to lead', () => b.election.epoch === 2);
    a.election.poke();
    await waitFor('a to notice', () => a.events.includes('lost'));
    expect(a.election.epoch).toBeNull();
    await expect(db.transaction((tx) => new Fence(1).hold(tx))).rejects.toMatchObject({ code: 'not_leader' });
    await db.transaction((tx) => new Fence(2).hold(tx));
  });

  test('nobody takes over while a write of the leader is being committed', async () => {
    const { db } = await install();
    const a = candidate(db, 'a');
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    await db.rows(`UPDATE @.leader SET renewed = clock_timestamp() - interval '1 minute'`);
    const b = candidate(db, 'b');
    await db.transaction(async (tx) => {
      await new Fence(1).hold(tx);
      b.election.start();
      // The row is locked: the take-over waits for the end of this transaction.
      await waitFor('b to wait for the row', async () => {
        const [row] = await db.rows(
          `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        );
        return row?.[0] === 1;
      });
      expect(b.election.epoch).toBeNull();
    });
    await waitFor('b to lead', () => b.election.epoch === 2);
  });

  test('renews while a long write of its own is being committed', async () => {
    const { db } = await install();
    const a = candidate(db, 'a');
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    const renewed = async () => (await db.rows('SELECT renewed::text FROM @.leader'))[0]?.[0];
    await db.transaction(async (tx) => {
      await new Fence(1).hold(tx);
      const before = await renewed();
      a.election.poke();
      await waitFor('a to renew', async () => (await renewed()) !== before, 5_000);
    });
    expect(a.events).toEqual(['elected 1']);
  });

  test('a process that is stopped within a write does not keep others from taking over', async () => {
    const { test: database, db } = await install();
    const a = candidate(db, 'a');
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    const { promise: stopped, resolve: resume } = Promise.withResolvers<void>();
    const options = { url: database.url, schema: 'zonekeeper', applicationName: 'stopped', idleTransactionMs: 500 };
    const theirs = new Database(options);
    onTestFinished(() => theirs.close());
    const { promise: held, resolve: holds } = Promise.withResolvers<void>();
    const write = theirs.transaction(async (tx) => {
      await new Fence(1).hold(tx);
      holds();
      await stopped;
      await tx.rows('DELETE FROM @.wanted');
    });
    const outcome = expect(write).rejects.toMatchObject({ code: 'database_unreachable' });
    await held;
    const stale = db.rows(`UPDATE @.leader SET renewed = clock_timestamp() - interval '1 minute'`);
    const b = candidate(db, 'b');
    await stale;
    b.election.start();
    await waitFor('b to lead', () => b.election.epoch === 2);
    resume();
    await outcome;
  });

  test('an unreachable database costs the leadership when the time is over', async () => {
    const { db, test: database } = await install();
    const a = candidate(db, 'a', 8_000);
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch !== null);
    a.election.poke();
    await waitFor('a renewal', async () => (await leaderStatus(db)).info !== null);
    expect(a.events).not.toContain('lost');
    await database.query('ALTER TABLE zonekeeper.leader RENAME TO away');
    await waitFor('a to give up', () => a.events.includes('lost'));
    expect(a.election.remainingMs()).toBe(0);
  });

  test('carries what the leader says of itself', async () => {
    const { db } = await install();
    const a = candidate(db, 'a');
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    a.election.poke();
    await waitFor('its words', async () => ((await leaderStatus(db)).info as { of?: string }).of === 'a');
  });
});
