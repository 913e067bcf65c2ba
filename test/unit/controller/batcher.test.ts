import { describe, expect, test } from 'vitest';
import { Batcher, type BatcherOptions } from '../../../src/controller/batcher.ts';
import { settled, VirtualClock } from '../../support/virtual-clock.ts';

function setUp(options: Partial<BatcherOptions<number, string>> = {}) {
  const clock = new VirtualClock();
  const runs: number[][] = [];
  const batcher = new Batcher<number, string>({
    run: async (items) => {
      runs.push([...items]);
      await new Promise<void>((resolve) => clock.after(10, resolve));
      return items.map((item) => `answer ${item}`);
    },
    maxBatch: 5,
    concurrency: 1,
    maxBacklog: 20,
    defer: clock.defer,
    ...options,
  });
  return { clock, batcher, runs };
}

describe('gathering', () => {
  test('items of one macrotask go together, also those that come in its microtasks', async () => {
    const { clock, batcher, runs } = setUp();
    const first = batcher.load(1);
    const second = Promise.resolve().then(() => batcher.load(2));
    await clock.advance(10);
    expect(runs).toEqual([[1, 2]]);
    expect(await Promise.all([first, second])).toEqual(['answer 1', 'answer 2']);
  });

  test('a full batch does not wait', () => {
    const { batcher, runs } = setUp();
    for (const item of [1, 2, 3, 4, 5, 6]) void batcher.load(item);
    expect(runs).toEqual([[1, 2, 3, 4, 5]]);
    expect(batcher.backlog).toBe(1);
  });

  test('what comes while all runs are busy gathers for the next: a group commit', async () => {
    const { clock, batcher, runs } = setUp();
    void batcher.load(1);
    await clock.advance(1);
    void batcher.load(2);
    await clock.advance(1);
    void batcher.load(3);
    await clock.advance(1);
    expect([runs, batcher.running, batcher.backlog]).toEqual([[[1]], 1, 2]);
    await clock.advance(20);
    expect(runs).toEqual([[1], [2, 3]]);
  });

  test('as many runs go on at once as allowed', async () => {
    const { clock, batcher, runs } = setUp({ concurrency: 2 });
    for (let item = 0; item < 12; item += 1) void batcher.load(item);
    expect(runs.map((run) => run.length)).toEqual([5, 5]);
    await clock.advance(9);
    expect(batcher.running).toBe(2);
    await clock.advance(1);
    expect(runs.map((run) => run.length)).toEqual([5, 5, 2]);
  });

  test('without a schedule of its own it waits for the end of the macrotask', async () => {
    const runs: number[] = [];
    const run = async (items: readonly number[]) => {
      runs.push(items.length);
      return items.map(String);
    };
    const batcher = new Batcher<number, string>({ run, maxBatch: 5, concurrency: 1, maxBacklog: 5 });
    const loads = [batcher.load(1), batcher.load(2)];
    await Promise.resolve();
    expect(runs).toEqual([]);
    expect(await Promise.all(loads)).toEqual(['1', '2']);
    expect(runs).toEqual([2]);
  });
});

describe('errors', () => {
  test('an error in the answers rejects its item alone', async () => {
    const { clock, batcher } = setUp({
      run: async (items) => items.map((item) => (item === 2 ? new Error('no 2') : `answer ${item}`)),
    });
    const answers = Promise.allSettled([batcher.load(1), batcher.load(2)]);
    await clock.advance(0);
    expect(await answers).toMatchObject([{ value: 'answer 1' }, { reason: new Error('no 2') }]);
  });

  test.for([
    { name: 'a throw', run: () => Promise.reject(new Error('database gone')), message: 'database gone' },
    { name: 'too few answers', run: async () => ['one'], message: '2 items need as many answers, not 1' },
    {
      name: 'a synchronous throw',
      run: () => {
        throw new Error('at once');
      },
      message: 'at once',
    },
  ])('$name rejects the whole batch, and the next one runs', async ({ run, message }) => {
    let broken = true;
    const { clock, batcher } = setUp({
      run: (items) => (broken ? run() : Promise.resolve(items.map(String))),
    });
    const answers = Promise.allSettled([batcher.load(1), batcher.load(2)]);
    await clock.advance(0);
    for (const answer of await answers) expect(answer).toMatchObject({ reason: { message } });
    broken = false;
    const next = batcher.load(3);
    await clock.advance(0);
    expect(await next).toBe('3');
  });

  test('beyond the backlog items are refused, and taken again when there is room', async () => {
    const { clock, batcher } = setUp({ maxBacklog: 5 });
    for (let item = 0; item < 10; item += 1) void batcher.load(item);
    await expect(batcher.load(10)).rejects.toThrow('5 items are waiting already');
    await clock.advance(10);
    void batcher.load(11);
    expect(batcher.backlog).toBe(1);
  });
});

test('a drain answers all items it has and takes no more', async () => {
  const { clock, batcher, runs } = setUp();
  for (let item = 0; item < 7; item += 1) void batcher.load(item);
  let drained = false;
  void batcher.drain().then(() => (drained = true));
  await expect(batcher.load(8)).rejects.toThrow('the batcher takes no more items');
  await clock.advance(19);
  expect(drained).toBe(false);
  await clock.advance(1);
  expect(drained).toBe(true);
  expect(runs.flat()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await batcher.drain();
  await settled();
});
