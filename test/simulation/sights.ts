import type { Machine } from './machine.ts';
import type { Listed } from './memory-cloudflare.ts';

/** Answers about one zone that are remembered for one life of a process: the latest. */
const MOST_LISTS = 60;

/** The runs of a process for one name. */
interface Runs {
  began: number;
  /** Did the present or last one write? */
  wrote: boolean;
  /** When the last one that wrote had ended. */
  quietSince: number;
}

/**
 * What a process cannot know: an outdated answer has shown it what was, or a call that nobody waits for any more has made a
 * record. The first list that begins afterwards, is complete and true, and is overtaken neither by an older list nor by a write
 * of its own, shows it how things are: from then on there is no excuse.
 */
export class Sights {
  readonly #now: () => number;
  readonly #runs = new Map<string, Runs>();
  /** By life and zone. */
  readonly #lists = new Map<string, Listed[]>();
  readonly #misled = new Map<string, number>();
  /** By name. */
  readonly #late = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A process begins to work on a name. */
  began(machine: Machine, fqdn: string): void {
    const key = keyOf(machine, fqdn);
    const runs = this.#runs.get(key);
    if (runs === undefined) this.#runs.set(key, { began: this.#now(), wrote: false, quietSince: -1 });
    else Object.assign(runs, { began: this.#now(), wrote: false });
  }

  /** And is through with it. */
  ended(machine: Machine, fqdn: string): void {
    const runs = this.#runs.get(keyOf(machine, fqdn));
    if (runs?.wrote) runs.quietSince = this.#now();
  }

  /** When the process began its present run for the name; undefined before the first. */
  runOf(machine: Machine, fqdn: string): number | undefined {
    return this.#runs.get(keyOf(machine, fqdn))?.began;
  }

  /** A batch about the name leaves. */
  writes(machine: Machine, fqdn: string): void {
    const runs = this.#runs.get(keyOf(machine, fqdn));
    if (runs !== undefined) runs.wrote = true;
  }

  /** A process has read an answer about a zone. */
  listed(list: Listed): void {
    const key = keyOf(list.machine, list.zoneId);
    if (list.what === 'old') this.#misled.set(key, this.#now());
    const lists = this.#lists.get(key) ?? [];
    lists.push(list);
    if (lists.length > MOST_LISTS) lists.shift();
    this.#lists.set(key, lists);
  }

  /** When a process last read an outdated answer about a zone. */
  misledAt(machine: Machine, zoneId: string): number {
    return this.#misled.get(keyOf(machine, zoneId)) ?? Number.NEGATIVE_INFINITY;
  }

  /** A call that came too late takes effect at a name. */
  late(fqdn: string): void {
    this.#late.set(fqdn, this.#now());
  }

  /** May the present run of the process for the name take it for what it is no more? */
  isExcused(machine: Machine, zoneId: string, fqdn: string): boolean {
    const hidden = Math.max(this.misledAt(machine, zoneId), this.#late.get(fqdn) ?? Number.NEGATIVE_INFINITY);
    const runs = this.#runs.get(keyOf(machine, fqdn));
    if (hidden === Number.NEGATIVE_INFINITY) return false;
    if (runs === undefined) return true;
    const after = Math.max(hidden, runs.quietSince);
    const lists = this.#lists.get(keyOf(machine, zoneId)) ?? [];
    return !lists.some(
      ({ what, from, until }) =>
        what === 'whole' &&
        from > after &&
        until < runs.began &&
        // One that began before it and is read after it takes its place.
        !lists.some((other) => other.until > until && (other.from < from || other.what === 'later page')),
    );
  }
}

function keyOf({ name, life }: Machine, rest: string): string {
  return `${name}/${life}/${rest}`;
}
