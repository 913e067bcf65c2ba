import type { NewTurnstile, Turnstile } from '../../src/cloudflare/slots.ts';

interface Job {
  readonly priority: number;
  readonly run: () => Promise<void>;
  readonly done: () => void;
}

/**
 * What the API budget uses of Bottleneck, without its ways: a tenth of the turns of the event loop. It passes the contract
 * tests of Bottleneck. `defer` plans a turn of the process.
 */
export function memoryTurnstile(defer: (run: () => void) => void): NewTurnstile {
  return ({ maxConcurrent, reservoir }) => new MemoryTurnstile(defer, maxConcurrent, reservoir);
}

class MemoryTurnstile implements Turnstile {
  readonly #defer: (run: () => void) => void;
  readonly #jobs: Job[] = [];
  #free: number;
  #reservoir: number;
  #planned = false;

  constructor(defer: (run: () => void) => void, maxConcurrent: number, reservoir: number) {
    this.#defer = defer;
    this.#free = maxConcurrent;
    this.#reservoir = reservoir;
  }

  schedule({ priority }: { readonly priority: number }, run: () => Promise<void>): Promise<void> {
    return new Promise((done) => {
      const behind = this.#jobs.findIndex((job) => job.priority > priority);
      this.#jobs.splice(behind === -1 ? this.#jobs.length : behind, 0, { priority, run, done });
      this.#drain();
    });
  }

  async incrementReservoir(turns: number): Promise<void> {
    this.#reservoir += turns;
    this.#drain();
  }

  /** Nothing is held: what has been scheduled still runs, as with Bottleneck. */
  async disconnect(): Promise<void> {}

  #drain(): void {
    if (this.#planned || this.#jobs.length === 0 || this.#free === 0 || this.#reservoir < 1) return;
    this.#planned = true;
    this.#defer(() => {
      this.#planned = false;
      while (this.#free > 0 && this.#reservoir >= 1) {
        const job = this.#jobs.shift();
        if (job === undefined) return;
        this.#free -= 1;
        this.#reservoir -= 1;
        void job.run().then(() => {
          this.#free += 1;
          job.done();
          this.#drain();
        });
      }
    });
  }
}
