import assert from 'node:assert/strict';
import type { Clock, Timer } from '../controller/clock.ts';
import { Heap, type HeapItem } from '../controller/heap.ts';

interface Entry extends HeapItem {
  readonly at: number;
  readonly calls: number;
}

/** Calls that still count against the limit, each until its time is over. One timer, whatever their number. */
export class Window {
  readonly #clock: Clock;
  readonly #onOver: (calls: number) => void;
  readonly #entries = new Heap<Entry>((a, b) => a.at < b.at);
  #calls = 0;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** `onOver`: so many calls count no more. */
  constructor(clock: Clock, onOver: (calls: number) => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** Calls that count now. */
  get calls(): number {
    return this.#calls;
  }

  /** So many calls count for so many milliseconds. */
  add(calls: number, ms: number): void {
    assert(calls > 0 && ms >= 0, 'calls count for a time');
    this.#entries.push({ at: this.#clock.now() + ms, calls, heapIndex: -1 });
    this.#calls += calls;
    this.#arm();
  }

  /** Forgets all of them, without telling. */
  clear(): void {
    while (this.#entries.pop() !== undefined);
    this.#calls = 0;
    this.#arm();
  }

  #arm(): void {
    const at = this.#entries.peek()?.at ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#over();
    });
  }

  #over(): void {
    const now = this.#clock.now();
    let calls = 0;
    for (let first = this.#entries.peek(); first !== undefined && first.at <= now; first = this.#entries.peek()) {
      this.#entries.pop();
      calls += first.calls;
    }
    this.#calls -= calls;
    this.#arm();
    if (calls > 0) this.#onOver(calls);
  }
}
