import type { DnsRecord } from './record.ts';
import { Ring } from './ring.ts';
import type { Zone, ZoneChange } from './zone.ts';

/** Who changed a record: a caller of the API, or a person at the dashboard. */
export type Actor = 'api' | 'person';

/** One change of one record. */
export interface ChangeEntry {
  /** 1, 2, 3, … over all zones, in the order of the changes. */
  readonly sequence: number;
  /** The same for all changes that became visible at once, as those of a batch. */
  readonly transaction: number;
  /** ISO 8601. */
  readonly at: string;
  /** Name of the zone. */
  readonly zone: string;
  readonly actor: Actor;
  /** The request that did it, as numbered in the request log; null for a person's. */
  readonly request: number | null;
  /** Null for a new record. */
  readonly before: DnsRecord | null;
  /** Null for one that is gone. */
  readonly after: DnsRecord | null;
}

/** What to look for in the change log. */
export interface ChangeFilter {
  /** Only later ones than this sequence number. */
  readonly since?: number | undefined;
  readonly zone?: string | undefined;
  /** Changes that have this name before or after. */
  readonly name?: string | undefined;
  readonly actor?: Actor | undefined;
}

/** Every change of a record since the start, the last so many of them. Seeding is not in it. */
export class ChangeLog {
  readonly #entries: Ring<ChangeEntry>;
  #sequence = 0;
  #transaction = 0;

  constructor(limit: number) {
    this.#entries = new Ring(limit);
  }

  /** Changes that fell out: an assertion over all of them needs this to be 0. */
  get dropped(): number {
    return this.#entries.dropped;
  }

  /** Sequence number of the last change; 0 before the first. */
  get last(): number {
    return this.#sequence;
  }

  write(zone: Zone, changes: readonly ZoneChange[], actor: Actor, request: number | null, at: string): void {
    if (changes.length === 0) return;
    this.#transaction += 1;
    for (const { before, after } of changes) {
      this.#sequence += 1;
      this.#entries.push({
        sequence: this.#sequence,
        transaction: this.#transaction,
        at,
        zone: zone.name,
        actor,
        request,
        before: before?.data ?? null,
        after: after?.data ?? null,
      });
    }
  }

  entries(filter: ChangeFilter = {}): readonly ChangeEntry[] {
    const { since = 0, zone, name, actor } = filter;
    return this.#entries
      .items()
      .filter(
        (entry) =>
          entry.sequence > since &&
          (zone === undefined || entry.zone === zone) &&
          (name === undefined || entry.before?.name === name || entry.after?.name === name) &&
          (actor === undefined || entry.actor === actor),
      );
  }

  clear(): void {
    this.#entries.clear();
  }
}
