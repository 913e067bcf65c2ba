import { describe, expect, onTestFinished, test } from 'vitest';
import type { SpendLog } from '../../../src/cloudflare/lots.ts';
import { systemClock } from '../../../src/controller/clock.ts';
import { Fence } from '../../../src/leadership/fence.ts';
import { Election, type ElectionOptions } from '../../../src/leadership/leader.ts';
import { type Operation, Operations } from '../../../src/ledger/operations.ts';
import { SpendLog as PostgresSpendLog } from '../../../src/ledger/spend.ts';
import type { OperationsPort } from '../../../src/reconcile/executor.ts';
import { leaderRow, operationsOf, spendLog } from '../../simulation/memory-leadership.ts';
import { type OperationRow, Tables } from '../../simulation/tables.ts';
import { install, lead } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

/** A database in which nobody leads yet. */
interface Harness {
  /** What an election speaks to. */
  readonly db: ElectionOptions['db'];
  /** As if the leader had not renewed for a minute. */
  readonly stale: () => Promise<void>;
  /** It has renewed since. */
  readonly fresh: () => Promise<boolean>;
  /** Somebody leads from now on, in a new epoch. */
  readonly lead: () => Promise<Fence>;
  /** Whoever leads gives it back. */
  readonly release: () => Promise<void>;
  readonly operations: OperationsPort;
  readonly ask: (id: string) => Promise<void>;
  readonly get: (id: string) => Promise<Pick<Operation, 'state' | 'progress' | 'report' | 'error'>>;
  readonly spendLog: (fence: Fence) => SpendLog;
  /** As if everything that was reserved had been so long before. */
  readonly age: (ms: number) => Promise<void>;
}

const REQUEST = { fqdns: null, dryRun: false, confirm: null, force: false };

const FORMS: readonly [name: string, make: () => Promise<Harness>][] = [
  [
    'PostgreSQL',
    async () => {
      const { db } = await install();
      const operations = new Operations(db);
      return {
        db,
        stale: async () =>
          void (await db.rows(`UPDATE @.leader SET renewed = clock_timestamp() - interval '1 minute'`)),
        fresh: async () => {
          const [row] = await db.rows(`SELECT renewed > clock_timestamp() - interval '50 seconds' FROM @.leader`);
          return row?.[0] === true;
        },
        lead: () => lead(db),
        release: async () => void (await db.rows('UPDATE @.leader SET holder = NULL')),
        operations,
        ask: async (id) =>
          void (await operations.ask(id, 'sync', { ...REQUEST, fqdns: [`${id}.example.com`] }, 'somebody')),
        get: async (id) => {
          const row = await operations.get(id);
          if (row === null) throw new Error(`There is no operation ${id}.`);
          const { state, progress, report, error } = row;
          return { state, progress, report, error };
        },
        spendLog: (fence) => new PostgresSpendLog(db, fence),
        age: async (ms) =>
          void (await db.rows(`UPDATE @.api_spend SET reserved_at = reserved_at - $1 * interval '1 millisecond'`, [
            ms,
          ])),
      };
    },
  ],
  [
    'memory',
    async () => {
      const tables = new Tables(() => performance.now());
      const reach = async <T>(_: string, run: () => T) => run();
      const { leader } = tables;
      return {
        db: leaderRow(tables, reach, () => undefined),
        stale: async () => {
          leader.renewed -= 60_000;
        },
        fresh: async () => leader.renewed > tables.now() - 50_000,
        lead: async () => {
          Object.assign(leader, { holder: 'test', epoch: leader.epoch + 1, renewed: tables.now() });
          return new Fence(leader.epoch);
        },
        release: async () => {
          leader.holder = null;
        },
        operations: operationsOf(tables, reach),
        ask: async (id) => {
          const times = { createdAt: tables.now(), startedAt: null, finishedAt: null };
          const rest = { requestedBy: 'somebody', progress: null, report: null, error: null, epoch: null, sameAs: id };
          const row: OperationRow = { id, kind: 'sync', request: REQUEST, state: 'queued', ...times, ...rest };
          tables.operations.set(id, row);
        },
        get: async (id) => {
          const row = tables.operations.get(id);
          if (row === undefined) throw new Error(`There is no operation ${id}.`);
          const { state, progress, report, error } = row;
          return { state, progress, report, error };
        },
        spendLog: ({ epoch }) => spendLog(tables, epoch, reach),
        age: async (ms) => {
          for (const [index, { calls, at }] of tables.spend.entries()) tables.spend[index] = { calls, at: at - ms };
        },
      };
    },
  ],
];

