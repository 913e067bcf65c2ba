import { namesWanted } from './application.ts';
import { Broken } from './invariants.ts';
import type { BatchSent, Departure } from './memory-cloudflare.ts';
import type { Tables } from './tables.ts';

/** Beyond the grace, until a name says when it is tried again by what it knows now. */
const SLACK_MS = 5_000;

/** A time in which no consumer wants a name. */
interface Absence {
  readonly left: number;
  back: number;
}

export interface GraceParts {
  readonly graceMs: number;
  readonly tables: Tables;
  /** A person ordered the deletion of the record. */
  readonly isOrdered: (recordId: string) => boolean;
  /** When the run of a name began that sends a batch. */
  readonly begunAt: (departure: Departure, fqdn: string) => number;
  /** Ids of the records that a name has at Cloudflare. */
  readonly standing: (fqdn: string) => readonly string[];
}

/** Is a record deleted before it may be, by the database's clock, or kept for longer? */
export class Grace {
  readonly #parts: GraceParts;
  /** By name, as it is, and not as it was read. */
  readonly #absences = new Map<string, Absence[]>();
  /** Names that a consumer wants. */
  #wanted: ReadonlySet<string> = new Set();

  constructor(parts: GraceParts) {
    this.#parts = parts;
  }

  /** Told after each change of consumers. */
  consumersChanged(): void {
    const wanted = namesWanted(this.#parts.tables);
    const before = this.#wanted;
    this.#wanted = wanted;
    for (const fqdn of wanted) if (!before.has(fqdn)) this.#changed(fqdn, true);
    for (const fqdn of before) if (!wanted.has(fqdn)) this.#changed(fqdn, false);
  }

  #changed(fqdn: string, wanted: boolean): void {
    const now = this.#parts.tables.now();
    const absences = this.#absences.get(fqdn) ?? [];
    this.#absences.set(fqdn, absences);
    const last = absences.at(-1);
    if (wanted && last !== undefined) last.back = now;
    if (wanted) return;
    // Who comes back and goes again before anybody reads it was never there.
    const unread = last !== undefined && this.#rows(fqdn).some(({ unwantedSince }) => unwantedSince !== null);
    if (unread) last.back = Number.POSITIVE_INFINITY;
    else absences.push({ left: now, back: Number.POSITIVE_INFINITY });
  }

  /** A batch leaves: it empties no name unless its grace was over while it was decided. */
  departure(departure: Departure): void {
    const { machine, body } = departure;
    if (this.#parts.graceMs === 0 || body === null) return;
    const now = this.#parts.tables.now();
    for (const [fqdn, ids] of this.#emptied(body)) {
      const absences = this.#absences.get(fqdn) ?? [];
      const last = absences.at(-1);
      if (last === undefined || this.#wanted.has(fqdn) || ids.every(this.#parts.isOrdered)) continue;
      const begunAt = this.#parts.begunAt(departure, fqdn);
      if (this.#isRepair(fqdn, ids, begunAt)) continue;
      if (absences.some(({ left, back }) => Math.max(left + this.#parts.graceMs, begunAt) <= Math.min(back, now)))
        continue;
      const times = `${Math.round(now - last.left)} ms after its consumer went, with a grace of ${this.#parts.graceMs} ms`;
      throw new Broken(`${machine.name} deletes the record of ${fqdn} ${times}`);
    }
  }

  /** May a name still wait for its grace? Once faults have ended, whoever had to begin counting anew has begun. */
  mayLast(faultsEnd: number): boolean {
    return this.#parts.tables.now() < faultsEnd + this.#parts.graceMs + SLACK_MS;
  }

  /** Names, and what they lose. */
  #emptied(body: BatchSent): Map<string, string[]> {
    const deleted = new Set((body.deletes ?? []).map(({ id }) => id));
    const rows = [...this.#parts.tables.records.values()];
    const kept = new Set([...(body.posts ?? []), ...(body.patches ?? [])].map(({ name }) => name));
    for (const { recordId, fqdn } of rows) if (!deleted.has(recordId)) kept.add(fqdn);
    const emptied = new Map<string, string[]>();
    for (const { recordId, fqdn } of rows) {
      if (deleted.has(recordId) && !kept.has(fqdn)) emptied.set(fqdn, [...(emptied.get(fqdn) ?? []), recordId]);
    }
    return emptied;
  }

  /** By what was read when the run began, the name is wanted, and what is deleted is superfluous beside a foreign record that says the same. */
  #isRepair(fqdn: string, ids: readonly string[], begunAt: number): boolean {
    const read = [...this.#parts.tables.wanted.values()].some((rows) => rows.some(({ key }) => key === fqdn));
    const readThen = this.#rows(fqdn).some(({ unwantedSince }) => unwantedSince !== null && unwantedSince >= begunAt);
    return (read || readThen) && this.#parts.standing(fqdn).some((id) => !ids.includes(id));
  }

  #rows(fqdn: string) {
    return [...this.#parts.tables.records.values()].filter((row) => row.fqdn === fqdn);
  }
}
