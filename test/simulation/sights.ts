import type { Machine } from './machine.ts';
import type { Departure } from './memory-cloudflare.ts';

/** A list of a zone that was read, or a look at one name: when it was begun and when it was read. Virtual milliseconds. */
export interface Seen {
  readonly zoneId: string;
  /** It is a list of all records, in one answer. */
  readonly whole: boolean;
  readonly from: number;
  readonly until: number;
}

/** When a process worked on a name; `until` is infinite while it does. */
interface Run {
  readonly from: number;
  until: number;
}

/** Runs of a name, and answers about a zone, that are remembered for one life of a process: the latest. */
const MOST = 60;

/**
 * What a process cannot know: an outdated answer has shown it what was, or a call that nobody waits for any more has made a
 * record. The first list that begins afterwards, is complete and true, and is overtaken neither by an older list nor by a run
 * for the name, shows it how things are: from then on there is no excuse.
 */
export class Sights {
  readonly #now: () => number;
  /** By life and name. */
  readonly #runs = new Map<string, Run[]>();
  /** By life and zone. */
  readonly #seen = new Map<string, Seen[]>();
  readonly #misled = new Map<string, number>();
  /** By name. */
  readonly #late = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A process begins to work on a name. */
  began(machine: Machine, fqdn: string): void {
    add(this.#runs, keyOf(machine, fqdn), { from: this.#now(), until: Number.POSITIVE_INFINITY });
  }

  /** And is through with it. */
  ended(machine: Machine, fqdn: string): void {
    const run = this.#runs.get(keyOf(machine, fqdn))?.at(-1);
    if (run !== undefined) run.until = this.#now();
  }

  /** When the process began its present or last run for the name; undefined before the first. */
  runOf(machine: Machine, fqdn: string): number | undefined {
    return this.#runs.get(keyOf(machine, fqdn))?.at(-1)?.from;
  }

  /** An outdated answer is given. */
  misled({ machine, zoneId }: Departure): void {
    this.#misled.set(keyOf(machine, zoneId ?? ''), this.#now());
  }

  /** A process has read an answer about a zone. */
  saw(machine: Machine, seen: Seen): void {
    const key = keyOf(machine, seen.zoneId);
    // It misleads when it is read. If two are read at once, either of them may be the outdated one.
    if ((this.#misled.get(key) ?? Number.NEGATIVE_INFINITY) >= seen.from) this.#misled.set(key, this.#now());
    add(this.#seen, key, seen);
  }

  /** When a process was last misled about a zone. */
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
    if (hidden === Number.NEGATIVE_INFINITY) return false;
    const runs = this.#runs.get(keyOf(machine, fqdn)) ?? [];
    const began = runs.at(-1)?.from ?? Number.NEGATIVE_INFINITY;
    const seen = this.#seen.get(keyOf(machine, zoneId)) ?? [];
    return !seen.some(
      ({ whole, from, until }) =>
        whole &&
        from > hidden &&
        until < began &&
        // What a name is written meanwhile counts for more than a list.
        runs.every((run) => run.from > until || run.until < from) &&
        // One that began before it and is read after it takes its place.
        seen.every((other) => other.until <= until || other.from >= from),
    );
  }
}

function add<T>(map: Map<string, T[]>, key: string, one: T): void {
  const all = map.get(key) ?? [];
  all.push(one);
  if (all.length > MOST) all.shift();
  map.set(key, all);
}

function keyOf({ name, life }: Machine, rest: string): string {
  return `${name}/${life}/${rest}`;
}
