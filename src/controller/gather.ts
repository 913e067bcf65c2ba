import assert from 'node:assert/strict';

/**
 * Tells when nobody else is on the way. Whoever may soon add to a batch enters, and leaves once it has added or decided
 * not to; whoever sends the batch waits for {@link Gather.settled}. So a batch holds all that one event brings about,
 * and a single change never waits for a timer.
 *
 * Nobody may stay for long between `enter` and `leave`: only for a bounded read.
 */
export class Gather {
  #inside = 0;
  #waiting: (() => void)[] = [];

  /** How many are on the way. */
  get inside(): number {
    return this.#inside;
  }

  enter(): void {
    this.#inside += 1;
  }

  leave(): void {
    assert(this.#inside > 0, 'only who entered can leave');
    this.#inside -= 1;
    if (this.#inside > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Calls `go` as soon as nobody is on the way: at once, if that is so. `go` may only enqueue. */
  settled(go: () => void): void {
    if (this.#inside === 0) go();
    else this.#waiting.push(go);
  }
}
