import { describe, expect, test } from 'vitest';
import { PRIORITY } from '../../../src/controller/priority.ts';
import { WorkQueue } from '../../../src/controller/queue.ts';
import { type PoolOptions, type Result, WorkerPool } from '../../../src/controller/workers.ts';
import { seededRandom, settled, VirtualClock } from '../../support/virtual-clock.ts';

interface Reported {
  key: string;
  message: string;
  retryInMs: number | undefined;
}

function setUp(process: PoolOptions<string, string>['process'], options: Partial<PoolOptions<string, string>> = {}) {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string, string>({
    clock,
    random: seededRandom(7),
    backoff: { baseMs: 100, factor: 2, maxMs: 1000 },
    maxKeys: 100_000,
    merge: (_pending, added) => added,
  });
  const errors: Reported[] = [];
  const onError = (key: string, error: unknown, retryInMs: number | undefined) =>
    errors.push({ key, message: error instanceof Error ? error.message : String(error), retryInMs });
  const pool = new WorkerPool<string, string>({
    queue,
    clock,
    process,
    concurrency: 10,
    timeoutMs: 60_000,
    onError,
    ...options,
  });
  const add = (key: string, context = 'test') => queue.add(key, { priority: PRIORITY.event, context });
  return { clock, queue, pool, add, errors };
}

/** A process that ends when told. */
function gate() {
  const open = new Map<string, (result: Result<string>) => void>();
  const started: string[] = [];
  const process = (key: string) => {
    started.push(key);
    return new Promise<Result<string>>((resolve) => open.set(key, resolve));
  };
  return { process, started, finish: (key: string, result: Result<string> = 'done') => open.get(key)?.(result) };
}

describe('taking keys', () => {
  test('nothing runs before the start', async () => {
    const { started, process } = gate();
    const { pool, add } = setUp(process);
    add('a');
    await settled();
    expect(started).toEqual([]);
    pool.start();
    await settled();
    expect(started).toEqual(['a']);
  });

  test('all keys of one loop start in one synchronous sweep, up to the concurrency', async () => {
    let sweep = 0;
    const sweeps: number[] = [];
    const { pool, add } = setUp(
      () => {
        sweeps.push(sweep);
        return new Promise(() => {});
      },
      {
        concurrency: 1000,
        defer: (run) =>
          queueMicrotask(() => {
            sweep += 1;
            run();
          }),
      },
    );
    pool.start();
    await settled();
    for (let key = 0; key < 1500; key += 1) add(`key ${key}`);
    await settled();
    expect(sweeps).toHaveLength(1000);
    expect(new Set(sweeps).size).toBe(1);
    expect(pool.active).toBe(1000);
  });

  test('a slot that becomes free takes the next key', async () => {
    const { started, finish, process } = gate();
    const { pool, add } = setUp(process, { concurrency: 1 });
    pool.start();
    add('a');
    add('b');
    await settled();
    expect(started).toEqual(['a']);
    finish('a');
    await settled();
    expect(started).toEqual(['a', 'b']);
    expect(pool.active).toBe(1);
  });

  test('a key runs again after an add during its run, with the newer context', async () => {
    const contexts: string[] = [];
    const { pool, add } = setUp(async (_key, context) => {
      contexts.push(context);
      if (contexts.length === 1) add('a', 'newer');
      return 'done';
    });
    pool.start();
    add('a', 'first');
    await settled();
    expect(contexts).toEqual(['first', 'newer']);
  });
});

