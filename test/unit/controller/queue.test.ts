import { describe, expect, test } from 'vitest';
import { PRIORITY } from '../../../src/controller/priority.ts';
import { type Add, type QueueOptions, WorkQueue } from '../../../src/controller/queue.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

type Why = readonly string[];

function setUp(options: Partial<QueueOptions<Why>> = {}) {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string, Why>({
    clock,
    random: seededRandom(1),
    backoff: { baseMs: 100, factor: 2, maxMs: 1000 },
    maxKeys: 1000,
    merge: (pending, added) => [...pending, ...added],
    ...options,
  });
  return { clock, queue };
}

const event = (...context: string[]): Add<Why> => ({ priority: PRIORITY.event, context });
const check = (...context: string[]): Add<Why> => ({ priority: PRIORITY.check, context });
const person = (...context: string[]): Add<Why> => ({ priority: PRIORITY.person, context });

function takeAll(queue: WorkQueue<string, Why>): string[] {
  const keys: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) keys.push(item.key);
  return keys;
}

describe('adding', () => {
  test('a key added several times before it is taken runs once, with all contexts', () => {
    const { queue } = setUp();
    queue.add('a', event('first'));
    queue.add('a', event('second'));
    expect(queue.depth).toBe(1);
    expect(queue.take()).toMatchObject({ key: 'a', context: ['first', 'second'] });
    expect(queue.take()).toBeUndefined();
  });

  test('its waiting time counts from the first of the adds', async () => {
    const { queue, clock } = setUp();
    queue.add('a', event());
    await clock.advance(30);
    queue.add('a', event());
    await clock.advance(12);
    expect(queue.take()?.queuedMs).toBe(42);
  });

  test('the most urgent key goes first, the oldest among equals', () => {
    const { queue } = setUp();
    queue.add('check', check());
    queue.add('event 1', event());
    queue.add('person', person());
    queue.add('event 2', event());
    expect(takeAll(queue)).toEqual(['person', 'event 1', 'event 2', 'check']);
  });

  test('a more urgent add lifts a waiting key; a less urgent one does not lower it', () => {
    const { queue } = setUp();
    queue.add('a', check());
    queue.add('b', event());
    queue.add('a', person());
    queue.add('a', check());
    expect(queue.depthOf(PRIORITY.person)).toBe(1);
    expect(takeAll(queue)).toEqual(['a', 'b']);
  });
});

describe('a key in process', () => {
  test('is given to nobody else, and runs once more after an add', () => {
    const { queue } = setUp();
    queue.add('a', event('first'));
    queue.take();
    queue.add('a', check('second'));
    queue.add('a', check('third'));
    expect(queue.stateOf('a')).toBe('dirty');
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(queue.take()).toMatchObject({ key: 'a', context: ['second', 'third'], priority: PRIORITY.check });
    queue.done('a');
    expect(queue.take()).toBeUndefined();
  });

  test('can be planned for later; when that comes during the run, it runs once more after it', async () => {
    const { queue, clock } = setUp();
    queue.add('a', event());
    queue.take();
    queue.addAfter('a', 50, event());
    expect(queue.stateOf('a')).toBe('planned');
    await clock.advance(50);
    expect(queue.stateOf('a')).toBe('dirty');
    queue.done('a');
    expect(queue.stateOf('a')).toBe('waiting');
  });

  test('keeps its plan when the run ends first', async () => {
    const { queue, clock } = setUp();
    queue.add('a', event());
    queue.take();
    queue.addAfter('a', 50, event());
    queue.done('a');
    expect(queue.stateOf('a')).toBe('delayed');
    await clock.advance(49);
    expect(queue.take()).toBeUndefined();
    await clock.advance(1);
    expect(queue.take()?.key).toBe('a');
  });

  test('can be given back by its holder only', () => {
    const { queue } = setUp();
    expect(() => queue.done('a')).toThrow('only a key in process can be done');
    queue.add('a', event());
    expect(() => queue.done('a')).toThrow('only a key in process can be done');
  });
});

