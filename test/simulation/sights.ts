import type { CloudflareApi } from '../../src/cloudflare/client.ts';
import type { WorkQueue } from '../../src/controller/queue.ts';
import type { Context } from '../../src/reconcile/context.ts';
import type { Departure } from './memory-cloudflare.ts';

/** A list of a zone that was read, or a look at one name: when it was begun and when it was read. Virtual milliseconds. */
interface Seen {
  readonly zoneId: string;
  /** It is a list of all records, in one answer. */
  readonly whole: boolean;
  readonly from: number;
  readonly until: number;
}

/** A life of a process: a machine as it is, or as it was when a call of its left. */
export interface Life {
  readonly name: string;
  readonly life: number;
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

  /** From now on: which lists of zones a process reads through it, and looks at names. */
  lookThrough(process: Life, api: CloudflareApi): void {
    const [list, lookup] = [api.list.bind(api), api.lookup.bind(api)];
    api.list = async (zone, options) => {
      const from = this.#now();
      const found = await list(zone, options);
      this.#saw(process, { zoneId: zone.id, whole: found.pages === 1, from, until: this.#now() });
      return found;
    };
    api.lookup = async (zone, fqdn, options) => {
      const from = this.#now();
      const found = await lookup(zone, fqdn, options);
      this.#saw(process, { zoneId: zone.id, whole: false, from, until: this.#now() });
      return found;
    };
  }

  /** From now on: when a process takes a name from this queue, and is through with it. */
  follow(process: Life, queue: WorkQueue<string, Context>): void {
    const [take, done] = [queue.take.bind(queue), queue.done.bind(queue)];
    queue.take = () => {
      const item = take();
      if (item !== undefined) this.#began(process, item.key);
      return item;
    };
    queue.done = (fqdn) => {
      this.#ended(process, fqdn);
      done(fqdn);
    };
  }

  #began(process: Life, fqdn: string): void {
    add(this.#runs, keyOf(process, fqdn), { from: this.#now(), until: Number.POSITIVE_INFINITY });
  }

  #ended(process: Life, fqdn: string): void {
    const run = this.#runs.get(keyOf(process, fqdn))?.at(-1);
    if (run !== undefined) run.until = this.#now();
  }

  /** When the process began its present or last run for the name; undefined before the first. */
  runOf(process: Life, fqdn: string): number | undefined {
    return this.#runs.get(keyOf(process, fqdn))?.at(-1)?.from;
  }

  /** An outdated answer is given. */
  misled(departure: Departure): void {
    this.#misled.set(keyOf(lifeOf(departure), departure.zoneId ?? ''), this.#now());
  }

  #saw(process: Life, seen: Seen): void {
    const key = keyOf(process, seen.zoneId);
    // It misleads when it is read. If two are read at once, either of them may be the outdated one.
    if ((this.#misled.get(key) ?? Number.NEGATIVE_INFINITY) >= seen.from) this.#misled.set(key, this.#now());
    add(this.#seen, key, seen);
  }

  /** When a process was last misled about a zone. */
  misledAt(process: Life, zoneId: string): number {
    return this.#misled.get(keyOf(process, zoneId)) ?? Number.NEGATIVE_INFINITY;
  }

  /** A call that came too late takes effect at a name. */
  late(fqdn: string): void {
    this.#late.set(fqdn, this.#now());
  }

  /** May the present run of the process for the name take it for what it is no more? */
  isExcused(process: Life, zoneId: string, fqdn: string): boolean {
    const hidden = Math.max(this.misledAt(process, zoneId), this.#late.get(fqdn) ?? Number.NEGATIVE_INFINITY);
    if (hidden === Number.NEGATIVE_INFINITY) return false;
    const runs = this.#runs.get(keyOf(process, fqdn)) ?? [];
    const began = runs.at(-1)?.from ?? Number.NEGATIVE_INFINITY;
    const seen = this.#seen.get(keyOf(process, zoneId)) ?? [];
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

/** The life in which a call left: by now, another one may have begun. */
export function lifeOf({ machine, life }: Departure): Life {
  return { name: machine.name, life };
}

function add<T>(map: Map<string, T[]>, key: string, one: T): void {
  const all = map.get(key) ?? [];
  all.push(one);
  if (all.length > MOST) all.shift();
  map.set(key, all);
}

function keyOf({ name, life }: Life, rest: string): string {
  return `${name}/${life}/${rest}`;
}
