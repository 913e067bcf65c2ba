import type { DesiredRow } from '../../src/dns/desired.ts';
import type { TrackedRecord } from '../../src/dns/record.ts';
import type { Operation } from '../../src/ledger/operations.ts';
import type { NewIntent, StateUpdate } from '../../src/ledger/port.ts';

/** A row of `intents`. */
export interface IntentRow extends NewIntent {
  readonly epoch: number;
  readonly deadline: number;
  readonly createdAt: number;
  /** Of what is forgotten: had the record been adopted? */
  readonly adopted?: boolean;
  state: 'open' | 'dropped';
}

/** A row of `dns_records`. */
export interface RecordRow extends Omit<TrackedRecord, 'unwantedForMs'> {
  /** Since when no consumer wants the name; null while one does. */
  readonly unwantedSince: number | null;
  readonly adopted: boolean;
}

/** A row of `history`, as far as anybody reads it here. */
export interface HistoryRow {
  readonly at: number;
  readonly fqdn: string;
  readonly zone: string;
  readonly action: string;
  readonly recordId: string | null;
  readonly trigger: string;
  readonly operationId: string | null;
  readonly result: string;
  /** Of a deletion: its name has kept or got another record. */
  readonly replaced: boolean;
}

/** A row of `names`. */
export interface NameRow extends StateUpdate {
  /** When the name is tried again; null when nothing is planned. */
  readonly tryAt: number | null;
}

/** A consumer of the application's tables. */
export interface Consumer {
  readonly kind: 'instance' | 'standalone_proxy';
  readonly id: string;
  fqdn: string;
  readonly since: number;
  active: boolean;
  /** Null: that of the settings. Several, with a space between them, are a set of records. */
  target: string | null;
}

/** The row of the application's settings. */
export interface Settings {
  target: string;
  ttl: number;
  proxied: boolean;
  domain: string;
}

export type OperationRow = { -readonly [K in keyof Operation]: Operation[K] } & {
  epoch: number | null;
  sameAs: string;
};

/** How long a commit that does not wait for the disk can be lost (three times `wal_writer_delay`). */
const LOSABLE_MS = 600;

/** The database in memory: the tables of the ledger and of the application, on the database's own clock. */
export class Tables {
  readonly leader = { holder: null as string | null, epoch: 0, renewed: Number.NEGATIVE_INFINITY, ttlMs: 15_000 };
  readonly intents = new Map<string, IntentRow>();
  /** By zone and record id. */
  readonly records = new Map<string, RecordRow>();
  readonly names = new Map<string, NameRow>();
  readonly wanted = new Map<string, { readonly key: string; readonly row: DesiredRow }[]>();
  readonly history: HistoryRow[] = [];
  readonly operations = new Map<string, OperationRow>();
  readonly confirmations = new Map<string, string>();
  readonly spend: { readonly calls: number; readonly at: number }[] = [];
  readonly changes = new Map<number, { readonly kind: string; readonly id: string; readonly at: number }>();
  readonly consumers = new Map<string, Consumer>();
  readonly settings: Settings = { target: '192.0.2.1', ttl: 1, proxied: false, domain: 'example.com' };
  /** Names for which somebody ever wanted a set of two records. */
  readonly pairs = new Set<string>();
  readonly #now: () => number;
  #undo: { readonly at: number; readonly undo: () => void }[] = [];
  #serial = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The database's clock. */
  now(): number {
    return this.#now();
  }

  serial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** A commit that waits for the disk: everything before it is safe, too. */
  durable(): void {
    this.#undo.length = 0;
  }

  /** A commit that does not; `undo` makes it as if it had never been. */
  losable(undo: () => void): void {
    const now = this.now();
    this.#undo = this.#undo.filter(({ at }) => at > now - LOSABLE_MS);
    this.#undo.push({ at: now, undo });
  }

  /** The server crashes: the latest of what had not reached the disk is lost. */
  crash(random: () => number): void {
    const now = this.now();
    const lost = this.#undo.filter(({ at }) => at > now - LOSABLE_MS);
    for (const { undo } of lost.slice(Math.floor(random() * (lost.length + 1))).reverse()) undo();
    this.#undo.length = 0;
  }
}

/** The key of a tracked record. */
export function recordKey(zoneId: string, recordId: string): string {
  return `${zoneId}/${recordId}`;
}

/** The key of a consumer. */
export function consumerKey(consumer: { readonly kind: string; readonly id: string }): string {
  return `${consumer.kind}/${consumer.id}`;
}

/** Sets or removes keys of a map; returns how to undo it. */
export function put<K, V>(map: Map<K, V>, changes: ReadonlyMap<K, V | undefined>): () => void {
  const before = new Map([...changes.keys()].map((key) => [key, map.get(key)]));
  const set = (values: ReadonlyMap<K, V | undefined>) => {
    for (const [key, value] of values) {
      if (value === undefined) map.delete(key);
      else map.set(key, value);
    }
  };
  set(changes);
  return () => set(before);
}
