import assert from 'node:assert/strict';
import type { Clock } from './clock.ts';
import { type Deadline, deadline, withTimeout } from './deadline.ts';
import { PRIORITY, type Priority } from './priority.ts';
import type { Item, WorkQueue } from './queue.ts';

/** What the worker of a key wants to happen next. The key's failures are forgotten unless it is to be retried. */
export type Result<C> =
  /** Nothing more to do until the next add. */
  | 'done'
  /** To run again so many milliseconds from now, with the same context unless another is given. No failure. */
  | { readonly requeueAfterMs: number; readonly context?: C; readonly priority?: Priority }
  | Retry<C>;

/** A failure without an error to report: to run again after the key's backoff, or exactly `afterMs` from now. The context is as above. */
export interface Retry<C> {
  readonly retry: true;
  readonly afterMs?: number;
  readonly context?: C;
}

/** How a run ended, as `controller_runtime_reconcile_total{result}` names it. */
export type RunResult = 'success' | 'requeue_after' | 'requeue' | 'error';

/** What a pool tells as it happens. */
export interface PoolObserver {
  /** A run ended (`controller_runtime_reconcile_total`, `_errors_total`, `_time_seconds`). */
  ran?(result: RunResult, ms: number): void;
}

/** What a pool needs. */
export interface PoolOptions<K, C> {
  readonly queue: WorkQueue<K, C>;
  readonly clock: Clock;
  /** Works on one key. To be aborted by `signal`; a throw is a failure, reported and retried after the key's backoff. */
  readonly process: (key: K, context: C, signal: AbortSignal) => Promise<Result<C>>;
  /** Keys in process at most. */
  readonly concurrency: number;
  /** Time after which the signal of a run is aborted, in milliseconds. The key stays taken until `process` gives up. */
  readonly timeoutMs: number;
  /**
   * The key's backoff after a throw at most, in milliseconds: what throws is no fact about the key, and when it is over, no
   * key should wait for long. No limit by default.
   */
  readonly throwBackoffMs?: number;
  /** Told of every throw, and in how many milliseconds the key is tried again (undefined: not by this process). */
  readonly onError: (key: K, error: unknown, retryInMs: number | undefined) => void;
  readonly observer?: PoolObserver;
  /** When to take keys after some became available; a microtask by default, so that adds of one loop go together. */
  readonly defer?: (run: () => void) => void;
}

/**
 * Runs `process` for up to `concurrency` keys of a queue at once. Follows the worker loop of controller-runtime, without
 * its workers: a free slot is a number here and costs nothing.
 *
 * All keys available are taken in one synchronous sweep, and `process` is called for each within it, so that callees can
 * join what one sweep asks for into one request (see `Batcher`).
 */
export class WorkerPool<K, C> {
  readonly #options: PoolOptions<K, C>;
  readonly #running = new Set<Deadline>();
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #sweepDue = false;
  #empty: PromiseWithResolvers<void> | undefined;

  constructor(options: PoolOptions<K, C>) {
    assert(Number.isInteger(options.concurrency) && options.concurrency >= 1, 'a pool has a worker');
    assert(options.timeoutMs > 0, 'a run has some time');
    this.#options = options;
  }

  /** Keys in process (`controller_runtime_active_workers`). */
  get active(): number {
    return this.#running.size;
  }

  /** `controller_runtime_max_concurrent_reconciles`. */
  get concurrency(): number {
    return this.#options.concurrency;
  }

  /** Takes keys from now on. Once. */
  start(): void {
    assert(this.#phase === 'new', 'a pool is started once');
    this.#phase = 'running';
    this.#options.queue.onReady(() => this.#schedule());
    this.#schedule();
  }

  /** Takes no more keys and waits for those in process; false if they are not all done after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#phase = 'stopped';
    if (this.#running.size === 0) return true;
    this.#empty ??= Promise.withResolvers();
    const { promise } = this.#empty;
    await withTimeout(this.#options.clock, timeoutMs, () => promise).catch(() => undefined);
    return this.#running.size === 0;
  }

  /** Takes no more keys and aborts the signals of those in process. `drain` then waits for them to give up. */
  stop(reason: unknown = new Error('the worker pool is stopped')): void {
    this.#phase = 'stopped';
    for (const run of this.#running) run.abort(reason);
  }

  #schedule(): void {
    if (this.#sweepDue || this.#phase !== 'running') return;
    this.#sweepDue = true;
    const defer = this.#options.defer ?? queueMicrotask;
    defer(() => {
      this.#sweepDue = false;
      this.#sweep();
    });
  }

  #sweep(): void {
    const { queue, concurrency } = this.#options;
    while (this.#phase === 'running' && this.#running.size < concurrency) {
      const item = queue.take();
      if (item === undefined) return;
      // Handles its own errors; one thrown by a callback of the owner is a bug and ends the process.
      void this.#run(item);
    }
  }

  async #run(item: Item<K, C>): Promise<void> {
    const { clock, queue, process, timeoutMs, observer, throwBackoffMs = Number.POSITIVE_INFINITY } = this.#options;
    const startedAt = clock.now();
    const limit = deadline(clock, timeoutMs);
    this.#running.add(limit);
    assert(this.#running.size <= this.#options.concurrency, 'no more keys are in process than allowed');
    let result: RunResult;
    try {
      result = this.#requeue(item, await process(item.key, item.context, limit.signal));
    } catch (error) {
      result = 'error';
      this.#retry(item, { afterMs: Math.min(queue.nextBackoffMs(item.key), throwBackoffMs) });
      this.#report(item.key, error);
    } finally {
      limit.cancel();
      this.#running.delete(limit);
      // After the requeue: the key must not be idle in between.
      queue.done(item.key);
      this.#schedule();
      if (this.#running.size === 0) {
        this.#empty?.resolve();
        this.#empty = undefined;
      }
    }
    observer?.ran?.(result, clock.now() - startedAt);
  }

  #requeue(item: Item<K, C>, result: Result<C>): RunResult {
    const { queue } = this.#options;
    if (result !== 'done' && 'retry' in result) {
      this.#retry(item, result);
      return 'requeue';
    }
    queue.forget(item.key);
    if (result === 'done') return 'success';
    const { requeueAfterMs, priority = PRIORITY.check, context = item.context } = result;
    queue.addAfter(item.key, requeueAfterMs, { priority, context });
    return 'requeue_after';
  }

  #retry({ key, context: given }: Item<K, C>, { afterMs, context = given }: Omit<Retry<C>, 'retry'>): void {
    this.#options.queue.addRateLimited(key, { priority: PRIORITY.retry, context }, afterMs);
  }

  #report(key: K, error: unknown): void {
    const { clock, queue, onError } = this.#options;
    const due = queue.dueAt(key);
    onError(key, error, due === undefined ? undefined : Math.max(0, due - clock.now()));
  }
}