describe('delays', () => {
  test('the earliest of several times wins, whatever their order', async () => {
    const { queue, clock } = setUp();
    queue.addAfter('a', 300, event());
    queue.addAfter('a', 100, event());
    queue.addAfter('a', 200, event());
    await clock.advance(99);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(takeAll(queue)).toEqual(['a']);
    queue.done('a');
    await clock.advance(1000);
    expect(queue.size).toBe(0);
  });

  test('an add takes the place of the delayed run', async () => {
    const { queue, clock } = setUp();
    queue.addAfter('a', 100, event('later'));
    queue.add('a', event('now'));
    expect(queue.take()?.context).toEqual(['later', 'now']);
    queue.done('a');
    await clock.advance(100);
    expect(queue.stateOf('a')).toBe('idle');
  });

  test('a periodic check does not bring a delayed key back early', async () => {
    const { queue, clock } = setUp();
    queue.addAfter('a', 100, event());
    expect(queue.add('a', { ...check(), keepDelay: true })).toBe(true);
    expect(queue.stateOf('a')).toBe('delayed');
    await clock.advance(100);
    expect(queue.stateOf('a')).toBe('waiting');
    expect(queue.add('b', { ...check(), keepDelay: true })).toBe(true);
    expect(queue.stateOf('b')).toBe('waiting');
  });

  test('the time planned does not count as waiting time', async () => {
    const { queue, clock } = setUp();
    queue.addAfter('a', 100, event());
    await clock.advance(107);
    expect(queue.take()?.queuedMs).toBe(7);
  });

  test('there is one timer for all delayed keys', () => {
    const { queue, clock } = setUp();
    for (let ms = 500; ms > 0; ms -= 1) queue.addAfter(`key ${ms}`, ms, event());
    expect(clock.pending).toBe(1);
    expect(queue.delayed).toBe(500);
  });

  test('keys come due in the order of their times, and of their adds among equals', async () => {
    const { queue, clock } = setUp();
    queue.addAfter('c', 20, event());
    queue.addAfter('a', 10, event());
    queue.addAfter('b', 10, event());
    await clock.advance(20);
    expect(takeAll(queue)).toEqual(['a', 'b', 'c']);
  });
});

describe('failures', () => {
  test('each doubles the wait, up to the longest, with a random half', async () => {
    const { queue, clock } = setUp();
    for (const longest of [100, 200, 400, 800, 1000, 1000]) {
      queue.addRateLimited('a', event());
      const wait = (queue.dueAt('a') ?? 0) - clock.now();
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThan(longest);
      await clock.advance(longest);
      takeAll(queue);
      queue.done('a');
    }
    expect(queue.failures('a')).toBe(6);
  });

  test('are forgotten on demand', () => {
    const { queue } = setUp();
    queue.addRateLimited('a', event());
    queue.forget('a');
    expect(queue.failures('a')).toBe(0);
  });

  test('can name their own wait and still count', () => {
    const { queue, clock } = setUp();
    queue.addRateLimited('a', event(), 12_345);
    expect(queue.dueAt('a')).toBe(clock.now() + 12_345);
    expect(queue.failures('a')).toBe(1);
  });
});

describe('a full queue', () => {
  test('refuses new keys, says so once, and never refuses a key that it holds', () => {
    let overflows = 0;
    const { queue } = setUp({ maxKeys: 2, onOverflow: () => (overflows += 1) });
    queue.add('a', event());
    queue.addAfter('b', 100, event());
    expect(queue.add('c', event())).toBe(false);
    expect(queue.addAfter('d', 1, event())).toBe(false);
    expect(queue.addRateLimited('e', event())).toBe(false);
    expect(queue.failures('e')).toBe(0);
    expect(queue.add('a', event())).toBe(true);
    expect(queue.add('b', event())).toBe(true);
    expect(overflows).toBe(1);
  });

  test('tells its owner until asked, then starts anew', () => {
    let overflows = 0;
    const { queue } = setUp({ maxKeys: 1, onOverflow: () => (overflows += 1) });
    queue.add('a', event());
    queue.add('b', event());
    expect(queue.takeOverflow()).toBe(true);
    expect(queue.takeOverflow()).toBe(false);
    queue.add('b', event());
    expect(overflows).toBe(2);
  });

  test('has room again as soon as a key is done', () => {
    const { queue } = setUp({ maxKeys: 1 });
    queue.add('a', event());
    queue.take();
    expect(queue.add('b', event())).toBe(false);
    queue.done('a');
    expect(queue.add('b', event())).toBe(true);
  });
});

