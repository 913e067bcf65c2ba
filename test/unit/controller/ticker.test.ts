import { describe, expect, test } from 'vitest';
import { Ticker, type TickerOptions } from '../../../src/controller/ticker.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

/** A ticker whose runs take 30 ms, with pauses of 100 ms. */
function setUp(options: Partial<TickerOptions> = {}) {
  const clock = new VirtualClock();
  const starts: number[] = [];
  const errors: [string, number][] = [];
  const ticker = new Ticker({
    clock,
    random: seededRandom(3),
    run: async () => {
      starts.push(clock.now());
      await new Promise<void>((resolve) => clock.after(30, resolve));
    },
    interval: () => 100,
    backoff: { baseMs: 10, factor: 10, maxMs: 1000 },
    onError: (error, nextInMs) => errors.push([String(error), nextInMs]),
    ...options,
  });
  return { clock, ticker, starts, errors };
}

describe('running', () => {
  test('the pause counts from the end of a run', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.start();
    await clock.advance(300);
    expect(starts).toEqual([0, 130, 260]);
  });

  test('the first run can be put off', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.start(50);
    await clock.advance(100);
    expect(starts).toEqual([50]);
  });

  test('the interval is asked for after each run', async () => {
    const pauses = [10, 20];
    const { clock, ticker, starts } = setUp({ interval: () => pauses.shift() ?? 1000 });
    ticker.start();
    await clock.advance(500);
    expect(starts).toEqual([0, 40, 90]);
  });
});

describe('a poke', () => {
  test('ends the pause', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.start();
    await clock.advance(50);
    ticker.poke();
    ticker.poke();
    await clock.advance(100);
    expect(starts).toEqual([0, 50]);
  });

  test('during a run has one more follow, however many pokes there were', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.start();
    await clock.advance(10);
    ticker.poke();
    ticker.poke();
    expect(ticker.running).toBe(true);
    await clock.advance(100);
    expect(starts).toEqual([0, 30]);
  });

  test('before the start makes the first run immediate', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.poke();
    ticker.start(50);
    await clock.advance(1);
    expect(starts).toEqual([0]);
  });

  test('after the stop does nothing', async () => {
    const { clock, ticker, starts } = setUp();
    ticker.start();
    await ticker.stop();
    ticker.poke();
    await clock.advance(1000);
    expect(starts).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe('errors', () => {
  test('are reported, make the pauses grow, and are forgotten after a run that went well', async () => {
    let broken = true;
    const { clock, ticker, errors } = setUp({
      run: async () => {
        if (broken) throw new Error('no luck');
      },
    });
    ticker.start();
    await clock.runUntil(() => errors.length === 4, 10_000);
    for (const [index, longest] of [10, 100, 1000, 1000].entries()) {
      const pause = errors[index]?.[1];
      expect(pause).toBeGreaterThanOrEqual(longest / 2);
      expect(pause).toBeLessThan(longest);
    }
    expect(ticker.failures).toBe(4);
    broken = false;
    await clock.runUntil(() => ticker.failures === 0, 1000);
  });

  test('of the interval count as those of a run', async () => {
    const { clock, ticker, errors } = setUp({ interval: () => Number.NaN });
    ticker.start();
    await clock.advance(30);
    expect(errors[0]?.[0]).toContain('a pause is a time from now');
  });
});

test('a stop aborts the run, waits for it, and reports nothing', async () => {
  let ended = false;
  const { clock, ticker, errors } = setUp({
    run: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () =>
          clock.after(20, () => {
            ended = true;
            reject(signal.reason);
          }),
        );
      }),
  });
  ticker.start();
  await clock.advance(5);
  let stopped = false;
  void ticker.stop().then(() => (stopped = true));
  await clock.advance(19);
  expect([ended, stopped]).toEqual([false, false]);
  await clock.advance(1);
  expect([ended, stopped]).toEqual([true, true]);
  expect(errors).toEqual([]);
  expect(clock.pending).toBe(0);
});
