import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import type { DnsRecord } from '../../src/simulator/record.ts';
import type { Tables } from './tables.ts';

/** A call of an order that has ended can take effect for so long: until its deadline, and then late. Milliseconds. */
const CALLS_LAST_MS = 100_000;
/** What somebody confirmed is released for ten minutes, also when its sync has ended. */
const RELEASED_MS = 600_000;

/** What somebody ordered or confirmed: its operation, and the ids of the records that it is about. */
interface Order {
  readonly kind: 'adopt' | 'delete' | 'confirm';
  readonly operationId: string;
  /** Null for a confirmation: it is about the records of its plan, and no others. */
  readonly fqdn: string | null;
  readonly ids: Set<string>;
  /** Deleted before, their outcome unknown: whoever orders a deletion then is told that it was theirs. */
  readonly before: ReadonlySet<string>;
}

/**
 * What people did and what they allowed, kept apart from all that the core writes down: which records are foreign, and what was
 * ordered or confirmed about which records.
 */
export class Orders {
  readonly #tables: Tables;
  /** Ids of records that a person added. */
  readonly #foreign = new Set<string>();
  /** By what a plan says of a record: the ids of those that were ever so. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #nameOf = new Map<string, string>();
  readonly #gone = new Set<string>();
  readonly #orders: Order[] = [];

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** A record was added, changed or deleted. */
  changed({ before, after, actor }: ChangeEntry): void {
    if (before !== null && after === null) this.#gone.add(before.id);
    if (after === null) return;
    const { id, name, type, content } = after;
    this.#nameOf.set(id, name);
    const key = keyOf(name, type, content);
    this.#seen.set(key, (this.#seen.get(key) ?? new Set()).add(id));
    if (before !== null) return;
    if (actor === 'person') this.#foreign.add(id);
    // An order is for what stands there when it is carried out.
    for (const order of this.#orders) if (order.fqdn === name && this.#endedAt(order) === null) order.ids.add(id);
  }

  /** Somebody ordered something of a name, at which these records stand. */
  ordered(kind: 'adopt' | 'delete', operationId: string, fqdn: string, standing: readonly DnsRecord[]): void {
    const open = [...this.#tables.intents.values()].filter((row) => row.fqdn === fqdn && row.action === 'delete');
    const before = new Set(open.flatMap(({ recordId }) => recordId ?? []));
    this.#orders.push({ kind, operationId, fqdn, ids: new Set(standing.map(({ id }) => id)), before });
  }

  /** Somebody confirmed a plan that deletes these. */
  confirmed(operationId: string, deletions: Iterable<{ fqdn: string; type: string; content: string }>): void {
    const ids = new Set<string>();
    // What is gone counts as it did before, but for what nobody knows yet to be gone.
    const tracked = new Set([...this.#tables.records.values()].map(({ recordId }) => recordId));
    for (const { fqdn, type, content } of deletions) {
      for (const id of this.#seen.get(keyOf(fqdn, type, content)) ?? []) {
        if (!this.#gone.has(id) || tracked.has(id)) ids.add(id);
      }
    }
    this.#orders.push({ kind: 'confirm', operationId, fqdn: null, ids, before: new Set() });
  }

  /** The name of a record that stands or stood at Cloudflare. */
  nameOf(id: string): string | undefined {
    return this.#nameOf.get(id);
  }

  /** It is a person's, and nobody has ordered its adoption while it stood there. */
  isForeign(id: string): boolean {
    return this.#foreign.has(id) && !this.#orders.some(({ kind, ids }) => kind === 'adopt' && ids.has(id));
  }

  /** Somebody ordered or confirmed the deletion of the record, and that held at this moment of the database's clock. */
  mayBeDeleted(id: string, at: number): boolean {
    return this.#orders.some((order) => order.kind !== 'adopt' && this.#allows(order, id, at));
  }

  /**
   * Somebody ordered the deletion of what its name holds, and that held at this moment of the database's clock. Who does not know
   * yet that a record was gone by then deletes it with the rest.
   */
  isOrdered(id: string, at: number): boolean {
    const orders = this.#orders.filter(({ kind }) => kind === 'delete');
    const isGone = (fqdn: string | null) => this.#gone.has(id) && this.#nameOf.get(id) === fqdn;
    return orders.some((order) => this.#allows(order, id, at) || (isGone(order.fqdn) && this.#holds(order, at)));
  }

  /** A hash that two syncs with something to delete were carried out with; null when there is none. */
  usedTwice(): string | null {
    const used = new Map<string, string>();
    for (const { kind, operationId, ids } of this.#orders) {
      const row = this.#tables.operations.get(operationId);
      if (kind !== 'confirm' || ids.size === 0 || row?.state !== 'done' || row.request.confirm === null) continue;
      // Who asks for the same while it is being done is given the same operation.
      const by = used.get(row.request.confirm) ?? operationId;
      if (by !== operationId) return row.request.confirm;
      used.set(row.request.confirm, by);
    }
    return null;
  }

  #allows(order: Order, id: string, at: number): boolean {
    return order.before.has(id) || (order.ids.has(id) && this.#holds(order, at));
  }

  #holds(order: Order, at: number): boolean {
    const ended = this.#endedAt(order);
    if (ended === null) return true;
    const released = order.kind === 'confirm' && this.#tables.operations.get(order.operationId)?.state === 'done';
    return at <= ended + CALLS_LAST_MS + (released ? RELEASED_MS : 0);
  }

  #endedAt({ operationId }: Order): number | null {
    return this.#tables.operations.get(operationId)?.finishedAt ?? null;
  }
}

function keyOf(name: string, type: string, content: string): string {
  return `${name} ${type} ${content}`;
}
