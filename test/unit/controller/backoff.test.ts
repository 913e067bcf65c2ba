import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff, backoffMs } from '../../../src/controller/backoff.ts';

const policy = { baseMs: 100, factor: 2, maxMs: 1000 };

describe('the wait', () => {
  test.for([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
    [5, 1000],
    [1_000_000, 1000],
  ] as const)('after %i failures is half of %i ms, plus a random part of the other half', ([failures, longest]) => {
    expect(backoffMs(policy, failures, () => 0)).toBe(longest / 2);
    expect(backoffMs(policy, failures, () => 0.5)).toBe(longest * 0.75);
    expect(backoffMs(policy, failures, () => 1 - Number.EPSILON)).toBeLessThan(longest);
  });

  test('is never nothing and never longer than the longest', () => {
    const policies = fc.record({
      baseMs: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      maxMs: fc.double({ min: 1e6, max: 1e9, noNaN: true }),
    });
    const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(policies, fc.integer({ min: 1 }), share, (some, failures, random) => {
        const wait = backoffMs(some, failures, () => random);
        expect(wait).toBeGreaterThanOrEqual(some.baseMs / 2);
        expect(wait).toBeLessThanOrEqual(some.maxMs);
      }),
    );
  });

  test('needs a failure', () => {
    expect(() => backoffMs(policy, 0, () => 0)).toThrow('at least one failure');
  });
});

describe('counting by key', () => {
  test('keys do not affect one another', () => {
    const backoff = new Backoff<string>(policy, 10, () => 0);
    expect([backoff.fail('a'), backoff.fail('a'), backoff.fail('b')]).toEqual([50, 100, 50]);
    expect([backoff.failures('a'), backoff.failures('b'), backoff.failures('c')]).toEqual([2, 1, 0]);
  });

  test('a look at the next wait counts nothing', () => {
    const backoff = new Backoff<string>(policy, 10, () => 0);
    expect([backoff.peek('a'), backoff.peek('a'), backoff.size]).toEqual([50, 50, 0]);
  });

  test('a key that is forgotten starts anew and takes no room', () => {
    const backoff = new Backoff<string>(policy, 10, () => 0);
    backoff.fail('a');
    backoff.fail('a');
    backoff.forget('a');
    expect(backoff.size).toBe(0);
    expect(backoff.fail('a')).toBe(50);
  });

  test('a key that finds no room waits for the longest time and is not counted', () => {
    const backoff = new Backoff<string>(policy, 1, () => 0);
    backoff.fail('a');
    expect(backoff.fail('b')).toBe(500);
    expect([backoff.size, backoff.failures('b')]).toEqual([1, 0]);
    expect(backoff.fail('a')).toBe(100);
  });
});
