import { parseMark } from '../../src/dns/mark.ts';
import type { RecordSpec } from '../../src/dns/record.ts';
import type { Report } from '../../src/reconcile/report.ts';
import { wantedNow } from './application.ts';
import type { BatchSent, Departure, MemoryCloudflare } from './memory-cloudflare.ts';
import type { Deviation } from './plan.ts';
import type { Tables } from './tables.ts';

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
  /** Null where somebody confirms deletions: then no number of them is too large. */
  readonly guard: { readonly share: number; readonly min: number } | null;
  readonly epochOf: (departure: Departure) => number | null;
}

/** What must hold at every step. Each method throws {@link Broken} when it does not, and so does every later `changed()`. */
export class Invariants {
  /** Ids of records that a person added. */
  readonly foreign = new Set<string>();
  /** Names whose deletion a person ordered. */
  readonly ordered = new Set<string>();
  batches = 0;
  readonly #parts: InvariantsParts;
  readonly #arrivals: number[] = [];
  /** By term: when its gate opens. */
  readonly #gates = new Map<string, number>();
  readonly #deletions = new Map<string, { readonly at: number; readonly fqdn: string }[]>();
  readonly #most = new Map<string, number>();
  /** Names of batches that nobody waited for until they took effect: by then, another create may have. */
  readonly #late = new Set<string>();
  /** Zones of which an outdated answer was given: what is decided by it can wait for the budget for long. */
  readonly #outdated = new Set<string>();
  #seen = 0;
  /** Where a promise is broken in the middle of a call, the core takes what is thrown for a failure of that call. */
  #broken: Broken | null = null;

  constructor(parts: InvariantsParts) {
    this.#parts = parts;
  }

  /** Who is told that the budget is spent makes no more calls in this term until it may. */
  limited(departure: Departure, retryAfterMs: number | null): void {
    const until = this.#parts.now() + (retryAfterMs ?? WINDOW_MS);
    this.#gates.set(this.#termOf(departure), until);
  }

  /** Nothing leaves through a closed gate; and a batch only in the present epoch, with fresh intents. */
  departure(departure: Departure, deviation: Deviation | null = null): void {
    if ((this.#gates.get(this.#termOf(departure)) ?? 0) > this.#parts.now()) {
      throw this.#break(`${departure.machine.name} calls ${departure.operation} although it was told to wait`);
    }
    const { tables } = this.#parts;
    if (departure.operation !== 'batch' || departure.body === null) return;
    if (departure.effect === 'late') for (const { name } of departure.body.posts ?? []) this.#late.add(name);
    const { patches = [], deletes = [] } = departure.body;
    if (deviation === 'dry run' || (deviation === 'create-only' && patches.length + deletes.length > 0)) {
      throw this.#break(`${departure.machine.name} writes what its configuration forbids: ${deviation}`);
    }
    const epoch = this.#parts.epochOf(departure);
    const { leader } = tables;
    if (epoch !== leader.epoch || leader.holder === null) {
      throw this.#break(`${departure.machine.name} writes in epoch ${epoch}, but the leader's is ${leader.epoch}`);
    }
    for (const fqdn of namesOf(departure.body, tables)) {
      const open = [...tables.intents.values()].filter((row) => row.fqdn === fqdn && row.state === 'open');
      const ours = open.filter((row) => row.epoch === epoch && row.deadline > tables.now());
      if (ours.length === 0) throw this.#break(`${departure.machine.name} writes ${fqdn} without a fresh intent`);
      const other = open.find((row) => row.epoch !== epoch && row.deadline > tables.now());
      if (other !== undefined) {
        throw this.#break(
          `${departure.machine.name} writes ${fqdn} while a call of epoch ${other.epoch} may be on its way`,
        );
      }
    }
  }

