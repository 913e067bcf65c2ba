import assert from 'node:assert/strict';

/** The batcher has as many items waiting as it may hold; try again later. */
export class BacklogFull extends Error {
  override readonly name = 'BacklogFull';

  constructor(limit: number) {
    super(`${limit} items are waiting already`);
  }
}

/** The batcher has been drained and takes no more items. */
export class BatcherClosed extends Error {
  override readonly name = 'BatcherClosed';

  constructor() {
    super('the batcher takes no more items');
  }
}

/** What a batcher needs. */
export interface BatcherOptions<In, Out> {
  /**
   * Works on a batch and returns one answer per item, in their order; an `Error` rejects that item alone. A throw rejects all
   * of them.
   */
  readonly run: (items: readonly In[]) => Promise<readonly (Out | Error)[]>;
  /** Items per run at most. */
  readonly maxBatch: number;
  /** Runs at once at most. What arrives meanwhile gathers for the next one, as in a group commit. */
  readonly concurrency: number;
  /** Items that wait for a run at most; beyond it `load` rejects with {@link BacklogFull}. */
  readonly maxBacklog: number;
  /** Runs a function when the present macrotask has ended; `setImmediate` by default. */
  readonly defer?: (run: () => void) => void;
}

interface Load<In, Out> {
  readonly item: In;
  readonly resolve: (answer: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins single requests into batches without waiting for the sake of it: items gather until the present macrotask ends, until
 * `maxBatch` of them are there, or while all runs are busy. Equal items are not joined: `run` sees each.
 */
export class Batcher<In, Out> {
  readonly #options: BatcherOptions<In, Out>;
  readonly #defer: (run: () => void) => void;
  #backlog: Load<In, Out>[] = [];
  #running = 0;
  #flushDue = false;
  #closed = false;
  #empty: PromiseWithResolvers<void> | undefined;

  constructor(options: BatcherOptions<In, Out>) {
    assert(Number.isInteger(options.maxBatch) && options.maxBatch >= 1, 'a batch has room for an item');
    assert(Number.isInteger(options.concurrency) && options.concurrency >= 1, 'a batcher may run');
    assert(options.maxBacklog >= options.maxBatch, 'a full batch can gather');
    this.#options = options;
    this.#defer = options.defer ?? ((run) => void setImmediate(run));
  }

  /** Items that wait for a run. */
  get backlog(): number {
    return this.#backlog.length;
  }

  /** Runs under way. */
  get running(): number {
    return this.#running;
  }

  /** The answer for one item. Rejects with its error, that of its run, {@link BacklogFull} or {@link BatcherClosed}. */
  load(item: In): Promise<Out> {
    if (this.#closed) return Promise.reject(new BatcherClosed());
    if (this.#backlog.length >= this.#options.maxBacklog) {
      return Promise.reject(new BacklogFull(this.#options.maxBacklog));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.#backlog.push({ item, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** Takes no more items and resolves when all it has are answered. */
  drain(): Promise<void> {
    this.#closed = true;
    this.#empty ??= Promise.withResolvers();
    const { promise } = this.#empty;
    this.#settle();
    return promise;
  }

  #schedule(): void {
    const { concurrency, maxBatch } = this.#options;
    if (this.#running >= concurrency || this.#backlog.length === 0) return;
    if (this.#backlog.length >= maxBatch) {
      this.#start();
      return;
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#defer(() => {
      this.#flushDue = false;
      while (this.#running < concurrency && this.#backlog.length > 0) this.#start();
    });
  }

  #start(): void {
    const batch = this.#backlog.splice(0, this.#options.maxBatch);
    assert(batch.length > 0 && this.#running < this.#options.concurrency, 'a run has items and a free place');
    this.#running += 1;
    // Handles its own errors.
    void this.#answer(batch);
  }

  async #answer(batch: readonly Load<In, Out>[]): Promise<void> {
    try {
      const answers = await this.#options.run(batch.map((load) => load.item));
      assert(answers.length === batch.length, `${batch.length} items need as many answers, not ${answers.length}`);
      for (const [index, load] of batch.entries()) {
        const answer = answers[index];
        if (answer instanceof Error) load.reject(answer);
        // In range by the assertion above; `undefined` is an answer where Out allows it.
        else load.resolve(answer as Out);
      }
    } catch (error) {
      for (const load of batch) load.reject(error);
    }
    this.#running -= 1;
    this.#schedule();
    this.#settle();
  }

  #settle(): void {
    if (this.#empty === undefined || this.#running > 0 || this.#backlog.length > 0) return;
    this.#empty.resolve();
    this.#empty = undefined;
  }
}
