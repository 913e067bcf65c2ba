import { Broken } from './invariants.ts';
import type { BatchSent, Departure } from './memory-cloudflare.ts';
import type { Tables } from './tables.ts';

/** Beyond the grace, until a name says when it is tried again by what it knows now. */
const SLACK_MS = 5_000;

/** Is a record deleted before it may be, by the database's clock, or kept for longer? */
export class Grace {
  readonly #graceMs: number;
  readonly #tables: Tables;
  readonly #ordered: ReadonlySet<string>;
  /** When the last consumer of a name went. What was read of that is not asked: it may be wrong. */
  readonly #left = new Map<string, number>();
  #calmAt = Number.POSITIVE_INFINITY;

  /** `ordered`: names whose deletion a person ordered. */
  constructor(graceMs: number, tables: Tables, ordered: ReadonlySet<string>) {
    this.#graceMs = graceMs;
    this.#tables = tables;
    this.#ordered = ordered;
  }

  /** Told after each change of a consumer. */
  consumer(fqdn: string, wantedBefore: boolean): void {
    if (!wantedBefore || this.#wanted(fqdn)) return;
    // Who came back and went again before anybody read it was never away from being gone.
    const unread = this.#left.has(fqdn) && this.#rows(fqdn).some(({ unwantedSince }) => unwantedSince !== null);
    if (!unread) this.#left.set(fqdn, this.#tables.now());
  }

  /** Faults have ended: whoever had to begin counting anew has begun. */
  calm(): void {
    this.#calmAt = this.#tables.now();
  }

  /** A batch leaves: it empties no name whose grace is not over. */
  departure({ machine, body }: Departure): void {
    if (this.#graceMs === 0 || body === null) return;
    for (const fqdn of this.#emptied(body)) {
      const left = this.#left.get(fqdn);
      if (left === undefined || this.#wanted(fqdn) || this.#ordered.has(fqdn)) continue;
      const forMs = this.#tables.now() - left;
      if (forMs < this.#graceMs) {
        const times = `${Math.round(forMs)} ms after its consumer went, with a grace of ${this.#graceMs} ms`;
        throw new Broken(`${machine.name} deletes the record of ${fqdn} ${times}`);
      }
    }
  }

  /** May a name still wait for its grace? */
  mayLast(): boolean {
    return this.#tables.now() < this.#calmAt + this.#graceMs + SLACK_MS;
  }

  #emptied(body: BatchSent): Set<string> {
    const deleted = new Set((body.deletes ?? []).map(({ id }) => id));
    const rows = [...this.#tables.records.values()];
    const kept = new Set([...(body.posts ?? []), ...(body.patches ?? [])].map(({ name }) => name));
    for (const { recordId, fqdn } of rows) if (!deleted.has(recordId)) kept.add(fqdn);
    return new Set(rows.flatMap(({ recordId, fqdn }) => (deleted.has(recordId) && !kept.has(fqdn) ? [fqdn] : [])));
  }

  #rows(fqdn: string) {
    return [...this.#tables.records.values()].filter((row) => row.fqdn === fqdn);
  }

  #wanted(fqdn: string): boolean {
    for (const consumer of this.#tables.consumers.values()) if (consumer.active && consumer.fqdn === fqdn) return true;
    return false;
  }
}