  /** The budget holds, and no call is about a record that is not ours. */
  arrival(departure: Departure): void {
    const { now, apiBudget } = this.#parts;
    const { body, machine, effect, zoneId } = departure;
    if (effect === 'stale' && zoneId !== null) this.#outdated.add(zoneId);
    this.#arrivals.push(now());
    while ((this.#arrivals[0] ?? 0) <= now() - WINDOW_MS) this.#arrivals.shift();
    if (this.#arrivals.length > apiBudget) {
      throw this.#break(`${this.#arrivals.length} calls within 300 s, at most ${apiBudget} are allowed`);
    }
    if (body === null) return;
    this.batches += 1;
    for (const { id } of [...(body.deletes ?? []), ...(body.patches ?? [])]) {
      if (this.foreign.has(id) && !this.#adopted(id))
        throw this.#break(`${machine.name} changes the foreign record ${id}`);
    }
  }

  /** Asked after every turn: were more names emptied than the guard lets through, and does any hold a record of ours too many? */
  changed(): void {
    if (this.#broken !== null) throw this.#broken;
    const { cloudflare, guard, now } = this.#parts;
    const { last } = cloudflare();
    if (last === this.#seen) return;
    const emptied = new Set<string>();
    const zones = new Set<string>();
    for (const { before, after, actor, zone } of cloudflare().changes(this.#seen)) {
      zones.add(zone);
      if (actor !== 'person' && before === null && after !== null) this.#created(zone, after.name);
      if (actor === 'person' || before === null || after !== null || emptied.has(before.name)) continue;
      // A name may have held several records, whose deletions one batch makes.
      emptied.add(before.name);
      const left = cloudflare().control.records({ zone, name: before.name });
      if (left.length === 0) this.#deletion(zone, before.name, now());
    }
    this.#seen = last;
    if (guard === null) return;
    for (const zone of zones) this.#tracked(zone);
    for (const [zone, times] of this.#deletions) {
      // Whoever orders a deletion that was made already, its outcome unknown, is told that it was theirs.
      const recent = times.filter(({ at, fqdn }) => at > now() - HOUR_MS && !this.ordered.has(fqdn));
      const allowed = Math.max(guard.min, Math.floor(guard.share * (this.#most.get(zone) ?? 0)));
      if (recent.length > allowed) {
        const names = recent.map(({ fqdn }) => fqdn).join(', ');
        throw new Broken(`${recent.length} names of ${zone} lost their record, at most ${allowed} may: ${names}`);
      }
    }
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

  #termOf(departure: Departure): string {
    const { name, life } = departure.machine;
    return `${name}/${life}/${this.#parts.epochOf(departure)}`;
  }

  #break(what: string): Broken {
    this.#broken ??= new Broken(what);
    return this.#broken;
  }

  /** Two of ours send half of the visitors to the wrong place. Only an outdated or a late answer of Cloudflare's excuses that. */
  #created(zone: string, fqdn: string): void {
    const { control } = this.#parts.cloudflare();
    const ours = control.records({ zone, name: fqdn }).filter(({ comment }) => parseMark(comment ?? null) !== null);
    const id = control.zones().find(({ name }) => name === zone)?.id ?? '';
    const most = this.#parts.tables.pairs.has(fqdn) ? 2 : 1;
    if (ours.length > most && !this.#late.has(fqdn) && !this.#outdated.has(id)) {
      throw new Broken(`${fqdn} holds ${ours.length} records of ours`);
    }
  }

  #deletion(zone: string, fqdn: string, at: number): void {
    const times = this.#deletions.get(zone) ?? [];
    times.push({ at, fqdn });
    this.#deletions.set(zone, times);
  }

  /** What the share of the guard is of: the records of the zone that were ever tracked at once, those deleted included. */
  #tracked(zone: string): void {
    const { tables, cloudflare } = this.#parts;
    const id = cloudflare()
      .control.zones()
      .find(({ name }) => name === zone)?.id;
    const tracked = [...tables.records.values()].filter(({ zoneId }) => zoneId === id).length;
    const deleted = this.#deletions.get(zone)?.length ?? 0;
    this.#most.set(zone, Math.max(this.#most.get(zone) ?? 0, tracked + deleted));
  }

  #adopted(id: string): boolean {
    for (const row of this.#parts.tables.records.values()) if (row.recordId === id) return row.adopted;
    return this.#parts.tables.history.some((row) => row.recordId === id && row.action === 'adopt');
  }
}

function namesOf(body: BatchSent, tables: Tables): Set<string> {
  const names = new Set([...(body.posts ?? []), ...(body.patches ?? [])].map(({ name }) => name));
  for (const { id } of body.deletes ?? []) {
    for (const row of tables.records.values()) if (row.recordId === id) names.add(row.fqdn);
  }
  return names;
}

/** Types that cannot share a name with ours. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME']);

function sameSpec(spec: RecordSpec, record: { type: string; content: string; ttl: number; proxied: boolean }): boolean {
  const { type, content, ttl, proxied } = record;
  return spec.type === type && spec.content === content && spec.ttl === ttl && spec.proxied === proxied;
}

function told(records: readonly { type: string; content: string; ttl: number; proxied: boolean }[]): string {
  const words = records.map((one) => `${one.type} ${one.content} ${one.proxied ? 'proxied' : one.ttl}`);
  return words.join(', ') || 'nothing';
}

/** What is not as it must be once everything has come to rest; empty when all is well. */
export function unrest(tables: Tables, cloudflare: MemoryCloudflare): string[] {
  const found: string[] = [];
  const open = [...tables.intents.values()].filter(({ state }) => state === 'open');
  for (const { id, fqdn } of open) found.push(`${fqdn}: the intent ${id} is open`);
  if (tables.changes.size > 0) found.push(`${tables.changes.size} changes are noted and not read`);
  for (const { id, state } of tables.operations.values()) {
    if (state === 'queued' || state === 'running') found.push(`the operation ${id} is ${state}`);
  }
  const records = cloudflare.control.records();
  const rows = new Map([...tables.records.values()].map((row) => [row.recordId, row]));
  const ids = new Set(records.map(({ id }) => id));
  for (const { id, name, comment } of records) {
    if (parseMark(comment ?? null) !== null && !rows.has(id)) found.push(`${name}: the record ${id} is leaked`);
  }
  // What a row says is kept for as long as nobody can say what the name should be.
  const unknown = (fqdn: string) => tables.names.get(fqdn)?.state === 'failed';
  for (const [id, { fqdn }] of rows) {
    if (!ids.has(id) && !unknown(fqdn)) found.push(`${fqdn}: a row points at ${id}, which is gone`);
  }
  const byName = Map.groupBy(records, ({ name }) => name);
  const wanted = wantedNow(tables);
  for (const [fqdn, { records: specs, contested }] of wanted) {
    const state = tables.names.get(fqdn)?.state ?? 'in_sync';
    if (specs === null) {
      if (state !== 'failed') found.push(`${fqdn}: cannot be served, but is ${state}`);
      continue;
    }
    const held = (byName.get(fqdn) ?? []).filter(({ type }) => IN_THE_WAY.has(type));
    const asWanted = (record: (typeof held)[number]) => specs.some((spec) => sameSpec(spec, record));
    const obstacle = held.some((record) => !rows.has(record.id) && !asWanted(record));
    if (obstacle) {
      if (state !== 'conflict') found.push(`${fqdn}: a foreign record is in the way, but the state is ${state}`);
      continue;
    }
    if (state !== (contested ? 'conflict' : 'in_sync')) {
      found.push(`${fqdn}: nothing is in the way${contested ? ' but a rival' : ''}, and the state is ${state}`);
    }
    if (held.length !== specs.length || !held.every(asWanted))
      found.push(`${fqdn}: should be ${told(specs)}, is ${told(held)}`);
  }
  for (const { fqdn } of rows.values()) {
    if (wanted.has(fqdn)) continue;
    const held = tables.names.get(fqdn);
    if (held?.state !== 'blocked') found.push(`${fqdn}: nobody wants it, but it is there and ${held?.state}`);
  }
  for (const [fqdn, { state }] of tables.names) {
    if (wanted.has(fqdn)) continue;
    const kept = state === 'blocked' && [...rows.values()].some((row) => row.fqdn === fqdn);
    if (!kept) found.push(`${fqdn}: nobody wants it, but its state is ${state}`);
  }
  return found;
}
