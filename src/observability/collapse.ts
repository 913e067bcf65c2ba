/** What is needed of a clock; the real one lies above this folder. */
export interface CollapseClock {
  after(ms: number, run: () => void): { cancel(): void };
}

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface CollapseOptions {
  readonly clock: CollapseClock;
  /** Writes one line. */
  readonly write: (message: string, fields: LogFields) => void;
  /** Equal messages become one summary per interval. Milliseconds. */
  readonly intervalMs?: number;
  /** Different messages told apart at once; beyond it, others are counted together. */
  readonly maxKeys?: number;
}

interface Run {
  message: string;
  fields: LogFields;
  repeats: number;
  timer: { cancel(): void };
}

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_KEYS = 500;
/** The key of what does not fit; no caller's key is empty. */
const OTHERS = '';

/**
 * Keeps a warning that repeats from filling the log: the first is written at once, then one summary per interval while it
 * goes on. A message that has been quiet for an interval is new again.
 */
export class Collapse {
  readonly #options: CollapseOptions;
  readonly #intervalMs: number;
  readonly #maxKeys: number;
  readonly #runs = new Map<string, Run>();

  constructor(options: CollapseOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.#maxKeys = options.maxKeys ?? DEFAULT_KEYS;
  }

  /** Says it, or counts it with the equal ones before. What has the same key counts as equal; the last fields are shown. */
  say(key: string, message: string, fields: LogFields = {}): void {
    const known = this.#runs.has(key);
    const place = known || this.#runs.size < this.#maxKeys ? key : OTHERS;
    const run = this.#runs.get(place);
    if (run !== undefined) {
      run.repeats += 1;
      run.message = message;
      run.fields = fields;
      return;
    }
    this.#options.write(message, fields);
    this.#runs.set(place, { message, fields, repeats: 0, timer: this.#arm(place) });
  }

  /** Writes the summaries that are due later, of all or of these; what they are of is new again. */
  flush(concerns: (key: string) => boolean = () => true): void {
    for (const [key, run] of this.#runs) {
      if (!concerns(key)) continue;
      run.timer.cancel();
      this.#summarize(key, run);
      this.#runs.delete(key);
    }
  }

  #arm(key: string): { cancel(): void } {
    return this.#options.clock.after(this.#intervalMs, () => {
      const run = this.#runs.get(key);
      if (run === undefined) return;
      if (run.repeats === 0) {
        this.#runs.delete(key);
        return;
      }
      this.#summarize(key, run);
      run.repeats = 0;
      run.timer = this.#arm(key);
    });
  }

  #summarize(key: string, { message, fields, repeats }: Run): void {
    if (repeats === 0) return;
    const what = key === OTHERS ? 'other warnings; the last' : 'more times';
    this.#options.write(`${message} (${repeats} ${what} in ${Math.round(this.#intervalMs / 1_000)} s)`, {
      ...fields,
      repeats,
    });
  }
}