describe('ending', () => {
  test('a drain drops what is delayed, hands out what waits, and ends when the last key is done', async () => {
    const { queue, clock } = setUp();
    queue.add('in process', event());
    queue.take();
    queue.add('in process', event());
    queue.add('waiting', event());
    queue.addAfter('delayed', 10, event());
    let drained = false;
    void queue.drain().then(() => (drained = true));
    expect(queue.add('late', event())).toBe(false);
    expect(queue.addRateLimited('in process', event())).toBe(false);
    expect(clock.pending).toBe(0);
    expect(takeAll(queue)).toEqual(['waiting']);
    queue.done('waiting');
    queue.done('in process');
    await clock.advance(0);
    expect(drained).toBe(false);
    expect(takeAll(queue)).toEqual(['in process']);
    queue.done('in process');
    await clock.advance(0);
    expect(drained).toBe(true);
    expect(queue.size).toBe(0);
  });

  test('a stop drops all but the keys in process, and ends a drain with them', async () => {
    const { queue, clock } = setUp();
    queue.add('in process', event());
    queue.take();
    queue.add('in process', event());
    queue.add('waiting', event());
    let drained = false;
    void queue.drain().then(() => (drained = true));
    queue.stop();
    expect(queue.take()).toBeUndefined();
    expect(queue.size).toBe(1);
    queue.done('in process');
    await clock.advance(0);
    expect(drained).toBe(true);
    expect(queue.size).toBe(0);
  });

  test('idle() ends when nothing waits or runs, at once where that is so already', async () => {
    const { queue } = setUp();
    await queue.idle();
    queue.addAfter('delayed', 10, event());
    await queue.idle();
    queue.add('a', event());
    const idle = queue.idle();
    queue.take();
    queue.done('a');
    await idle;
  });
});

describe('measures', () => {
  test('the observer hears of adds that count, waiting times, work and retries', async () => {
    const heard: string[] = [];
    const { queue, clock } = setUp({
      maxKeys: 1,
      observer: {
        added: (priority) => heard.push(`added ${priority}`),
        taken: (priority, ms) => heard.push(`taken ${priority} ${ms}`),
        finished: (ms) => heard.push(`finished ${ms}`),
        retried: () => heard.push('retried'),
        refused: () => heard.push('refused'),
      },
    });
    queue.add('a', event());
    queue.add('a', event());
    queue.add('b', event());
    await clock.advance(3);
    queue.take();
    await clock.advance(5);
    queue.addRateLimited('a', check(), 10);
    queue.done('a');
    await clock.advance(10);
    expect(heard).toEqual(['added 2', 'refused', 'taken 2 3', 'retried', 'finished 5', 'added 0']);
  });

  test('the age of work under way can be read', async () => {
    const { queue, clock } = setUp();
    queue.add('a', event());
    queue.add('b', event());
    queue.take();
    await clock.advance(10);
    queue.take();
    await clock.advance(5);
    expect([queue.processing, queue.unfinishedMs, queue.longestRunningMs]).toEqual([2, 20, 15]);
    expect(queue.inProcess()).toEqual(['a', 'b']);
    queue.done('a');
    expect([queue.processing, queue.unfinishedMs, queue.longestRunningMs]).toEqual([1, 5, 5]);
    queue.done('b');
    expect([queue.processing, queue.unfinishedMs, queue.longestRunningMs]).toEqual([0, 0, 0]);
  });
});
