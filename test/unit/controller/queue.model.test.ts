import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PRIORITIES, type Priority } from '../../../src/controller/priority.ts';
import { type Item, type KeyState, WorkQueue } from '../../../src/controller/queue.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/**
 * The queue against a model that is too slow to be wrong: it sorts everything at every take, and has no heap, no lanes and
 * no timer. Every add carries a number of its own as its context, so that it can be found again in the run that served it.
 */

const KEYS = ['a', 'b', 'c', 'd', 'e'] as const;
const MAX_KEYS = 4;
const BACKOFF = { baseMs: 10, factor: 2, maxMs: 80 };

type Key = (typeof KEYS)[number];

type Operation =
  | { kind: 'add'; key: Key; priority: Priority; keepDelay: boolean }
  | { kind: 'addAfter'; key: Key; priority: Priority; keepDelay: boolean; ms: number }
  | { kind: 'addRateLimited'; key: Key; priority: Priority }
  | { kind: 'forget'; key: Key }
  | { kind: 'take' }
  | { kind: 'done'; which: number }
  | { kind: 'advance'; ms: number };

const key = fc.constantFrom(...KEYS);
const priority = fc.constantFrom(...PRIORITIES);
const keepDelay = fc.boolean();
const ms = fc.integer({ min: 0, max: 40 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), key, priority, keepDelay }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('addAfter'), key, priority, keepDelay, ms }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('addRateLimited'), key, priority }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget'), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('take') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('done'), which: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance'), ms }) },
);

interface Coming {
  adds: number[];
  priority: Priority;
  due: number;
  ready: boolean;
  /** When it got its place: among the delayed, then in the line. */
  place: number;
}

class Model {
  readonly coming = new Map<Key, Coming>();
  readonly running = new Set<Key>();
  readonly failures = new Map<Key, number>();
  now = 0;
  #places = 0;

  offer(key: Key, add: number, priority: Priority, ms: number, keepDelay: boolean): boolean {
    const due = this.now + ms;
    const coming = this.coming.get(key);
    if (coming === undefined) {
      const held = new Set([...this.coming.keys(), ...this.running]);
      if (!held.has(key) && held.size >= MAX_KEYS) return false;
      this.coming.set(key, { adds: [add], priority, due, ready: ms === 0, place: this.#place() });
      return true;
    }
    coming.adds.push(add);
    if (priority > coming.priority) {
      coming.priority = priority;
      if (coming.ready && !this.running.has(key)) coming.place = this.#place();
    }
    if (coming.ready || keepDelay || due > coming.due) return true;
    coming.due = due;
    if (ms === 0) this.#makeReady(coming);
    return true;
  }

  fail(key: Key): number {
    if (!this.failures.has(key) && this.failures.size >= MAX_KEYS) return BACKOFF.maxMs / 2;
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    return Math.min(BACKOFF.maxMs, BACKOFF.baseMs * BACKOFF.factor ** (failures - 1)) / 2;
  }

  advance(ms: number): void {
    this.now += ms;
    const due = [...this.coming.values()].filter((coming) => !coming.ready && coming.due <= this.now);
    for (const coming of due.sort((a, b) => a.due - b.due || a.place - b.place)) this.#makeReady(coming);
  }

  take(): { key: Key; coming: Coming } | undefined {
    const waiting = [...this.coming]
      .filter(([key, coming]) => coming.ready && !this.running.has(key))
      .sort(([, a], [, b]) => b.priority - a.priority || a.place - b.place);
    const [key, coming] = waiting[0] ?? [];
    if (key === undefined || coming === undefined) return undefined;
    this.coming.delete(key);
    this.running.add(key);
    return { key, coming };
  }

  done(key: Key): void {
    this.running.delete(key);
    const coming = this.coming.get(key);
    if (coming?.ready) coming.place = this.#place();
  }

  stateOf(key: Key): KeyState {
    const coming = this.coming.get(key);
    if (!this.running.has(key)) return coming === undefined ? 'idle' : coming.ready ? 'waiting' : 'delayed';
    return coming === undefined ? 'processing' : coming.ready ? 'dirty' : 'planned';
  }

  #makeReady(coming: Coming): void {
    coming.ready = true;
    coming.place = this.#place();
  }

  #place(): number {
    this.#places += 1;
    return this.#places;
  }
}

/** Queue and model side by side, and a diary that knows nothing of either. */
class Bench {
  readonly clock = new VirtualClock();
  readonly model = new Model();
  readonly queue = new WorkQueue<Key, number[]>({
    clock: this.clock,
    random: () => 0,
    backoff: BACKOFF,
    maxKeys: MAX_KEYS,
    merge: (pending, added) => [...pending, ...added],
  });
  /** Adds that were accepted and that no run has served yet. */
  readonly open = new Set<number>();
  readonly held: Key[] = [];
  #adds = 0;

