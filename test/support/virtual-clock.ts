import assert from 'node:assert/strict';
import type { Clock, Random, Timer } from '../../src/controller/clock.ts';
import { Heap, type HeapItem } from '../../src/controller/heap.ts';

// Taken at import, so that a test which fakes the global timers does not stop virtual time.
const realSetImmediate = setImmediate;

/** More timers than this in one call means that something re-arms itself for ever without time passing. */
const MAX_STEPS = 1_000_000;

interface VirtualTimer extends HeapItem {
  readonly due: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** What a virtual clock can be told. */
export interface VirtualClockOptions {
  /** The wall clock's time at the start, in milliseconds since 1970. */
  readonly wall?: number;
  /** Lets everything that was set off come to rest. By default all microtasks; pass more where real I/O is involved. */
  readonly settle?: () => Promise<void>;
}

/**
 * A deterministic clock: time passes only in `advance` and `runUntil`. Timers run one at a time in the order of their
 * due time, then of their creation, and all promises settle between two of them.
 */
export class VirtualClock implements Clock {
  readonly #timers = new Heap<VirtualTimer>((a, b) => a.due < b.due || (a.due === b.due && a.sequence < b.sequence));
  #epoch: number;
  readonly #settle: () => Promise<void>;
  #now = 0;
  #sequence = 0;
  #running = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#epoch = options.wall ?? Date.UTC(2025, 0, 1);
    this.#settle = options.settle ?? settled;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  after(ms: number, run: () => void): Timer {
    this.#sequence += 1;
    const timer: VirtualTimer = { due: this.#now + Math.max(0, ms), sequence: this.#sequence, run, heapIndex: -1 };
    this.#timers.push(timer);
    return {
      cancel: () => {
        if (timer.heapIndex !== -1) this.#timers.remove(timer);
      },
    };
  }

  /** Stands in for `setImmediate`: runs after the present macrotask, at the same virtual time. */
  readonly defer = (run: () => void): void => {
    this.after(0, run);
  };

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The wall clock is set so much ahead, or back; or the host was suspended for so long, which the monotonic one does not see. */
  setWall(byMs: number): void {
    this.#epoch += byMs;
  }

  /** Lets `ms` of virtual time pass. What a timer throws comes out here. */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0 && Number.isFinite(ms), 'time goes forward');
    const end = this.#now + ms;
    await this.#exclusive(async () => {
      await this.#settle();
      for (let step = 0; this.#step(end); step += 1) {
        assert(step < MAX_STEPS, `no rest before ${end} ms`);
        await this.#settle();
      }
      this.#now = end;
    });
  }

  /** Lets time pass until the condition holds. Fails if that takes more than `limitMs` or nothing is left to happen. */
  async runUntil(condition: () => boolean, limitMs: number): Promise<void> {
    const end = this.#now + limitMs;
    await this.#exclusive(async () => {
      await this.#settle();
      for (let step = 0; !condition(); step += 1) {
        assert(step < MAX_STEPS, `no rest before ${end} ms`);
        if (!this.#step(end)) {
          throw new Error(`the condition does not hold after ${limitMs} ms (timers left: ${this.#timers.size})`);
        }
        await this.#settle();
      }
    });
  }

  /** Runs the first timer due by `end`; false if there is none. */
  #step(end: number): boolean {
    const timer = this.#timers.peek();
    if (timer === undefined || timer.due > end) return false;
    this.#timers.pop();
    assert(timer.due >= this.#now, 'no timer runs late');
    this.#now = timer.due;
    timer.run();
    return true;
  }

  async #exclusive(body: () => Promise<void>): Promise<void> {
    assert(!this.#running, 'time is moved by one caller at a time');
    this.#running = true;
    try {
      await body();
    } finally {
      this.#running = false;
    }
  }
}

/** Resolves when no microtask is left: Node turns to its immediates only then. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve);
  });
}

/** A seeded generator (mulberry32): the same seed yields the same numbers everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
