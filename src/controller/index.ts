/**
 * Level-triggered work on keys: a queue, the workers that empty it, and what they need of time. Free of DNS, of I/O and of
 * anything else in this repository; clock and randomness are parameters, so that a whole run can be replayed from a seed.
 *
 * A key says only *what* to look at. Why it is on the queue (a notification, a periodic check, a retry, a person) sets its
 * priority and its context and nothing else: the worker reads the present truth when it runs. Losing, doubling or reordering
 * an add therefore changes when a key is looked at, never what comes of it. This is also why a full queue may refuse a key
 * and a stopping one may drop what waits: the owner looks at everything later.
 *
 * The semantics are those of client-go's `util/workqueue`; priorities, and the rule that a key has one coming run at most,
 * are those of controller-runtime's priority queue.
 *
 * ## The life of a key
 *
 *                addAfter, addRateLimited
 *      ┌──────┐ ─────────────────────────▶ ┌─────────┐
 *      │ idle │                            │ delayed │ ◀──────────────────────┐
 *      └──────┘ ──┐                        └─────────┘                        │
 *       ▲         │ add                         │ due, add                    │ done
 *       │         │                             ▼                             │
 *       │         └──────────────────────▶ ┌─────────┐                        │
 *       │                                  │ waiting │ ◀────────────┐         │
 *       │                                  └─────────┘              │ done    │
 *       │                                       │ take              │         │
 *       │ done                                  ▼                   │         │
 *       │                                ┌────────────┐  add   ┌───────┐      │
 *       └─────────────────────────────── │ processing │ ─────▶ │ dirty │      │
 *                                        └────────────┘        └───────┘      │
 *                       addAfter, addRateLimited │                 ▲ due, add │
 *                                                ▼                 │          │
 *                                         ┌─────────┐ ─────────────┘          │
 *                                         │ planned │ ────────────────────────┘
 *                                         └─────────┘
 *
 * | state      | a worker has it | coming run      | `add`                 | `addAfter`, `addRateLimited`      | `take`     | its time has come | `done`  |
 * |------------|-----------------|-----------------|-----------------------|-----------------------------------|------------|-------------------|---------|
 * | idle       | no              | none            | waiting               | delayed                           |            |                   | error   |
 * | delayed    | no              | at a known time | waiting (see below)   | delayed, until the earlier time   |            | waiting           | error   |
 * | waiting    | no              | now             | waiting, merged       | waiting, merged                   | processing |                   | error   |
 * | processing | yes             | none            | dirty                 | planned                           |            |                   | idle    |
 * | planned    | yes             | at a known time | dirty (see below)     | planned, until the earlier time   |            | dirty             | delayed |
 * | dirty      | yes             | now, after this | dirty, merged         | dirty, merged                     |            |                   | waiting |
 *
 * * An add to a key that has a coming run is merged into it: the earliest time, the highest priority, the contexts as the
 *   queue's `merge` says, and the waiting time measured from the first add. A waiting key that is lifted to a higher priority
 *   goes to the end of that one.
 * * `addAfter` on a waiting or dirty key plans nothing: the coming run will say itself when it wants to be next.
 * * `keepDelay` makes an `add` leave a delayed or planned key where it is. Periodic checks ask for it; otherwise each of them
 *   would end every backoff.
 * * `done` is not a verdict. Workers say what they want next (`addAfter`, `addRateLimited`, `forget`) before it, as
 *   `WorkerPool` does, so that the key is never idle in between.
 * * Failures are counted beside the states, from `addRateLimited` until `forget`.
 * * A key is idle when nothing is kept of it.
 *
 * `drain()` makes delayed keys idle and planned ones processing, refuses every add, and still hands out what waits. `stop()`
 * drops waiting keys, too, and makes dirty ones processing.
 *
 * ## The parts
 *
 * `WorkQueue` (`queue.ts`) holds the keys. `WorkerPool` (`workers.ts`) takes them in sweeps and works on many at once.
 * `Batcher` (`batcher.ts`) joins what the workers of a sweep ask for into few requests. `Ticker` (`ticker.ts`) runs one
 * function periodically. `Backoff` (`backoff.ts`), `deadline` and `withTimeout` (`deadline.ts`), and `Clock` (`clock.ts`) serve
 * these and everybody else. `Heap`, `Lane`, `Lanes` and `DelayedSet` are how the queue does it in O(log n).
 *
 * Nothing here is unbounded: the queue has `maxKeys`, the pool `concurrency` and `timeoutMs`, the batcher `maxBatch`,
 * `concurrency` and `maxBacklog`. Callbacks are called from the middle of an operation: they may only make a note.
 */
export { Backoff, type BackoffPolicy, backoffMs } from './backoff.ts';
export { BacklogFull, Batcher, BatcherClosed, type BatcherOptions } from './batcher.ts';
export { type Clock, type Random, sleep, systemClock, type Timer } from './clock.ts';
export { type Deadline, DeadlineExceeded, deadline, withTimeout } from './deadline.ts';
export { PRIORITIES, PRIORITY, type Priority } from './priority.ts';
export { type Add, type Item, type KeyState, type QueueObserver, type QueueOptions, WorkQueue } from './queue.ts';
export { Ticker, type TickerOptions } from './ticker.ts';
export { type PoolObserver, type PoolOptions, type Result, type RunResult, WorkerPool } from './workers.ts';
