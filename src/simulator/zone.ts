import { createHash } from 'node:crypto';
import { FAILURES } from './failure.ts';
import { type Plan, type PlanName, planOf } from './plan.ts';
import type { StoredRecord } from './record.ts';

/** Statuses of a zone. developers.cloudflare.com/dns/zone-setups/reference/domain-status/ */
export const ZONE_STATUSES = ['initializing', 'pending', 'active', 'moved'] as const;
export type ZoneStatus = (typeof ZONE_STATUSES)[number];

/** How a zone is made. */
export interface ZoneOptions {
  /** In normal form. */
  readonly name: string;
  /** 32 hexadecimal digits; made from the name by default, so that it is the same in every run. */
  readonly id?: string | undefined;
  readonly plan?: PlanName | undefined;
  /** Records that it may hold; by the plan by default (1000 for an old Free zone). */
  readonly quota?: number | undefined;
  readonly status?: ZoneStatus | undefined;
  readonly paused?: boolean | undefined;
  /** ISO 8601. */
  readonly now: string;
}

/** One record of a zone that came, changed or went; `before` null for a new one, `after` null for one that is gone. */
export interface ZoneChange {
  readonly before: StoredRecord | null;
  readonly after: StoredRecord | null;
}

/** Writes that a stale list can go back. */
export const MAX_STALE_WRITES = 100;
const NONE: ReadonlySet<StoredRecord> = new Set();

/** The account that owns all zones of a simulator. */
export const ACCOUNT = { id: digest('account'), name: 'Simulated account' } as const;
const USER_ID = digest('user');

/** 32 hexadecimal digits from a text. */
export function digest(text: string): string {
  return createHash('md5').update(`zonekeeper simulator ${text}`).digest('hex');
}

/**
 * The records of one zone, by id and by name, with the rules that hold between them. Changes are made in a transaction:
 * `begin`, any number of `put` and `remove`, then `commit` or `rollback`. Nothing else can happen between, since nothing
 * here waits.
 */
export class Zone {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  readonly quota: number;
  readonly status: ZoneStatus;
  readonly paused: boolean;
  readonly json: string;
  readonly #records = new Map<string, StoredRecord>();
  readonly #byName = new Map<string, Set<StoredRecord>>();
  /** The last writes, newest last. */
  readonly #writes: (readonly ZoneChange[])[] = [];
  #open: ZoneChange[] | undefined;
  #listed: readonly StoredRecord[] | undefined;
  /** Ids in order, from before the first delete of the open transaction. */
  #order: readonly string[] | undefined;

