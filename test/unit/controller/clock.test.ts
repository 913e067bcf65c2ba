import { describe, expect, test } from 'vitest';
import { sleep } from '../../../src/controller/clock.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

describe('virtual time', () => {
  test('runs timers in the order of their times, then of their creation', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(20, () => order.push('c'));
    clock.after(10, () => order.push('a'));
    clock.after(10, () => order.push('b'));
    await clock.advance(20);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  test('lets promises settle between two timers', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.after(10, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => order.push(`promise at ${clock.now()}`));
    });
    clock.after(10, () => order.push('second timer'));
    await clock.advance(10);
    expect(order).toEqual(['promise at 10', 'second timer']);
  });

  test('runs timers that timers set, where they fall into the time that passes', async () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const tick = () => {
      times.push(clock.now());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(35);
    expect(times).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
    expect(clock.wall()).toBe(Date.UTC(2025, 0, 1) + 35);
  });

  test('stops where a condition holds, and fails where it does not in time', async () => {
    const clock = new VirtualClock();
    let rang = false;
    clock.after(40, () => (rang = true));
    await clock.runUntil(() => rang, 100);
    expect(clock.now()).toBe(40);
    await expect(clock.runUntil(() => !rang, 100)).rejects.toThrow('the condition does not hold after 100 ms');
  });

  test('is moved by one caller at a time', async () => {
    const clock = new VirtualClock();
    const first = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow('one caller at a time');
    await first;
  });
});

describe('sleep', () => {
  test('ends when the time has passed', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    let awake = false;
    void sleep(clock, 100, abort.signal).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect(awake).toBe(true);
  });

  test('rejects as soon as its signal is aborted, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const asleep = expect(sleep(clock, 100, abort.signal)).rejects.toBe('enough');
    abort.abort('enough');
    await asleep;
    await expect(sleep(clock, 100, abort.signal)).rejects.toBe('enough');
    expect(clock.pending).toBe(0);
  });
});

test('a seeded generator repeats itself and stays in [0, 1)', () => {
  const [one, two] = [seededRandom(42), seededRandom(42)];
  const numbers = Array.from({ length: 1000 }, one);
  expect(numbers).toEqual(Array.from({ length: 1000 }, two));
  expect(new Set(numbers).size).toBeGreaterThan(990);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
});
