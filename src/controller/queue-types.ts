import type { BackoffPolicy } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import type { Priority } from './priority.ts';

/** Why a key is put on the queue. */
export interface Add<C> {
  readonly priority: Priority;
  readonly context: C;
  /**
   * A pending delayed run stands for this add instead of being cancelled by it. For periodic checks: they would
   * otherwise bring every key that backs off back at once.
   */
  readonly keepDelay?: boolean;
}

/** A key handed to a worker, which gives it back with `done(key)`. */
export interface Item<K, C> {
  readonly key: K;
  readonly context: C;
  readonly priority: Priority;
  /** How long it could have run and did not, in milliseconds. */
  readonly queuedMs: number;
}

/** Where a key is in its life; see the diagram in `index.ts`. */
export type KeyState = 'idle' | 'delayed' | 'waiting' | 'processing' | 'planned' | 'dirty';

/** What the queue tells as it happens; what can be read at any time are getters of the queue. Times in milliseconds. */
export interface QueueObserver {
  /** A run became due that was not due before (`workqueue_adds_total`; coalesced adds do not count, as in client-go). */
  added?(priority: Priority): void;
  /** A worker took a key that had waited for so long (`workqueue_queue_duration_seconds`). */
  taken?(priority: Priority, queuedMs: number): void;
  /** A worker gave a key back after so long (`workqueue_work_duration_seconds`). */
  finished?(workMs: number): void;
  /** `addRateLimited` (`workqueue_retries_total`). Unlike client-go, a planned `addAfter` is no retry. */
  retried?(): void;
  /** An add was refused because the queue is full. */
  refused?(): void;
}

/** What a queue needs. */
export interface QueueOptions<C> {
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff: BackoffPolicy;
  /** Keys held at most: waiting, delayed and in process together. */
  readonly maxKeys: number;
  /** The context of two adds that become one run. Must not depend on the order of the two. */
  readonly merge: (pending: C, added: C) => C;
  /** Called once when the queue refuses a key, then not again until `takeOverflow()`. It may only make a note. */
  readonly onOverflow?: () => void;
  readonly observer?: QueueObserver;
}