function candidate(db: ElectionOptions['db'], holder: string) {
  const events: string[] = [];
  const election = new Election({
    db,
    holder,
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

// The simulation speaks about the real thing as far as both forms do the same.
describe.each(FORMS)('in %s, the leader row', (_, make) => {
  test('lets one of two lead, and the other in the next epoch once it is given back', async () => {
    const { db } = await make();
    const [a, b] = [candidate(db, 'a'), candidate(db, 'b')];
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    b.election.start();
    await waitFor('b to have asked', () => b.election.settled);
    expect(b.election.epoch).toBeNull();
    await a.election.stop();
    b.election.poke();
    await waitFor('b to lead', () => b.election.epoch === 2);
    expect([a.events, b.events]).toEqual([['elected 1'], ['elected 2']]);
  });

  test('lets another lead when it was not renewed in time; who led before finds out', async () => {
    const { db, stale } = await make();
    const [a, b] = [candidate(db, 'a'), candidate(db, 'b')];
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    await stale();
    b.election.start();
    await waitFor('b to lead', () => b.election.epoch === 2);
    a.election.poke();
    await waitFor('a to notice', () => a.events.includes('lost'));
    expect(a.election.epoch).toBeNull();
    expect(b.election.epoch).toBe(2);
  });

  test('is renewed by who leads, however late, as long as nobody else has taken it', async () => {
    const { db, stale, fresh } = await make();
    const [a, b] = [candidate(db, 'a'), candidate(db, 'b')];
    a.election.start();
    await waitFor('a to lead', () => a.election.epoch === 1);
    await stale();
    a.election.poke();
    await waitFor('the row to be fresh again', fresh);
    b.election.start();
    await waitFor('b to have asked', () => b.election.settled);
    expect([a.events, b.events]).toEqual([['elected 1'], []]);
  });
});

describe.each(FORMS)('in %s, the operations', (_, make) => {
  test('are taken oldest first, so many at once, and by one epoch only once', async () => {
    const { operations, ask, lead, get } = await make();
    const fence = await lead();
    for (const id of ['o1', 'o2', 'o3']) await ask(id);
    expect((await operations.take(fence, 2, [])).map(({ id }) => id)).toEqual(['o1', 'o2']);
    expect(await get('o1')).toMatchObject({ state: 'running' });
    expect((await operations.take(fence, 5, ['o1', 'o2'])).map(({ id }) => id)).toEqual(['o3']);
    expect(await operations.take(fence, 5, ['o1', 'o2', 'o3'])).toEqual([]);
  });

  test('are given once more to who does not know of them, and to a successor', async () => {
    const { operations, ask, lead } = await make();
    const fence = await lead();
    await ask('o1');
    await operations.take(fence, 5, []);
    expect(await operations.take(fence, 5, [])).toMatchObject([{ id: 'o1', state: 'running' }]);
    const successor = await lead();
    expect(await operations.take(successor, 5, ['o1'])).toMatchObject([{ id: 'o1' }]);
    await expect(operations.take(fence, 5, [])).rejects.toMatchObject({ code: 'not_leader' });
  });

  test('are taken by nobody whose leadership was given back', async () => {
    const { operations, ask, lead, release } = await make();
    const fence = await lead();
    await ask('o1');
    await release();
    await expect(operations.take(fence, 5, [])).rejects.toMatchObject({ code: 'not_leader' });
  });

  test('tell their progress and their end, once; a predecessor changes nothing', async () => {
    const { operations, ask, lead, get } = await make();
    const fence = await lead();
    for (const id of ['o1', 'o2']) await ask(id);
    await operations.take(fence, 5, []);
    await operations.progress(fence, 'o1', { phase: 'changing', done: 1, total: 2 });
    expect(await get('o1')).toMatchObject({ state: 'running', progress: { phase: 'changing', done: 1, total: 2 } });
    const successor = await lead();
    await operations.take(successor, 5, []);
    await operations.progress(fence, 'o1', { phase: 'changing', done: 2, total: 2 });
    expect(await operations.finish(fence, 'o1', { of: 'before' }, null)).toBe(false);
    expect(await get('o1')).toMatchObject({ state: 'running', progress: { done: 1 }, report: null });
    expect(await operations.finish(successor, 'o1', { of: 'after' }, null)).toBe(true);
    // Once more, for its answer may have been lost.
    expect(await operations.finish(successor, 'o1', null, { code: 'late', message: 'It had ended.' })).toBe(true);
    expect(await operations.finish(fence, 'o1', { of: 'before' }, null)).toBe(false);
    expect(await get('o1')).toMatchObject({ state: 'done', report: { of: 'after' }, error: null });
    expect(await operations.finish(successor, 'o2', null, { code: 'wrong', message: 'It failed.' })).toBe(true);
    expect(await get('o2')).toMatchObject({ state: 'failed', report: null, error: { code: 'wrong' } });
    expect(await operations.take(successor, 5, [])).toEqual([]);
  });

  test('use up a confirmation, each its own as often as it asks', async () => {
    const { operations, ask, lead } = await make();
    const fence = await lead();
    await ask('o1');
    expect(await operations.useConfirmation(fence, 'hash', 'o1')).toBe(true);
    expect(await operations.useConfirmation(fence, 'hash', 'o1')).toBe(true);
    expect(await operations.useConfirmation(fence, 'hash', 'o2')).toBe(false);
    await lead();
    await expect(operations.useConfirmation(fence, 'other', 'o1')).rejects.toMatchObject({ code: 'not_leader' });
  });
});

describe.each(FORMS)('in %s, the spend log', (_, make) => {
  test('holds what was reserved for as long as it is asked for, over all epochs', async () => {
    const { spendLog, lead, age } = await make();
    const fence = await lead();
    await spendLog(fence).reserve(3);
    await age(60_000);
    const successor = await lead();
    await spendLog(successor).reserve(5);
    const all = await spendLog(successor).outstanding(3_600_000);
    expect(all.map(({ calls }) => calls).toSorted()).toEqual([3, 5]);
    expect(all.find(({ calls }) => calls === 3)?.ageMs).toBeGreaterThanOrEqual(60_000);
    expect((await spendLog(successor).outstanding(30_000)).map(({ calls }) => calls)).toEqual([5]);
  });

  test('lets nobody reserve whose epoch is over, or who gave it back', async () => {
    const { spendLog, lead, release } = await make();
    const fence = await lead();
    const successor = await lead();
    await expect(spendLog(fence).reserve(1)).rejects.toMatchObject({ code: 'not_leader' });
    await release();
    await expect(spendLog(successor).reserve(1)).rejects.toMatchObject({ code: 'not_leader' });
    expect(await spendLog(successor).outstanding(3_600_000)).toEqual([]);
  });
});
