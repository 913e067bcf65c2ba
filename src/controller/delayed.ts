import type { Clock, Timer } from './clock.ts';
import { Heap, type HeapItem } from './heap.ts';

/** What a {@link DelayedSet} keeps on its items. */
export interface Delayed extends HeapItem {
  /** When the item leaves the set, by `clock.now()`. Written by the set only. */
  wakeAt: number;
  /** Keeps items that wake at the same time in the order of their coming. Written by the set only. */
  sequence: number;
}

/** Items that wait for their time. Each costs O(log n), and there is one timer for all of them. */
export class DelayedSet<T extends Delayed> {
  readonly #heap = new Heap<T>((a, b) => a.wakeAt < b.wakeAt || (a.wakeAt === b.wakeAt && a.sequence < b.sequence));
  readonly #clock: Clock;
  readonly #onWake: (item: T) => void;
  #timer: { readonly wakeAt: number; readonly handle: Timer } | undefined;
  #sequence = 0;

  /** `onWake` is called for each item when its time has come and it has left the set. */
  constructor(clock: Clock, onWake: (item: T) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Puts the item in, or moves it to another time if it is in already. */
  put(item: T, wakeAt: number): void {
    item.wakeAt = wakeAt;
    if (item.heapIndex === -1) {
      this.#sequence += 1;
      item.sequence = this.#sequence;
      this.#heap.push(item);
    } else {
      this.#heap.update(item);
    }
    this.#arm();
  }

  /** Takes the item out, if it is in. */
  remove(item: T): void {
    if (item.heapIndex === -1) return;
    this.#heap.remove(item);
    if (this.#heap.size === 0) this.#disarm();
  }

  /** Takes out all items, in no order. */
  clear(): T[] {
    this.#disarm();
    return this.#heap.clear();
  }

  /** The timer may go off early (when the item it was set for has been removed) but never late. */
  #arm(): void {
    const wakeAt = this.#heap.peek()?.wakeAt;
    if (wakeAt === undefined || (this.#timer !== undefined && this.#timer.wakeAt <= wakeAt)) return;
    this.#timer?.handle.cancel();
    this.#timer = { wakeAt, handle: this.#clock.after(wakeAt - this.#clock.now(), () => this.#wake()) };
  }

  #disarm(): void {
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  #wake(): void {
    this.#timer = undefined;
    // Ends, because the time is fixed here: what `onWake` puts in again is due later than now.
    const now = this.#clock.now();
    for (let item = this.#heap.peek(); item !== undefined && item.wakeAt <= now; item = this.#heap.peek()) {
      this.#heap.remove(item);
      this.#onWake(item);
    }
    this.#arm();
  }
}
