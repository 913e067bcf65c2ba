import { parseMark } from '../../src/dns/mark.ts';
import type { Report } from '../../src/reconcile/report.ts';
import { type BatchSent, type Departure, isLate, type MemoryCloudflare } from './memory-cloudflare.ts';
import { Orders } from './orders.ts';
import type { Deviation } from './plan.ts';
import { lifeOf, Sights } from './sights.ts';
import type { Tables } from './tables.ts';
import { UnderWay } from './under-way.ts';
import { IN_THE_WAY } from './unrest.ts';
import { Wants } from './wants.ts';

const WINDOW_MS = 300_000;
const HOUR_MS = 3_600_000;

/** A promise that was broken. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export interface InvariantsParts {
  readonly tables: Tables;
  readonly cloudflare: () => MemoryCloudflare;
  readonly now: () => number;
  readonly apiBudget: number;
  readonly guard: { readonly share: number; readonly min: number };
  readonly epochOf: (departure: Departure) => number | null;
}

/** A name that was left without a record by one batch, and the records that it had. */
interface Deletion {
  readonly at: number;
  readonly zone: string;
  readonly fqdn: string;
  readonly ids: string[];
}

/** What must hold at every step. Each method throws {@link Broken} when it does not, and so does every later `changed()`. */
export class Invariants {
  readonly orders: Orders;
  readonly sights: Sights;
  readonly wants: Wants;
  batches = 0;
  readonly #parts: InvariantsParts;
  readonly #arrivals: number[] = [];
  /** By term: when its gate opens. */
  readonly #gates = new Map<string, number>();
  readonly #deletions = new Map<string, Deletion[]>();
  readonly #underWay = new UnderWay();
  /** By zone: the most names that were tracked, or lost their records, at one time. */
  readonly #most = new Map<string, number>();
  /** The call that takes effect in the present turn. */
  #arriving: Departure | null = null;
  /** Names that a call which comes late was to leave without a record, as they were when it left. */
  readonly #toEmpty = new WeakMap<Departure, ReadonlySet<string>>();
  #seen = 0;
  /** Where a promise is broken in the middle of a call, the core takes what is thrown for a failure of that call. */
  #broken: Broken | null = null;

  constructor(parts: InvariantsParts) {
    this.#parts = parts;
    const { tables, now } = parts;
    this.orders = new Orders(tables);
    this.sights = new Sights(now);
    this.wants = new Wants({
      tables,
      now,
      orders: this.orders,
      sights: this.sights,
      standing: (fqdn) => this.standing(fqdn).map(({ id }) => id),
      homeOf: (fqdn) => this.#homeOf(fqdn),
    });
  }

  /** Somebody orders something of a name. */
  ordered(kind: 'adopt' | 'delete', operationId: string, fqdn: string): void {
    this.orders.ordered(kind, operationId, fqdn, this.standing(fqdn));
  }

  /** Who is told that the budget is spent makes no more calls in this term until it may. */
  limited(departure: Departure, retryAfterMs: number | null): void {
    const until = this.#parts.now() + (retryAfterMs ?? WINDOW_MS);
    const term = this.#termOf(departure);
    // Who is told twice waits for the longer of both.
    this.#gates.set(term, Math.max(until, this.#gates.get(term) ?? 0));
  }

