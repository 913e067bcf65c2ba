/** One step of a run, in wall-clock milliseconds. */
export interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Steps that this one is made of. */
  readonly within: string | null;
}

/** A run has few steps; one that goes round and round does not fill the memory. */
const MAX_STEPS = 50;

/** The steps of one run, for whoever traces it. */
export class Steps {
  readonly #wall: () => number;
  readonly #all: Step[] = [];

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  get all(): readonly Step[] {
    return this.#all;
  }

  add(name: string, from: number, to: number, within: string | null = null): void {
    if (this.#all.length < MAX_STEPS) this.#all.push({ name, from, to, within });
  }

  /** Runs `work` as a step. */
  async of<T>(name: string, work: () => Promise<T>): Promise<T> {
    const from = this.#wall();
    try {
      return await work();
    } finally {
      this.add(name, from, this.#wall());
    }
  }
}