describe('results', () => {
  test('done: the key is idle and its failures forgotten', async () => {
    let failures = 2;
    const { pool, add, queue, clock } = setUp(async () => (failures-- > 0 ? { retry: true } : 'done'));
    pool.start();
    add('a');
    await settled();
    expect(queue.failures('a')).toBe(1);
    await clock.advance(100);
    expect(queue.failures('a')).toBe(2);
    await clock.advance(200);
    expect(queue.failures('a')).toBe(0);
    expect(queue.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('requeueAfterMs: it runs again then, with its context or another, and counts as no failure', async () => {
    const runs: [number, string][] = [];
    const results: Result<string>[] = [{ requeueAfterMs: 500 }, { requeueAfterMs: 50, context: 'again' }, 'done'];
    const { pool, add, queue, clock } = setUp(async (_key, context) => {
      runs.push([clock.now(), context]);
      return results.shift() ?? 'done';
    });
    pool.start();
    add('a', 'first');
    await clock.advance(1000);
    expect(runs).toEqual([
      [0, 'first'],
      [500, 'first'],
      [550, 'again'],
    ]);
    expect(queue.failures('a')).toBe(0);
  });

  test('retry with a time: exactly then, as a failure', async () => {
    const { pool, add, queue, clock } = setUp(async () => ({ retry: true, afterMs: 4321 }));
    pool.start();
    add('a');
    await settled();
    expect(queue.dueAt('a')).toBe(clock.now() + 4321);
    expect(queue.failures('a')).toBe(1);
  });

  test('a throw is reported with the time of the next try, and tried again', async () => {
    let runs = 0;
    const { pool, add, clock, errors } = setUp(async () => {
      runs += 1;
      if (runs === 1) throw new Error('no luck');
      return 'done';
    });
    pool.start();
    add('a');
    await settled();
    expect(errors).toEqual([{ key: 'a', message: 'no luck', retryInMs: expect.any(Number) }]);
    expect(errors[0]?.retryInMs).toBeGreaterThanOrEqual(50);
    await clock.advance(100);
    expect(runs).toBe(2);
  });

  test('a synchronous throw and an impossible result are failures like any other', async () => {
    const { pool, add, errors } = setUp((key) => {
      if (key === 'sync') throw new Error('at once');
      return Promise.resolve({ requeueAfterMs: -1 });
    });
    pool.start();
    add('sync');
    add('negative');
    await settled();
    expect(errors.map((error) => error.message)).toEqual(['at once', 'a delay is a time from now']);
    expect(pool.active).toBe(0);
  });

  test('one key that fails does not hold up the others', async () => {
    let done = 0;
    const { pool, add } = setUp(async (key) => {
      if (key === 'poison') throw new Error('poison');
      done += 1;
      return 'done';
    });
    pool.start();
    add('poison');
    for (let key = 0; key < 100; key += 1) add(`key ${key}`);
    await settled();
    expect(done).toBe(100);
  });
});

describe('limits', () => {
  test('a run past its time is aborted, and keeps its key until it gives up', async () => {
    const { pool, add, queue, clock, errors } = setUp(
      (_key, _context, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => clock.after(5, () => reject(signal.reason)));
        }),
      { timeoutMs: 1000 },
    );
    pool.start();
    add('a');
    await clock.advance(1004);
    expect(queue.stateOf('a')).toBe('processing');
    await clock.advance(1);
    expect(errors).toMatchObject([{ key: 'a', message: 'not finished within 1000 ms' }]);
    expect(queue.stateOf('a')).toBe('delayed');
  });

  test('10,000 keys at once leave nothing behind', async () => {
    const { pool, add, queue, clock } = setUp(async () => 'done', { concurrency: 10_000 });
    pool.start();
    for (let key = 0; key < 50_000; key += 1) add(`key ${key}`);
    await queue.idle();
    expect([pool.active, queue.size, clock.pending]).toEqual([0, 0, 0]);
  });
});

describe('ending', () => {
  test('a drain waits for the keys in process and takes no more', async () => {
    const { started, finish, process } = gate();
    const { pool, add, clock } = setUp(process, { concurrency: 1 });
    pool.start();
    add('a');
    add('b');
    await settled();
    const drained = pool.drain(1000);
    await clock.advance(500);
    finish('a');
    expect(await drained).toBe(true);
    expect(started).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });

  test('a drain that takes too long says so; a stop then aborts what is left', async () => {
    const { pool, add, clock } = setUp(
      (_key, _context, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    pool.start();
    add('a');
    await settled();
    const first = pool.drain(1000);
    await clock.advance(1000);
    expect(await first).toBe(false);
    pool.stop();
    expect(await pool.drain(1000)).toBe(true);
    expect(pool.active).toBe(0);
  });

  test('a drained queue is worked off by its pool', async () => {
    const seen: string[] = [];
    const { pool, add, queue, clock } = setUp(
      async (key) => {
        seen.push(key);
        if (key === 'b') throw new Error('too late to retry');
        return 'done';
      },
      { concurrency: 1 },
    );
    pool.start();
    for (const key of ['a', 'b', 'c']) add(key);
    await queue.drain();
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(queue.size).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

test('the observer hears how each run ended and how long it took', async () => {
  const heard: string[] = [];
  const { pool, add, clock } = setUp(
    async (key) => {
      await new Promise<void>((resolve) => clock.after(7, resolve));
      if (key === 'error') throw new Error('no luck');
      if (key === 'requeue') return { retry: true };
      return key === 'requeue_after' ? { requeueAfterMs: 10_000 } : 'done';
    },
    { observer: { ran: (result, ms) => heard.push(`${result} ${ms}`) } },
  );
  pool.start();
  for (const key of ['success', 'error', 'requeue', 'requeue_after']) add(key);
  await clock.advance(7);
  expect(heard).toEqual(['success 7', 'error 7', 'requeue 7', 'requeue_after 7']);
  expect(pool.concurrency).toBe(10);
});

test('a throw makes a key wait for so long at most, however often it failed; a failure of its own for longer', async () => {
  const throws = setUp(() => Promise.reject(new Error('away')), { throwBackoffMs: 150 });
  throws.pool.start();
  throws.add('a');
  await throws.clock.advance(5_000);
  expect(throws.errors.length).toBeGreaterThan(20);
  expect(Math.max(...throws.errors.map(({ retryInMs }) => retryInMs ?? 0))).toBeLessThanOrEqual(150);

  let failed = 0;
  const fails = setUp(
    async () => {
      failed += 1;
      return { retry: true };
    },
    { throwBackoffMs: 150 },
  );
  fails.pool.start();
  fails.add('a');
  await fails.clock.advance(5_000);
  expect(failed).toBeLessThan(20);
});
