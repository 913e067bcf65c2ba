import assert from 'node:assert/strict';
import { Lane, type LaneItem } from './lane.ts';
import { PRIORITIES, type Priority } from './priority.ts';

/** One lane per priority: the most urgent item first, and the oldest among equals. Every operation is O(1). */
export class Lanes<T extends LaneItem<T>> {
  /** By priority. */
  readonly #lanes: readonly Lane<T>[] = PRIORITIES.map(() => new Lane());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(priority: Priority): number {
    return this.#at(priority).size;
  }

  /** Puts an item that is in no lane at the end of its priority. */
  push(item: T, priority: Priority): void {
    this.#at(priority).push(item);
    this.#size += 1;
  }

  /** Takes an item out of the lane of its priority. */
  remove(item: T, priority: Priority): void {
    this.#at(priority).remove(item);
    this.#size -= 1;
  }

  /** Takes out the next item. */
  shift(): T | undefined {
    for (const priority of PRIORITIES) {
      const item = this.#at(priority).shift();
      if (item === undefined) continue;
      this.#size -= 1;
      return item;
    }
    assert(this.#size === 0, 'nothing is left behind');
    return undefined;
  }

  #at(priority: Priority): Lane<T> {
    const lane = this.#lanes[priority];
    assert(lane !== undefined, 'every priority has a lane');
    return lane;
  }
}