  async do(operation: Operation): Promise<void> {
    const { queue, model, clock } = this;
    switch (operation.kind) {
      case 'add':
      case 'addAfter': {
        const { key, priority, keepDelay } = operation;
        const ms = operation.kind === 'add' ? 0 : operation.ms;
        const add = { priority, keepDelay, context: [this.#number()] };
        const accepted = operation.kind === 'add' ? queue.add(key, add) : queue.addAfter(key, ms, add);
        expect(accepted).toBe(model.offer(key, this.#adds, priority, ms, keepDelay));
        if (accepted) this.open.add(this.#adds);
        break;
      }
      case 'addRateLimited': {
        const { key, priority } = operation;
        const accepted = queue.addRateLimited(key, { priority, context: [this.#number()] });
        expect(accepted).toBe(model.offer(key, this.#adds, priority, model.fail(key), false));
        if (accepted) this.open.add(this.#adds);
        else model.failures.delete(key);
        break;
      }
      case 'forget':
        queue.forget(operation.key);
        model.failures.delete(operation.key);
        break;
      case 'take':
        this.take();
        break;
      case 'done':
        this.done(operation.which);
        break;
      case 'advance':
        await clock.advance(operation.ms);
        model.advance(operation.ms);
        break;
    }
    this.compare();
  }

  take(): Item<Key, number[]> | undefined {
    const item = this.queue.take();
    const expected = this.model.take();
    expect(item?.key).toBe(expected?.key);
    if (item === undefined || expected === undefined) return undefined;
    expect(item).toEqual({
      key: expected.key,
      context: expected.coming.adds,
      priority: expected.coming.priority,
      queuedMs: this.model.now - expected.coming.due,
    });
    expect(this.held, 'one worker per key').not.toContain(item.key);
    this.held.push(item.key);
    for (const add of item.context) expect(this.open.delete(add), 'each add is served once').toBe(true);
    return item;
  }

  done(which: number): void {
    const [key] = this.held.splice(which % Math.max(1, this.held.length), 1);
    if (key === undefined) return;
    this.queue.done(key);
    this.model.done(key);
  }

  compare(): void {
    const { queue, model, clock } = this;
    for (const key of KEYS) {
      expect(queue.stateOf(key)).toBe(model.stateOf(key));
      expect(queue.dueAt(key)).toBe(model.coming.get(key)?.due);
      expect(queue.failures(key)).toBe(model.failures.get(key) ?? 0);
    }
    const states = KEYS.map((key) => model.stateOf(key));
    const count = (...some: KeyState[]) => states.filter((state) => some.includes(state)).length;
    expect(queue.depth).toBe(count('waiting'));
    expect(queue.delayed).toBe(count('delayed', 'planned'));
    expect(queue.processing).toBe(count('processing', 'planned', 'dirty'));
    expect(queue.size).toBe(KEYS.length - count('idle'));
    expect(clock.pending, 'one timer for all delayed keys').toBe(queue.delayed > 0 ? 1 : 0);
  }

  #number(): number {
    this.#adds += 1;
    return this.#adds;
  }
}

const operations = fc.array(operation, { maxLength: 80, size: 'max' });

describe('whatever is done with it', () => {
  test('the queue does what the model does, and every add is served by a run that starts after it', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (all) => {
        const bench = new Bench();
        for (const one of all) await bench.do(one);
        // Let everything come due and run out: no add may be left.
        await bench.do({ kind: 'advance', ms: 1000 });
        for (let round = 0; round < 3; round += 1) {
          while (bench.take() !== undefined);
          while (bench.held.length > 0) bench.done(0);
        }
        bench.compare();
        expect([...bench.open]).toEqual([]);
        expect(bench.queue.size).toBe(0);
        expect(bench.clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('a drain ends, serves all that was due, and keeps nothing', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (all) => {
        const bench = new Bench();
        for (const one of all) await bench.do(one);
        const due = [...bench.model.coming.values()].filter((coming) => coming.ready).flatMap((coming) => coming.adds);
        for (const [key, coming] of bench.model.coming) if (!coming.ready) bench.model.coming.delete(key);
        const drained = bench.queue.drain();
        for (let round = 0; round < 3; round += 1) {
          while (bench.take() !== undefined);
          while (bench.held.length > 0) bench.done(0);
        }
        await drained;
        expect(due.filter((add) => bench.open.has(add))).toEqual([]);
        expect(bench.queue.size).toBe(0);
        expect(bench.clock.pending).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('a stop ends with the keys in process, and keeps nothing', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (all) => {
        const bench = new Bench();
        for (const one of all) await bench.do(one);
        bench.queue.stop();
        expect(bench.queue.take()).toBeUndefined();
        for (const key of bench.held) bench.queue.done(key);
        await bench.queue.idle();
        expect(bench.queue.size).toBe(0);
        expect(bench.clock.pending).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