  constructor(options: ZoneOptions) {
    this.name = options.name;
    this.id = options.id ?? digest(`zone ${options.name}`);
    this.plan = planOf(options.plan ?? 'free');
    this.quota = options.quota ?? this.plan.records;
    this.status = options.status ?? 'active';
    this.paused = options.paused ?? false;
    this.json = JSON.stringify(this.#shape(options.now));
  }

  get size(): number {
    return this.#records.size;
  }

  get(id: string): StoredRecord | undefined {
    return this.#records.get(id);
  }

  /** All records, the oldest first. The same array until something changes. */
  list(): readonly StoredRecord[] {
    this.#listed ??= [...this.#records.values()];
    return this.#listed;
  }

  named(name: string): ReadonlySet<StoredRecord> {
    return this.#byName.get(name) ?? NONE;
  }

  /** The records as they were before the last `writes` writes, or as many as are remembered. */
  listBefore(writes: number): readonly StoredRecord[] {
    const records = new Map(this.#records);
    for (const write of this.#writes.slice(Math.max(0, this.#writes.length - writes)).reverse()) {
      for (const { before, after } of [...write].reverse()) {
        if (before !== null) records.set(before.data.id, before);
        else if (after !== null) records.delete(after.data.id);
      }
    }
    return [...records.values()];
  }

  begin(): void {
    if (this.#open !== undefined) throw new Error('a transaction is open');
    this.#open = [];
  }

  /** Ends the transaction; what it changed. */
  commit(): readonly ZoneChange[] {
    const changes = this.#changes();
    this.#close();
    if (changes.length > 0) {
      this.#writes.push(changes);
      if (this.#writes.length > MAX_STALE_WRITES) this.#writes.shift();
    }
    return changes;
  }

  /** Undoes everything since `begin`. */
  rollback(): void {
    const changes = this.#changes();
    const order = this.#order;
    this.#close();
    for (const { before, after } of [...changes].reverse()) {
      if (after !== null) this.#unindex(after);
      if (after !== null && before === null) this.#records.delete(after.data.id);
      if (before !== null) this.#attach(before);
    }
    this.#listed = undefined;
    if (order !== undefined) this.#restoreOrder(order);
  }

  /**
   * Adds a record, or puts it in the place of the one with its id. Throws ApiFailure where it may not stand beside what
   * the name holds (81053, 81054, 81056, 81057, 81058) or the zone is full (81045, unless `unlimited`).
   */
  put(record: StoredRecord, options: { readonly unlimited?: boolean } = {}): void {
    const changes = this.#changes();
    const before = this.#records.get(record.data.id) ?? null;
    if (before === null && options.unlimited !== true && this.size >= this.quota) throw FAILURES.quota();
    for (const other of this.named(record.data.name)) if (other !== before) this.#checkBeside(record, other);
    if (before !== null) this.#unindex(before);
    this.#attach(record);
    changes.push({ before, after: record });
  }

  /** Throws ApiFailure 81044. */
  remove(id: string): StoredRecord {
    const changes = this.#changes();
    const before = this.#records.get(id);
    if (before === undefined) throw FAILURES.noRecord();
    this.#order ??= [...this.#records.keys()];
    this.#listed = undefined;
    this.#records.delete(id);
    this.#unindex(before);
    changes.push({ before, after: null });
    return before;
  }

  /** Puts records in without a trace: the state that a run starts from. */
  seed(records: Iterable<StoredRecord>): void {
    this.begin();
    try {
      for (const record of records) this.put(record, { unlimited: true });
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.#close();
  }

  #close(): void {
    this.#open = undefined;
    this.#order = undefined;
  }

  /**
   * What may share a name. developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/: no
   * CNAME beside A, AAAA or another CNAME; NS beside nothing but NS.
   */
  #checkBeside({ data }: StoredRecord, { data: other }: StoredRecord): void {
    if (data.type === other.type && data.content === other.content && sameExtras(data.data, other.data)) {
      // Both codes are seen in the wild; which is given when is not documented. Either way it is the same record twice.
      throw data.ttl === other.ttl && data.proxied === other.proxied
        ? FAILURES.identicalRecord()
        : FAILURES.recordExists();
    }
    if ((data.type === 'NS') !== (other.type === 'NS')) {
      throw FAILURES.nsHoldsName();
    }
    const address = data.type === 'A' || data.type === 'AAAA';
    if (address && other.type === 'CNAME') throw FAILURES.cnameHoldsName();
    if (data.type === 'CNAME' && ['A', 'AAAA', 'CNAME'].includes(other.type)) throw FAILURES.cnameOrAddressHoldsName();
  }

  #changes(): ZoneChange[] {
    if (this.#open === undefined) throw new Error('no transaction is open');
    return this.#open;
  }

  #attach(record: StoredRecord): void {
    this.#listed = undefined;
    this.#records.set(record.data.id, record);
    const named = this.#byName.get(record.data.name);
    if (named === undefined) this.#byName.set(record.data.name, new Set([record]));
    else named.add(record);
  }

  #unindex(record: StoredRecord): void {
    const named = this.#byName.get(record.data.name);
    named?.delete(record);
    if (named?.size === 0) this.#byName.delete(record.data.name);
  }

  /** An undone delete would stand at the end of the list; a failed batch must leave no trace. */
  #restoreOrder(order: readonly string[]): void {
    const records = new Map(this.#records);
    this.#records.clear();
    for (const id of order) {
      const record = records.get(id);
      if (record !== undefined) this.#records.set(id, record);
    }
  }

  /** developers.cloudflare.com/api/resources/zones/methods/get/ */
  #shape(now: string): unknown {
    const { plan } = this;
    return {
      id: this.id,
      name: this.name,
      status: this.status,
      paused: this.paused,
      type: 'full',
      development_mode: 0,
      name_servers: ['ada.ns.cloudflare.com', 'bob.ns.cloudflare.com'],
      original_name_servers: null,
      original_registrar: null,
      original_dnshost: null,
      modified_on: now,
      created_on: now,
      activated_on: this.status === 'active' ? now : null,
      meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
      owner: { id: USER_ID, type: 'user', email: 'user@example.com' },
      account: ACCOUNT,
      tenant: { id: null, name: null },
      tenant_unit: { id: null },
      permissions: ['#dns_records:edit', '#dns_records:read', '#zone:read'],
      plan: {
        id: plan.id,
        name: plan.name,
        price: plan.price,
        currency: 'USD',
        frequency: plan.price > 0 ? 'monthly' : '',
        is_subscribed: plan.legacyId !== 'free',
        can_subscribe: false,
        legacy_id: plan.legacyId,
        legacy_discount: false,
        externally_managed: false,
      },
    };
  }
}

function sameExtras(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
