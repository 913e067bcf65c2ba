import assert from 'node:assert/strict';

/** What a {@link Heap} keeps on its items: the place in the heap, or -1 while in none. */
export interface HeapItem {
  heapIndex: number;
}

/**
 * A binary min-heap whose items know their place, so that any of them can be removed or moved in O(log n). An item is
 * in one heap at most.
 */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** `before(a, b)`: must `a` come out before `b`? A strict order. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item, left in place. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** O(log n). The item must be in no heap. */
  push(item: T): void {
    assert(item.heapIndex === -1, 'an item is in one heap at most');
    this.#place(item, this.#items.length);
    this.#up(item);
  }

  /** Removes and returns the first item. O(log n). */
  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Removes an item of this heap. O(log n). */
  remove(item: T): void {
    assert(this.#items[item.heapIndex] === item, 'the item is in this heap');
    const hole = item.heapIndex;
    const last = this.#items.pop();
    item.heapIndex = -1;
    if (last === undefined || last === item) return;
    this.#place(last, hole);
    this.#up(last);
    this.#down(last);
  }

  /** Puts an item whose order has changed back into its place. O(log n). */
  update(item: T): void {
    assert(this.#items[item.heapIndex] === item, 'the item is in this heap');
    this.#up(item);
    this.#down(item);
  }

  /** Takes out all items, in no order. O(n). */
  clear(): T[] {
    const items = this.#items.splice(0);
    for (const item of items) item.heapIndex = -1;
    return items;
  }

  #up(item: T): void {
    while (item.heapIndex > 0) {
      const parent = this.#at((item.heapIndex - 1) >> 1);
      if (!this.#before(item, parent)) return;
      this.#swap(item, parent);
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[item.heapIndex * 2 + 1];
      if (left === undefined) return;
      const right = this.#items[item.heapIndex * 2 + 2];
      const child = right !== undefined && this.#before(right, left) ? right : left;
      if (!this.#before(child, item)) return;
      this.#swap(item, child);
    }
  }

  #at(index: number): T {
    const item = this.#items[index];
    assert(item !== undefined && item.heapIndex === index, 'every item knows its place');
    return item;
  }

  #swap(a: T, b: T): void {
    const index = a.heapIndex;
    this.#place(a, b.heapIndex);
    this.#place(b, index);
  }

  #place(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
