import { listDnsRecords } from './api.ts';
import { type Problem, toProblem } from './problem.ts';
import type { Name } from './types.ts';
import type { View } from './view.ts';

const PAGE = 200;
/** More are not kept in a page; whoever looks for one name among more, searches. */
export const MOST = 10_000;

/** The list as far as it was scrolled. */
export class NameList {
  names = $state.raw<readonly Name[]>([]);
  next = $state<string | null>(null);
  loading = $state(true);
  problem = $state<Problem | null>(null);
  #view: View | null = null;
  #turn = 0;

  /** Shows another list, from its beginning. */
  async show(view: View): Promise<void> {
    this.#view = view;
    this.next = null;
    await this.#read(PAGE, view);
  }

  /** Reads again what is shown, and leaves it in place meanwhile. */
  async refresh(): Promise<void> {
    if (this.#view !== null) await this.#read(Math.max(PAGE, this.names.length), this.#view);
  }

  /** Appends the next page. */
  async more(): Promise<void> {
    const view = this.#view;
    if (view === null || this.loading || this.next === null || this.names.length >= MOST) return;
    const turn = ++this.#turn;
    this.loading = true;
    await this.#guarded(turn, async () => {
      const { records, next } = await listDnsRecords(view, this.next, PAGE);
      if (turn !== this.#turn) return;
      this.names = [...this.names, ...records];
      this.next = next;
    });
  }

  /** Reads so many names from the beginning, in pages as large as the API gives. */
  async #read(wanted: number, view: View): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    await this.#guarded(turn, async () => {
      const names: Name[] = [];
      let cursor: string | null = null;
      do {
        const page: { records: Name[]; next: string | null } = await listDnsRecords(
          view,
          cursor,
          Math.min(1_000, wanted - names.length),
        );
        if (turn !== this.#turn) return;
        names.push(...page.records);
        cursor = page.next;
      } while (cursor !== null && names.length < wanted);
      this.names = names;
      this.next = cursor;
    });
  }

  async #guarded(turn: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (turn === this.#turn) this.problem = null;
    } catch (error) {
      if (turn === this.#turn) this.problem = toProblem(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
