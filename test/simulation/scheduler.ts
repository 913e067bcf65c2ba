import { Heap, type HeapItem } from '../../src/controller/heap.ts';
import { seededRandom } from '../support/virtual-clock.ts';
import { realNextTick } from './globals.ts';

/** A process of the simulation, as far as time is concerned. */
export interface Owner {
  readonly name: string;
  /** Changes with every start: what an earlier life had planned never happens. */
  readonly life: number;
  readonly alive: boolean;
  readonly paused: boolean;
  /** Keeps an event that is due while the process is paused. */
  hold(run: () => void): void;
}

interface Event extends HeapItem {
  readonly at: number;
  /** Decides among events of one moment. */
  readonly tie: number;
  readonly owner: Owner | null;
  readonly life: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** More events than any schedule needs: something goes round in circles. */
const MAX_EVENTS = 400_000;

/**
 * Virtual time for all processes. Each event is one turn of one process: it runs with all promises that it settles, before
 * the next one begins. Which of the events of one moment comes first is drawn from the seed, as are all delays, so a seed
 * is a whole interleaving.
 */
export class Scheduler {
  readonly random: () => number;
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.tie < b.tie));
  readonly #lines: string[] | null;
  #now = 0;
  #count = 0;
  #owner: Owner | null = null;
  #lingersUntil = 0;

  constructor(seed: number, trace: boolean) {
    this.random = seededRandom(seed);
    this.#lines = trace ? [] : null;
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** Events that have happened. */
  get count(): number {
    return this.#count;
  }

  /** Until when something goes on that a fault made slow. */
  get lingersUntil(): number {
    return this.#lingersUntil;
  }

  /** Something takes so many milliseconds because of a fault: nothing is at rest before. */
  linger(ms: number): void {
    this.#lingersUntil = Math.max(this.#lingersUntil, this.#now + ms);
  }

  /** Whose turn it is; null for the world's. */
  get owner(): Owner | null {
    return this.#owner;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** One line of the story. `text` is asked for only when it is being written down. */
  tell(actor: string, text: () => string): void {
    this.#lines?.push(`${(this.#now / 1000).toFixed(3).padStart(10)} s  ${actor.padEnd(10)} ${text()}`);
  }

  /** Plans a turn, in this life of its owner. Returns how to cancel it. */
  after(ms: number, owner: Owner | null, run: () => void, life = owner?.life ?? 0): () => void {
    const event: Event = {
      at: this.#now + Math.max(0, ms),
      tie: this.random(),
      owner,
      life,
      run,
      cancelled: false,
      heapIndex: -1,
    };
    this.#events.push(event);
    return () => {
      // Also when it is due already, and held by a pause.
      event.cancelled = true;
      if (event.heapIndex !== -1) this.#events.remove(event);
    };
  }

  /** A number of milliseconds between the two, mostly nearer to the lower one. */
  delay(from: number, to: number): number {
    const share = this.random();
    return from + (to - from) * share * share * share;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Lets turns happen until the time is over or `done` holds, asked after each. True if it held. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      const event = this.#events.peek();
      if (event === undefined || event.at > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return false;
      }
      this.#events.pop();
      this.#now = event.at;
      const { owner } = event;
      if (owner !== null && (!owner.alive || owner.life !== event.life)) continue;
      if (owner?.paused) {
        owner.hold(() => {
          if (!event.cancelled) event.run();
        });
        continue;
      }
      this.#count += 1;
      if (this.#count > MAX_EVENTS) throw new Error(`More than ${MAX_EVENTS} events: something goes round in circles.`);
      this.#owner = owner;
      event.run();
      // In a turn of the world no process runs: nothing is there to settle.
      if (owner !== null) await settled();
      this.#owner = null;
      if (done()) return true;
    }
  }
}

/** All promises have settled, and what hangs on them: Node runs such a callback when nothing else is left to run. */
function settled(): Promise<void> {
  return new Promise((resolve) => realNextTick(resolve));
}
