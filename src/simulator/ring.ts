/** The last so many of something; what is older falls out. */
export class Ring<T> {
  readonly #limit: number;
  #items: T[] = [];
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  /** How many fell out since the last `clear`. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    this.#items.push(item);
    // Cutting off a block at a time keeps the cost of one push constant on average.
    if (this.#items.length >= 2 * this.#limit) {
      this.#dropped += this.#items.length - this.#limit;
      this.#items = this.#items.slice(-this.#limit);
    }
  }

  /** Oldest first. At least the promised number are there, at most twice as many. */
  items(): readonly T[] {
    return this.#items;
  }

  clear(): void {
    this.#items = [];
    this.#dropped = 0;
  }
}
