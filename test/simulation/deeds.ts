import type { SettledChange } from '../../src/ledger/port.ts';
import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { type ByAction, type Counted, none } from './counts.ts';
import { Broken } from './invariants.ts';
import type { Machine } from './machine.ts';

const ACTIONS = ['create', 'update', 'delete'] as const;

/** Calls that may be under way at once, and are counted when they end. */
const CALLS_AT_ONCE = 8;

/** What one life of a process has counted, and what it has really come to in its terms. */
export interface Life extends Counted {
  readonly machine: Machine;
  readonly life: number;
  readonly came: {
    /** Names whose changes it settled as done, each as often as that happened; and changes that it settled as refused. */
    readonly settled: number;
    readonly refused: number;
    /** Operations that ended while it led: `last`, in the term that goes on. */
    readonly last: number;
  };
}

/** What was really done at Cloudflare, and by whom. */
export class Deeds {
  readonly #byLife = new Map<string, ByAction>();
  /** Calls that left, by life. */
  readonly #calls = new Map<string, number>();
  /** By record and action: when it was done last. */
  readonly #last = new Map<string, number>();

  /** A call of this life of a process made changes. */
  made(machine: Machine, life: number, now: number, entries: readonly ChangeEntry[]): void {
    const by = this.#of(machine.name, life);
    for (const { before, after } of entries) {
      const action = before === null ? 'create' : after === null ? 'delete' : 'update';
      by[action] += 1;
      this.#last.set(`${action} ${(after ?? before)?.id}`, now);
    }
  }

  /** What is settled as done was done since then; who comes too late to delete a record finds it gone, and says so. */
  settled({ change, record }: SettledChange, since: number, exists: (id: string) => boolean): void {
    const { action, fqdn } = change;
    const id = action === 'create' ? record?.id : change.recordId;
    const isSo = action === 'delete' ? !exists(id ?? '') : (this.#last.get(`${action} ${id}`) ?? -1) >= since;
    if (!isSo) throw new Broken(`a ${action} of ${fqdn} is settled as done, which nobody did`);
  }

  /** A call of this life of a process leaves. */
  left(machine: Machine, life: number): void {
    const key = `${machine.name}/${life}`;
    this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1);
  }

  /** The metrics of a process that lives miss nothing that it made; those of all together count nothing that nobody did. */
  counted(lives: readonly Life[], removedByPeople: number, operationsEnded: number): void {
    const [all, made] = [none(), none()];
    const operations = lives.reduce((sum, one) => sum + one.operations, 0);
    if (operations > operationsEnded)
      throw new Broken(`the metrics count ${operations} operations, ${operationsEnded} have ended`);
    made.delete += removedByPeople;
    for (const by of this.#byLife.values()) for (const action of ACTIONS) made[action] += by[action];
    for (const one of lives) {
      const { machine, life, done, unknown } = one;
      const by = this.#of(machine.name, life);
      for (const action of ACTIONS) {
        all[action] += done[action];
        const known = done[action] + unknown[action];
        // A process that dies takes its last counts with it.
        if (machine.alive && machine.life === life && known < by[action])
          throw new Broken(`${machine.name} counts ${known} times ${action}, it did so ${by[action]} times`);
      }
      if (machine.alive && machine.life === life) this.#alive(one);
    }
    for (const action of ACTIONS) {
      if (all[action] > made[action])
        throw new Broken(`the metrics count ${all[action]} times ${action}, it happened ${made[action]} times`);
    }
  }

  /** A process that lives has lost none of its counts. */
  #alive({ machine, life, converged, turnedAway, operations, calls, came }: Life): void {
    const left = this.#calls.get(`${machine.name}/${life}`) ?? 0;
    const wrong = (what: string, counted: number, really: number) =>
      new Broken(`${machine.name} counts ${counted} ${what}, there were ${really}`);
    if (converged !== came.settled) throw wrong('names that converged', converged, came.settled);
    if (turnedAway < came.refused) throw wrong('changes that were turned away', turnedAway, came.refused);
    if (operations < came.last) throw wrong('operations', operations, came.last);
    if (calls > left || calls < left - CALLS_AT_ONCE) throw wrong('calls', calls, left);
  }

  /** By the calls of one life of a process. */
  #of(name: string, life: number): ByAction {
    const key = `${name}/${life}`;
    const known = this.#byLife.get(key) ?? none();
    this.#byLife.set(key, known);
    return known;
  }
}
