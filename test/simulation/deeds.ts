import type { SettledChange } from '../../src/ledger/port.ts';
import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { type ByAction, none } from './counts.ts';
import { Broken } from './invariants.ts';
import type { Machine } from './machine.ts';

const ACTIONS = ['create', 'update', 'delete'] as const;

/** What one life of a process has counted. */
export interface Life {
  readonly machine: Machine;
  readonly life: number;
  readonly done: ByAction;
  readonly unknown: ByAction;
}

/** What was really done at Cloudflare, and by whom. */
export class Deeds {
  readonly #byLife = new Map<string, ByAction>();
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

  /** The metrics of a process that lives miss nothing that it made; those of all together count nothing that nobody did. */
  counted(lives: readonly Life[], removedByPeople: number): void {
    const [all, made] = [none(), none()];
    made.delete += removedByPeople;
    for (const by of this.#byLife.values()) for (const action of ACTIONS) made[action] += by[action];
    for (const { machine, life, done, unknown } of lives) {
      const by = this.#of(machine.name, life);
      for (const action of ACTIONS) {
        all[action] += done[action];
        const known = done[action] + unknown[action];
        // A process that dies takes its last counts with it.
        if (machine.alive && machine.life === life && known < by[action])
          throw new Broken(`${machine.name} counts ${known} times ${action}, it did so ${by[action]} times`);
      }
    }
    for (const action of ACTIONS) {
      if (all[action] > made[action])
        throw new Broken(`the metrics count ${all[action]} times ${action}, it happened ${made[action]} times`);
    }
  }

  /** By the calls of one life of a process. */
  #of(name: string, life: number): ByAction {
    const key = `${name}/${life}`;
    const known = this.#byLife.get(key) ?? none();
    this.#byLife.set(key, known);
    return known;
  }
}