  /** Nothing leaves through a closed gate; and a batch only in the present epoch, with fresh intents. */
  departure(departure: Departure, deviation: Deviation | null = null): void {
    if ((this.#gates.get(this.#termOf(departure)) ?? 0) > this.#parts.now()) {
      throw this.#break(`${departure.machine.name} calls ${departure.operation} although it was told to wait`);
    }
    const { tables } = this.#parts;
    if (departure.operation !== 'batch' || departure.body === null) return;
    const { patches = [], deletes = [] } = departure.body;
    if (deviation === 'dry run' || (deviation === 'create-only' && patches.length + deletes.length > 0)) {
      throw this.#break(`${departure.machine.name} writes what its configuration forbids: ${deviation}`);
    }
    // The guard may have let them through by what is tracked now.
    if (deletes.length > 0) for (const { name } of this.#parts.cloudflare().control.zones()) this.#tracked(name);
    if (isLate(departure.effect)) this.#toEmpty.set(departure, this.#emptiedBy(departure.body));
    const epoch = this.#parts.epochOf(departure);
    const { leader } = tables;
    if (epoch !== leader.epoch || leader.holder === null) {
      throw this.#break(`${departure.machine.name} writes in epoch ${epoch}, but the leader's is ${leader.epoch}`);
    }
    const wrong = this.wants.problem(departure, departure.body, deviation);
    if (wrong !== null) throw this.#break(wrong);
    for (const fqdn of this.#namesOf(departure.body)) {
      const open = [...tables.intents.values()].filter((row) => row.fqdn === fqdn && row.state === 'open');
      const ours = open.filter((row) => row.epoch === epoch && row.deadline > tables.now());
      if (ours.length === 0) throw this.#break(`${departure.machine.name} writes ${fqdn} without a fresh intent`);
      const other = open.find((row) => row.epoch !== epoch && row.deadline > tables.now());
      if (other !== undefined) {
        throw this.#break(
          `${departure.machine.name} writes ${fqdn} while a call of epoch ${other.epoch} may be on its way`,
        );
      }
      const earlier = this.#underWay.earlier(fqdn, epoch, tables.now());
      if (earlier !== null) {
        throw this.#break(`${departure.machine.name} writes ${fqdn} while a call of epoch ${earlier} is on its way`);
      }
      const until = Math.max(...ours.map(({ deadline }) => deadline));
      if (departure.effect !== 'reset before') this.#underWay.left(fqdn, { departure, epoch, until });
    }
  }

  /** Nobody who comes after has to wait for the call. */
  givenUp(departure: Departure): void {
    if (departure.body !== null) this.#underWay.ended(departure, this.#namesOf(departure.body));
  }

  /** The budget holds, and no call is about a record that is not ours. */
  arrival(departure: Departure): void {
    const { now, apiBudget } = this.#parts;
    const { body, machine, effect } = departure;
    this.#arriving = departure;
    if (effect === 'stale') this.sights.misled(departure);
    if (isLate(effect)) for (const { name } of body?.posts ?? []) this.sights.late(name);
    this.#arrivals.push(now());
    while ((this.#arrivals[0] ?? 0) <= now() - WINDOW_MS) this.#arrivals.shift();
    if (this.#arrivals.length > apiBudget) {
      throw this.#break(`${this.#arrivals.length} calls within 300 s, at most ${apiBudget} are allowed`);
    }
    if (body === null) return;
    this.batches += 1;
    this.#underWay.ended(departure, this.#namesOf(body));
    for (const { id } of [...(body.deletes ?? []), ...(body.patches ?? [])]) {
      if (this.orders.isForeign(id)) throw this.#break(`${machine.name} changes the foreign record ${id}`);
    }
  }

  /** Asked after every turn: were more names emptied than the guard lets through, and does any hold a record of ours too many? */
  changed(): void {
    if (this.#broken !== null) throw this.#broken;
    this.wants.look();
    const { cloudflare, guard, tables } = this.#parts;
    const { last } = cloudflare();
    if (last === this.#seen) return;
    const emptied = new Map<string, Deletion>();
    const zones = new Set<string>();
    for (const entry of cloudflare().changes(this.#seen)) {
      const { before, after, actor, zone } = entry;
      this.orders.changed(entry);
      this.wants.changed(entry);
      zones.add(zone);
      if (actor !== 'person' && before === null && after !== null) this.#created(after.name);
      if (actor === 'person' || before === null || after !== null) continue;
      // A name may have held several records, whose deletions one batch makes.
      const deletion = emptied.get(before.name) ?? { at: tables.now(), zone, fqdn: before.name, ids: [] };
      emptied.set(before.name, deletion);
      deletion.ids.push(before.id);
    }
    this.#seen = last;
    const late = this.#arriving === null ? undefined : this.#toEmpty.get(this.#arriving);
    for (const deletion of emptied.values()) {
      if (this.standing(deletion.fqdn, deletion.zone).length > 0) continue;
      // Deletions that came after their time have met another name than the one that they were decided about.
      if (late?.has(deletion.fqdn) === false) continue;
      this.#deletions.set(deletion.zone, [...(this.#deletions.get(deletion.zone) ?? []), deletion]);
    }
    for (const zone of zones) this.#tracked(zone);
    for (const [zone, deletions] of this.#deletions) {
      const recent = deletions.filter(({ at }) => at > tables.now() - HOUR_MS);
      const unasked = recent.filter(({ at, ids }) => !ids.every((id) => this.orders.mayBeDeleted(id, at)));
      const allowed = Math.max(guard.min, Math.floor(guard.share * (this.#most.get(zone) ?? 0)));
      if (unasked.length > allowed) {
        const names = unasked.map(({ fqdn }) => fqdn).join(', ');
        throw new Broken(`${unasked.length} names of ${zone} lost their record, at most ${allowed} may: ${names}`);
      }
    }
  }

  /** A confirmation holds once. */
  confirmations(): void {
    const hash = this.orders.usedTwice();
    if (hash !== null) throw new Broken(`the plan ${hash} was carried out by two confirmations`);
  }

  /** A report counts what it lists. */
  report(report: Report): void {
    const made = report.changes.filter(({ result }) => result === 'done');
    const count = (action: string) => made.filter((change) => change.action === action).length;
    if (
      count('create') !== report.created ||
      count('delete') !== report.deleted ||
      count('update') !== report.updated
    ) {
      throw new Broken(`a report counts ${report.created} created, and lists ${count('create')}`);
    }
  }

  /** A failure that no fault explains. */
  bug(error: Error): void {
    this.#break(`a bug: ${error.message}`);
  }

  /** Runs a check in the middle of a call. What it throws is kept, as the core takes it for a failure of the call. */
  hold(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (error instanceof Broken) this.#broken ??= error;
      throw error;
    }
  }

  /** The records of a name that are of a type which consumers want. */
  standing(fqdn: string, zone?: string) {
    const records = this.#parts.cloudflare().control.records({ name: fqdn, ...(zone !== undefined && { zone }) });
    return records.filter(({ type }) => IN_THE_WAY.has(type));
  }

  /** Names that a batch would leave without a record now. */
  #emptiedBy({ deletes = [], posts = [] }: BatchSent): ReadonlySet<string> {
    const gone = new Set(deletes.map(({ id }) => id));
    const names = new Set(deletes.flatMap(({ id }) => this.orders.nameOf(id) ?? []));
    for (const { name } of posts) names.delete(name);
    return new Set([...names].filter((fqdn) => this.standing(fqdn).every(({ id }) => gone.has(id))));
  }

  #termOf(departure: Departure): string {
    const { name, life } = departure.machine;
    return `${name}/${life}/${this.#parts.epochOf(departure)}`;
  }

  #break(what: string): Broken {
    this.#broken ??= new Broken(what);
    return this.#broken;
  }

  /**
   * Two of ours send half of the visitors to the wrong place. Only what Cloudflare has not shown to whoever creates the second
   * one excuses that.
   */
  #created(fqdn: string): void {
    const ours = this.standing(fqdn).filter(({ comment }) => parseMark(comment ?? null) !== null);
    const by = this.#arriving;
    const most = this.#parts.tables.pairs.has(fqdn) ? 2 : 1;
    if (ours.length <= most || by === null || isLate(by.effect)) return;
    if (this.sights.isExcused(lifeOf(by), by.zoneId ?? '', fqdn)) return;
    throw new Broken(`${fqdn} holds ${ours.length} records of ours`);
  }

  /** What the share of the guard is of: the records of the zone that were ever tracked at once, those deleted included. */
  #tracked(zone: string): void {
    const { tables, cloudflare } = this.#parts;
    const id = cloudflare()
      .control.zones()
      .find(({ name }) => name === zone)?.id;
    const tracked = [...tables.records.values()].filter(({ zoneId }) => zoneId === id);
    const names = new Set([...tracked, ...(this.#deletions.get(zone) ?? [])].map(({ fqdn }) => fqdn)).size;
    this.#most.set(zone, Math.max(this.#most.get(zone) ?? 0, names));
  }

  #homeOf(fqdn: string): string | undefined {
    const holds = this.#parts.cloudflare().control.zones();
    const [home] = holds
      .filter(({ name }) => fqdn === name || fqdn.endsWith(`.${name}`))
      .sort((a, b) => b.name.length - a.name.length);
    return home?.id;
  }

  #namesOf({ posts = [], patches = [], deletes = [] }: BatchSent): Set<string> {
    const deleted = deletes.flatMap(({ id }) => this.orders.nameOf(id) ?? []);
    return new Set([...posts.map(({ name }) => name), ...patches.map(({ name }) => name), ...deleted]);
  }
}
