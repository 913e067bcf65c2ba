import type { Gather } from '../controller/gather.ts';

/** The presence of one run among those that may soon add to a batch. */
export class Stay {
  readonly #gather: Gather;
  #inside = true;

  constructor(gather: Gather) {
    this.#gather = gather;
    gather.enter();
  }

  /** Nothing more will be added by this run. */
  leave(): void {
    if (!this.#inside) return;
    this.#inside = false;
    this.#gather.leave();
  }

  /** Waits for something slow without keeping the others waiting. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    this.leave();
    try {
      return await work();
    } finally {
      this.#inside = true;
      this.#gather.enter();
    }
  }
}
