import assert from 'node:assert/strict';

/** What a {@link Lane} keeps on its items. */
export interface LaneItem<T extends LaneItem<T>> {
  /** The lane that the item stands in. */
  lane: Lane<T> | undefined;
  ahead: T | undefined;
  behind: T | undefined;
}

/**
 * A first-in-first-out line that any item can leave in O(1). The links are on the items: a `Map` used as a queue walks
 * over the holes of everything deleted from its front, which makes emptying 100,000 keys quadratic.
 */
export class Lane<T extends LaneItem<T>> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item that has been in the lane for longest. */
  get first(): T | undefined {
    return this.#first;
  }

  /** Puts an item that is in no lane at the end. */
  push(item: T): void {
    assert(item.lane === undefined, 'an item is in one lane at most');
    item.lane = this;
    item.ahead = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.behind = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Removes an item of this lane. */
  remove(item: T): void {
    assert(item.lane === this, 'the item is in this lane');
    if (item.ahead === undefined) this.#first = item.behind;
    else item.ahead.behind = item.behind;
    if (item.behind === undefined) this.#last = item.ahead;
    else item.behind.ahead = item.ahead;
    item.lane = undefined;
    item.ahead = undefined;
    item.behind = undefined;
    this.#size -= 1;
    assert(this.#size >= 0 && (this.#size === 0) === (this.#first === undefined), 'the size is that of the line');
  }

  /** Removes and returns the first item. */
  shift(): T | undefined {
    const item = this.#first;
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** From first to last. The lane must not change meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let item = this.#first; item !== undefined; item = item.behind) yield item;
  }
}
