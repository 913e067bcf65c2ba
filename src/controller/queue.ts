import assert from 'node:assert/strict';
import { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { DelayedSet } from './delayed.ts';
import { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { Priority } from './priority.ts';
import { type Entry, newEntry, type Pending } from './queue-entry.ts';
import type { Add, Item, KeyState, QueueObserver, QueueOptions } from './queue-types.ts';

export type { Add, Item, KeyState, QueueObserver, QueueOptions } from './queue-types.ts';

/**
 * A queue of keys with the semantics of client-go's `util/workqueue`: one worker per key at a time, equal adds become
 * one, an add during a run makes one more run after it, delays and backoff per key. Priorities and the single pending
 * run per key follow controller-runtime's priority queue. The states of a key are described in `index.ts`.
 *
 * Keys are compared as `Map` does, so use strings or numbers. Every operation is O(1), or O(log n) for a delayed key;
 * a key that is idle and forgotten costs nothing. When `maxKeys` are held, a new key is refused: `add` returns false,
 * `onOverflow` is called, and the owner looks at everything later, when there is room. A key that is held is never
 * refused.
 */
export class WorkQueue<K, C> {
  readonly #clock: Clock;
  readonly #maxKeys: number;
  readonly #merge: (pending: C, added: C) => C;
  readonly #onOverflow: (() => void) | undefined;
  readonly #observer: QueueObserver;
  readonly #backoff: Backoff<K>;
  readonly #entries = new Map<K, Entry<K, C>>();
  readonly #waiting = new Lanes<Entry<K, C>>();
  /** In the order of their start: the first has been running for longest. */
  readonly #processing = new Lane<Entry<K, C>>();
  readonly #delayed: DelayedSet<Entry<K, C>>;
  #phase: 'open' | 'draining' | 'stopped' = 'open';
  #overflowed = false;
  #onReady: (() => void) | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: QueueOptions<C>) {
    assert(Number.isInteger(options.maxKeys) && options.maxKeys >= 1, 'a queue has room for a key');
    this.#clock = options.clock;
    this.#maxKeys = options.maxKeys;
    this.#merge = options.merge;
    this.#onOverflow = options.onOverflow;
    this.#observer = options.observer ?? {};
    this.#backoff = new Backoff(options.backoff, options.maxKeys, options.random);
    this.#delayed = new DelayedSet(options.clock, (entry) => this.#makeReady(entry));
  }

  /** The key is to run now. False: the queue is full or closed, and the key was not taken up. */
  add(key: K, add: Add<C>): boolean {
    return this.#offer(key, add, 0);
  }

  /** The key is to run `ms` from now, or at the time already planned for it if that is earlier. */
  addAfter(key: K, ms: number, add: Add<C>): boolean {
    return this.#offer(key, add, ms);
  }

  /** Counts a failure of the key and has it run after its backoff, or exactly `afterMs` from now where that is given. */
  addRateLimited(key: K, add: Add<C>, afterMs?: number): boolean {
    if (this.#phase !== 'open') return false;
    const backoff = this.#backoff.fail(key);
    this.#observer.retried?.();
    const held = this.#offer(key, add, afterMs ?? backoff);
    if (!held) this.#backoff.forget(key);
    return held;
  }

  /** The key has succeeded: its next failure is the first again. Does not touch a planned run. */
  forget(key: K): void {
    this.#backoff.forget(key);
  }

  /** Failures in a row. */
  failures(key: K): number {
    return this.#backoff.failures(key);
  }

  /** A draw of the backoff, in milliseconds, of one more failure; for callers that announce it and then ask for it. */
  nextBackoffMs(key: K): number {
    return this.#backoff.peek(key);
  }

  /** The most urgent waiting key, or undefined. It is the caller's alone until `done(key)`. */
  take(): Item<K, C> | undefined {
    const entry = this.#waiting.shift();
    if (entry === undefined) return undefined;
    const { key, pending } = entry;
    assert(pending?.ready === true && entry.startedAt === undefined, 'what waits is ready and not in process');
    const now = this.#clock.now();
    const queuedMs = now - pending.due;
    entry.pending = undefined;
    entry.startedAt = now;
    this.#processing.push(entry);
    this.#observer.taken?.(pending.priority, queuedMs);
    return { key, context: pending.context, priority: pending.priority, queuedMs };
  }

  /** The worker of a taken key is through with it, whatever came of it. Throws if the key is not in process. */
  done(key: K): void {
    const entry = this.#entries.get(key);
    assert(entry?.startedAt !== undefined, 'only a key in process can be done');
    const workMs = this.#clock.now() - entry.startedAt;
    this.#processing.remove(entry);
    entry.startedAt = undefined;
    if (entry.pending?.ready) this.#line(entry, entry.pending.priority);
    this.#release(entry);
    this.#observer.finished?.(workMs);
    this.#settle();
  }

  /** Calls `listener` whenever a key can be taken. One listener per queue; it may only make a note. */
  onReady(listener: () => void): void {
    assert(this.#onReady === undefined, 'a queue has one listener');
    this.#onReady = listener;
  }

  /** Resolves as soon as no key waits or is in process; delayed keys do not count. */
  idle(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    const { promise } = this.#idle;
    this.#settle();
    return promise;
  }

  /**
   * Refuses further adds, drops what is delayed, hands out what waits (and what is dirty) once, and resolves when the
   * last key is done. Needs a worker that goes on taking; `stop()` resolves it too, once the keys in process are done.
   * Nothing is lost by it: whoever starts next looks at everything.
   */
  drain(): Promise<void> {
    if (this.#phase === 'open') this.#close('draining');
    return this.idle();
  }

  /** Refuses further adds and drops all that is not in process. `done` stays to be called for what is. */
  stop(): void {
    this.#close('stopped');
    for (const entry of this.#processing) entry.pending = undefined;
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      entry.pending = undefined;
      this.#release(entry);
    }
    assert(this.#entries.size === this.#processing.size, 'a stopped queue holds what is in process');
    this.#settle();
  }

  /** Has a key been refused for lack of room since the last call? The answer makes the owner look at everything. */
  takeOverflow(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  /** Keys held: waiting, delayed, in process. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keys that wait for a worker (`workqueue_depth`). */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys of one priority that wait for a worker. */
  depthOf(priority: Priority): number {
    return this.#waiting.sizeOf(priority);
  }

  /** Keys with a run planned for later. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** Keys that a worker has. */
  get processing(): number {
    return this.#processing.size;
  }

  /** Time spent so far on all keys in process, in milliseconds (`workqueue_unfinished_work_seconds`). O(processing). */
  get unfinishedMs(): number {
    const now = this.#clock.now();
    let sum = 0;
    for (const entry of this.#processing) sum += now - (entry.startedAt ?? now);
    return sum;
  }

  /** Age of the longest run, in milliseconds (`workqueue_longest_running_processor_seconds`). */
  get longestRunningMs(): number {
    const startedAt = this.#processing.first?.startedAt;
    return startedAt === undefined ? 0 : this.#clock.now() - startedAt;
  }

  stateOf(key: K): KeyState {
    const entry = this.#entries.get(key);
    if (entry === undefined) return 'idle';
    if (entry.startedAt === undefined) return entry.pending?.ready ? 'waiting' : 'delayed';
    if (entry.pending === undefined) return 'processing';
    return entry.pending.ready ? 'dirty' : 'planned';
  }

  /** The keys in process, longest first. O(n). */
  inProcess(): K[] {
    return Array.from(this.#processing, ({ key }) => key);
  }

  /** When the coming run of the key is or was due, by `clock.now()`. */
  dueAt(key: K): number | undefined {
    return this.#entries.get(key)?.pending?.due;
  }

  #offer(key: K, add: Add<C>, ms: number): boolean {
    assert(ms >= 0 && Number.isFinite(ms), 'a delay is a time from now');
    if (this.#phase !== 'open') return false;
    const entry = this.#entries.get(key) ?? this.#admit(key);
    if (entry === undefined) return false;
    const due = this.#clock.now() + ms;
    const pending = entry.pending;
    if (pending === undefined) {
      entry.pending = { priority: add.priority, context: add.context, due, ready: false };
    } else {
      pending.context = this.#merge(pending.context, add.context);
      if (add.priority > pending.priority) this.#promote(entry, pending, add.priority);
      // One pending run per key, at the earliest time asked for. Now is now, even where a late timer made it overdue.
      if (pending.ready || add.keepDelay || (ms > 0 && due >= pending.due)) return true;
      pending.due = Math.min(due, pending.due);
    }
    if (ms > 0) {
      this.#delayed.put(entry, due);
    } else {
      this.#delayed.remove(entry);
      this.#makeReady(entry);
    }
    return true;
  }

  #admit(key: K): Entry<K, C> | undefined {
    if (this.#entries.size >= this.#maxKeys) {
      this.#observer.refused?.();
      if (!this.#overflowed) {
        this.#overflowed = true;
        this.#onOverflow?.();
      }
      return undefined;
    }
    const entry = newEntry<K, C>(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #promote(entry: Entry<K, C>, pending: Pending<C>, priority: Priority): void {
    if (pending.ready && entry.startedAt === undefined) {
      this.#waiting.remove(entry, pending.priority);
      this.#waiting.push(entry, priority);
    }
    pending.priority = priority;
  }

  #makeReady(entry: Entry<K, C>): void {
    const { pending } = entry;
    assert(pending !== undefined && !pending.ready, 'a run becomes ready once');
    pending.ready = true;
    this.#observer.added?.(pending.priority);
    if (entry.startedAt === undefined) this.#line(entry, pending.priority);
  }

  #line(entry: Entry<K, C>, priority: Priority): void {
    this.#waiting.push(entry, priority);
    this.#onReady?.();
  }

  #close(phase: 'draining' | 'stopped'): void {
    this.#phase = phase;
    for (const entry of this.#delayed.clear()) {
      entry.pending = undefined;
      this.#release(entry);
    }
  }

  /** Nothing is kept of a key that neither runs nor is to run. */
  #release(entry: Entry<K, C>): void {
    if (entry.pending === undefined && entry.startedAt === undefined) this.#entries.delete(entry.key);
  }

  #settle(): void {
    if (this.#idle === undefined || this.#processing.size > 0 || this.depth > 0) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }
}
