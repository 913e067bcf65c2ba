import type { Clock } from '../controller/clock.ts';

/** An answer that is read once for all who ask within its age, also while it is being read. */
export class Fresh<T> {
  readonly #clock: Clock;
  readonly #ageMs: number;
  readonly #read: () => Promise<T>;
  #answer: Promise<T> | null = null;
  #readAt = 0;

  constructor(clock: Clock, ageMs: number, read: () => Promise<T>) {
    this.#clock = clock;
    this.#ageMs = ageMs;
    this.#read = read;
  }

  /** Rejects as the reading does; a failure is not kept. */
  get(): Promise<T> {
    const now = this.#clock.now();
    if (this.#answer !== null && now - this.#readAt < this.#ageMs) return this.#answer;
    const answer = this.#read();
    this.#answer = answer;
    this.#readAt = now;
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = null;
    });
    return answer;
  }
}
