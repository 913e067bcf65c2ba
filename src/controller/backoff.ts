import assert from 'node:assert/strict';
import type { Random } from './clock.ts';

/** How long to wait after the n-th failure in a row. */
export interface BackoffPolicy {
  /** Longest wait after the first failure, in milliseconds; above 0. */
  readonly baseMs: number;
  /** By how much each further failure multiplies the wait; at least 1. */
  readonly factor: number;
  /** No wait is longer, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The wait in milliseconds after `failures` failures in a row: `base * factor^(failures - 1)`, at most `max`, times a
 * random share in [0.5, 1). Half of the wait is certain, so that a failing call is never repeated at once; the other
 * half is random, so that keys which failed together do not come back together.
 */
export function backoffMs(policy: BackoffPolicy, failures: number, random: Random): number {
  assert(Number.isInteger(failures) && failures >= 1, 'the wait follows at least one failure');
  // The power of a large count is Infinity, which the minimum turns into the longest wait.
  const longest = Math.min(policy.maxMs, policy.baseMs * policy.factor ** (failures - 1));
  const share = random();
  assert(share >= 0 && share < 1, 'Random yields a number in [0, 1)');
  return longest * (0.5 + share / 2);
}

/**
 * Counts failures by key, for at most `maxKeys` keys. Follows client-go's `ItemExponentialFailureRateLimiter`, with
 * jitter and a bound.
 *
 * A key that finds the table full is not counted and waits about the longest time: so many keys failing at once means
 * that the trouble is not theirs, and slower is then the right answer.
 */
export class Backoff<K> {
  readonly #failures = new Map<K, number>();
  readonly #policy: BackoffPolicy;
  readonly #random: Random;
  readonly #maxKeys: number;

  constructor(policy: BackoffPolicy, maxKeys: number, random: Random) {
    assert(policy.baseMs > 0 && policy.factor >= 1, 'a backoff has a positive base and does not shrink');
    assert(policy.maxMs >= policy.baseMs && Number.isFinite(policy.maxMs), 'a backoff has a longest wait');
    assert(Number.isInteger(maxKeys) && maxKeys >= 1, 'a backoff has room for a key');
    this.#policy = policy;
    this.#maxKeys = maxKeys;
    this.#random = random;
  }

  /** How many keys have failed and not been forgotten. */
  get size(): number {
    return this.#failures.size;
  }

  /** Failures of the key in a row. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** A draw of the wait, in milliseconds, that one more failure of the key would earn. Counts nothing. */
  peek(key: K): number {
    const failures = this.failures(key);
    const full = failures === 0 && this.#failures.size >= this.#maxKeys;
    return backoffMs(this.#policy, full ? Number.MAX_SAFE_INTEGER : failures + 1, this.#random);
  }

  /** Counts a failure of the key and returns how long to wait, in milliseconds. */
  fail(key: K): number {
    const wait = this.peek(key);
    const failures = this.failures(key);
    if (failures > 0 || this.#failures.size < this.#maxKeys) this.#failures.set(key, failures + 1);
    assert(this.#failures.size <= this.#maxKeys, 'the table of failures is bounded');
    return wait;
  }

  /** The key has succeeded or is of no interest any more: its next failure is the first again. */
  forget(key: K): void {
    this.#failures.delete(key);
  }
}
