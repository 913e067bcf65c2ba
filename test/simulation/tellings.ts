import type { WorkQueue } from '../../src/controller/queue.ts';
import type { Ledger, SettledChange } from '../../src/ledger/port.ts';
import type { Context, Watcher } from '../../src/reconcile/context.ts';
import type { ChangeOutcome } from '../../src/reconcile/outcome.ts';
import type { Report } from '../../src/reconcile/report.ts';

/** A run of one name: what it made, and knows that it made. */
interface Run {
  readonly begun: number;
  readonly made: string[];
}

/** What a change must have been for its outcome to be told as done. */
export type WasMade = (change: SettledChange, since: number) => void;

/** Hears when an operation is told of a name, which happens once: what the name's later runs make is not its business. */
class Listener implements Watcher {
  readonly operationId: string;
  readonly #watcher: Watcher;
  readonly #told = new Set<string>();

  constructor(operationId: string, watcher: Watcher) {
    this.operationId = operationId;
    this.#watcher = watcher;
  }

  waitsFor(fqdn: string): boolean {
    return !this.#told.has(fqdn);
  }

  settled(fqdn: string, outcome: ChangeOutcome): void {
    this.#told.add(fqdn);
    this.#watcher.settled(fqdn, outcome);
  }
}

/**
 * What the operations of one term have to tell: each change that was made, with its outcome known, by a run of a name that the
 * operation waits for. It listens at the queue and at the ledger, and asks nobody whose word is to be examined.
 */
export class Tellings {
  /** Names whose changes were settled as done, each as often as that happened; and changes that were settled as refused. */
  settled = 0;
  refused = 0;
  /** The life of the process that leads. */
  readonly life: number;
  readonly #now: () => number;
  readonly #wasMade: WasMade;
  readonly #listeners = new WeakMap<Watcher, Listener>();
  readonly #runs = new Map<string, Run>();
  readonly #owed = new Map<string, Run[]>();

  /** `wasMade` throws where a change that is settled as done did not happen. */
  constructor(life: number, now: () => number, wasMade: WasMade) {
    this.life = life;
    this.#now = now;
    this.#wasMade = wasMade;
  }

  /** From now on, and before the term begins. */
  listen(queue: WorkQueue<string, Context>, ledger: Ledger): void {
    const [add, take, settle] = [queue.add.bind(queue), queue.take.bind(queue), ledger.settle.bind(ledger)];
    queue.add = (fqdn, given) => add(fqdn, { ...given, context: this.#heard(given.context) });
    queue.take = () => {
      const item = take();
      if (item !== undefined) this.#begun(item.key, item.context);
      return item;
    };
    ledger.settle = async (changes) => {
      await settle(changes);
      const done = changes.filter(({ result }) => result === 'done');
      for (const change of done) this.#made(change);
      this.settled += new Set(done.map(({ change }) => change.fqdn)).size;
      this.refused += changes.filter(({ result }) => result === 'refused').length;
    };
  }

  /** What is missing from a report, or should not be in it; null when it is as it must be. */
  examine(operationId: string, { changes }: Report): string | null {
    const owed = (this.#owed.get(operationId) ?? []).flatMap(({ made }) => made).sort();
    const told = changes.filter(({ result }) => result === 'done').map(({ action, fqdn }) => `${action} ${fqdn}`);
    if (owed.join() === told.sort().join()) return null;
    return `the report of ${operationId} tells of [${told.join(', ')}], its runs made [${owed.join(', ')}]`;
  }

  /** When the last run of the name began; null where there was none. */
  begunAt(fqdn: string): number | null {
    return this.#runs.get(fqdn)?.begun ?? null;
  }

  #heard(context: Context): Context {
    const { operationId, watchers } = context;
    if (operationId === null || watchers.length === 0) return context;
    return { ...context, watchers: watchers.map((watcher) => this.#listenerOf(watcher, operationId)) };
  }

  #listenerOf(watcher: Watcher, operationId: string): Listener {
    const listener = this.#listeners.get(watcher) ?? new Listener(operationId, watcher);
    this.#listeners.set(watcher, listener);
    return listener;
  }

  #begun(fqdn: string, { watchers }: Context): void {
    const run: Run = { begun: this.#now(), made: [] };
    this.#runs.set(fqdn, run);
    for (const listener of watchers) {
      if (!(listener instanceof Listener) || !listener.waitsFor(fqdn)) continue;
      const owed = this.#owed.get(listener.operationId);
      if (owed === undefined) this.#owed.set(listener.operationId, [run]);
      else owed.push(run);
    }
  }

  #made(settled: SettledChange): void {
    const { fqdn, action } = settled.change;
    const run = this.#runs.get(fqdn);
    this.#wasMade(settled, run?.begun ?? 0);
    run?.made.push(`${action} ${fqdn}`);
  }
}
