import type { Clock } from '../controller/clock.ts';
import { toError } from '../errors.ts';
import type { Refreshed, RefreshScope, Source } from '../sources/port.ts';

export interface FeedOptions {
  readonly source: Pick<Source, 'refresh'>;
  readonly clock: Clock;
  /** After this time, everything is read once more. Milliseconds. */
  readonly resyncMs: number;
  /** Names whose desired state has changed, and those that nobody knows any more. */
  readonly onRefreshed: (found: Refreshed) => void;
  /** Names may have been written down as read of which we were not told: all are to be compared. */
  readonly onMissed: () => void;
}

/** Reads what is desired: changes as they are noted, and everything once in a while. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #read = Promise.withResolvers<void>();
  #everything = true;
  #resyncAt = 0;
  /** An answer of the source was lost, and with it perhaps names that it had written down as read. */
  #missed = false;
  #error: string | null = null;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Why desired could not be read at the last try; null when it was. */
  get error(): string | null {
    return this.#error;
  }

  /** Resolves after the first attempt to read, good or bad; or when there will be none. */
  get begun(): Promise<void> {
    return this.#read.promise;
  }

  /** The next reading is of everything. */
  readEverything(): void {
    this.#everything = true;
  }

  /** Reads what is due. Throws what the source threw; what was lost by that is made up for by the next reading. */
  async read(): Promise<void> {
    const { clock, source, resyncMs, onRefreshed, onMissed } = this.#options;
    const scope = this.#everything || clock.now() >= this.#resyncAt ? 'everything' : 'changes';
    this.#everything = false;
    try {
      const found = await source.refresh(scope);
      this.#error = null;
      if (scope === 'everything') this.#resyncAt = clock.now() + resyncMs;
      onRefreshed(found);
      if (this.#missed) onMissed();
      this.#missed = false;
    } catch (error) {
      this.#missed = true;
      if (scope === 'everything') this.#everything = true;
      this.#error = toError(error).message;
      throw error;
    } finally {
      this.#read.resolve();
    }
  }

  /** Reads for a sync. A failure here may have lost names, too: then the next reading has all of them compared. */
  async readFor(scope: RefreshScope): Promise<Refreshed> {
    try {
      return await this.#options.source.refresh(scope);
    } catch (error) {
      this.#missed = true;
      throw error;
    }
  }

  /** Nothing will be read any more: who waits for the first reading, which may never have begun, waits no longer. */
  stop(): void {
    this.#read.resolve();
  }
}
