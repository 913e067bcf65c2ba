import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { namesWanted } from './application.ts';
import type { BatchSent, Departure } from './memory-cloudflare.ts';
import type { Orders } from './orders.ts';
import type { Deviation } from './plan.ts';
import type { Sights } from './sights.ts';
import type { Tables } from './tables.ts';

export interface WantsParts {
  readonly tables: Tables;
  readonly orders: Orders;
  readonly sights: Sights;
  readonly now: () => number;
  /** Ids of the records of a name. */
  readonly standing: (fqdn: string) => readonly string[];
  /** The id of the zone that a name belongs to. */
  readonly homeOf: (fqdn: string) => string | undefined;
}

/**
 * Since when names are wanted, and whether anything is: by the application's tables and the last reading of them. What has been
 * so since before a run began, that run must have seen, for it asks for both before it deletes anything.
 */
export class Wants {
  readonly #parts: WantsParts;
  /** By name: since when consumers want it without a break. */
  readonly #since = new Map<string, number>();
  /** Since when the last reading shows that nobody wants anything; null when somebody does. */
  #nothingSince: number | null = null;
  /** By name: when the last record of it vanished. */
  readonly #vanished = new Map<string, number>();

  constructor(parts: WantsParts) {
    this.#parts = parts;
  }

  /** Consumers may have changed. */
  consumersChanged(): void {
    const wanted = namesWanted(this.#parts.tables);
    for (const fqdn of this.#since.keys()) if (!wanted.has(fqdn)) this.#since.delete(fqdn);
    for (const fqdn of wanted) if (!this.#since.has(fqdn)) this.#since.set(fqdn, this.#parts.now());
  }

  /** Asked after every turn. */
  look(): void {
    for (const rows of this.#parts.tables.wanted.values()) {
      if (rows.length === 0) continue;
      this.#nothingSince = null;
      return;
    }
    this.#nothingSince ??= this.#parts.now();
  }

  changed({ before, after }: ChangeEntry): void {
    if (before !== null && after === null) this.#vanished.set(before.name, this.#parts.now());
  }

  /** What is wrong with the deletions of a batch that leaves, by a configuration that may differ from the usual one; null when nothing is. */
  problem({ machine, zoneId }: Departure, body: BatchSent, deviation: Deviation | null): string | null {
    const { orders, sights, tables, standing, homeOf } = this.#parts;
    const filled = new Set([...(body.posts ?? []), ...(body.patches ?? [])].map(({ name }) => name));
    const deleted = new Set((body.deletes ?? []).map(({ id }) => id));
    for (const fqdn of new Set([...deleted].flatMap((id) => orders.nameOf(id) ?? []))) {
      if (filled.has(fqdn) || homeOf(fqdn) !== zoneId) continue;
      const ids = standing(fqdn);
      const began = sights.runOf(machine, fqdn);
      // What stays, or was there until a moment ago, may be what the others are superfluous beside.
      if (began === undefined || ids.length === 0 || ids.some((id) => !deleted.has(id))) continue;
      const unsure = Math.max(this.#vanished.get(fqdn) ?? -1, sights.misledAt(machine, zoneId ?? ''));
      if (unsure >= began || ids.every((id) => orders.mayBeDeleted(id, tables.now()))) continue;
      if (deviation === 'no deletions' || deviation === 'upsert-only') {
        return `${machine.name} empties ${fqdn}, which nobody ordered, and its configuration forbids: ${deviation}`;
      }
      if ((this.#since.get(fqdn) ?? Number.POSITIVE_INFINITY) < began) {
        return `${machine.name} empties ${fqdn}, which has been wanted since before it was looked at`;
      }
      if ((this.#nothingSince ?? Number.POSITIVE_INFINITY) < began) {
        return `${machine.name} empties ${fqdn} although nobody has wanted anything since before it was looked at`;
      }
    }
    return null;
  }
}
