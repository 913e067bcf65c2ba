import type { ActualRecord } from '../dns/record.ts';
import { sameSpec } from '../dns/record.ts';

/** A moment in the life of a mirror, to compare others with: a counter, not a time. */
export type Moment = number;

/** A list under way. */
export interface Listing {
  readonly started: Moment;
}

const NOTHING: readonly ActualRecord[] = [];

/**
 * What one zone holds, as last seen: by a list, by a look at one name, or by the answer to a write of ours.
 *
 * The later knowledge wins, and that is not the same as the later answer: a list that was started before one of our
 * writes finished says nothing reliable about that name, so it must not overwrite what the write told us. Every name
 * that a write (or a look) touched carries the moment of its end, for as long as a list that began earlier is under way.
 */
export class ZoneMirror {
  #records = new Map<string, readonly ActualRecord[]>();
  #now: Moment = 0;
  /** Moment at which our knowledge of a name was last made by something else than a list. */
  readonly #touched = new Map<string, Moment>();
  /** Writes under way, by name: their outcome is still open. */
  readonly #writing = new Map<string, number>();
  readonly #listings = new Set<Listing>();
  /** Names of which the last list lacks a record that was known, and that list had several pages. */
  #doubtful = new Set<string>();
  #listed: Moment | null = null;
  #pages = 0;
  #count = 0;

  /** False until the first list: then nothing can be said of any name. */
  get ready(): boolean {
    return this.#listed !== null;
  }

  /** The moment at which the last complete list was started; null before the first. */
  get listedSince(): Moment | null {
    return this.#listed;
  }

  /** Pages of the last list. */
  get pages(): number {
    return this.#pages;
  }

  /** Records held (of the types that matter). */
  get size(): number {
    return this.#count;
  }

  /** The present moment: whatever starts now, starts after everything that has ended. */
  moment(): Moment {
    return this.#now;
  }

  /**
   * Did a record of the name disappear in a list of several pages? While others write, such a list can miss one that moves from
   * a page to the one before. A look at the name, or another list, removes the doubt.
   */
  isDoubtful(fqdn: string): boolean {
    return this.#doubtful.has(fqdn);
  }

  /** The records of a name, as last seen. */
  of(fqdn: string): readonly ActualRecord[] {
    return this.#records.get(fqdn) ?? NOTHING;
  }

  /** All names with their records. */
  names(): IterableIterator<[string, readonly ActualRecord[]]> {
    return this.#records.entries();
  }

  /** The record that is held, if it says the same as this one; else this one. */
  intern(record: ActualRecord): ActualRecord {
    const held = this.of(record.fqdn).find(({ id }) => id === record.id);
    return held !== undefined && sameSpec(held, record) && held.comment === record.comment ? held : record;
  }

  beginList(): Listing {
    const listing = { started: ++this.#now };
    this.#listings.add(listing);
    return listing;
  }

  /** The list failed: it says nothing. */
  abandonList(listing: Listing): void {
    this.#listings.delete(listing);
    this.#forgetTouched();
  }

  /** Takes over a complete list. Returns the names whose records differ from what was known. */
  applyList(listing: Listing, records: readonly ActualRecord[], pages: number): string[] {
    this.#listings.delete(listing);
    const before = this.#records;
    const after = groupByName(records);
    const differing: string[] = [];
    const doubtful = new Set<string>();
    for (const [fqdn, known] of before) {
      const listed = after.get(fqdn) ?? NOTHING;
      if (this.#newer(fqdn, listing)) {
        after.set(fqdn, known);
        if (this.#doubtful.has(fqdn)) doubtful.add(fqdn);
      } else if (!sameRecords(known, listed)) {
        differing.push(fqdn);
        if (pages > 1 && known.some(({ id }) => listed.every((record) => record.id !== id))) doubtful.add(fqdn);
      }
    }
    for (const fqdn of after.keys()) {
      if (before.has(fqdn)) continue;
      if (this.#newer(fqdn, listing)) after.delete(fqdn);
      else differing.push(fqdn);
    }
    this.#records = after;
    this.#doubtful = doubtful;
    this.#listed = listing.started;
    this.#pages = pages;
    this.#recount();
    this.#forgetTouched();
    return differing;
  }

  /** Takes over a look at one name that was started at `started`, unless something newer is known. True if it differs. */
  applyLook(fqdn: string, started: Moment, records: readonly ActualRecord[]): boolean {
    if (this.#writing.has(fqdn) || (this.#touched.get(fqdn) ?? -1) > started) return false;
    const differs = !sameRecords(this.of(fqdn), records);
    this.#set(fqdn, records);
    return differs;
  }

  /** A write of ours leaves: until it ends, lists and looks say nothing reliable about the name. */
  beginWrite(fqdn: string): void {
    this.#writing.set(fqdn, (this.#writing.get(fqdn) ?? 0) + 1);
  }

  /** A write ended: `change` makes the records of the name what they are now. Without it, the outcome is unknown. */
  endWrite(fqdn: string, change?: (records: readonly ActualRecord[]) => readonly ActualRecord[]): void {
    const left = (this.#writing.get(fqdn) ?? 0) - 1;
    if (left < 0) throw new Error(`No write of ${fqdn} is under way.`);
    if (left === 0) this.#writing.delete(fqdn);
    else this.#writing.set(fqdn, left);
    if (change !== undefined) this.#set(fqdn, change(this.of(fqdn)));
    else this.#touch(fqdn);
  }

  #newer(fqdn: string, listing: Listing): boolean {
    return this.#writing.has(fqdn) || (this.#touched.get(fqdn) ?? -1) > listing.started;
  }

  #set(fqdn: string, records: readonly ActualRecord[]): void {
    this.#count += records.length - this.of(fqdn).length;
    this.#doubtful.delete(fqdn);
    if (records.length === 0) this.#records.delete(fqdn);
    else this.#records.set(fqdn, records);
    this.#touch(fqdn);
  }

  #touch(fqdn: string): void {
    this.#now += 1;
    // Remembered only while a list is under way that could contradict it.
    if (this.#listings.size > 0) this.#touched.set(fqdn, this.#now);
  }

  #forgetTouched(): void {
    if (this.#listings.size === 0) this.#touched.clear();
  }

  #recount(): void {
    this.#count = 0;
    for (const records of this.#records.values()) this.#count += records.length;
  }
}

function groupByName(records: readonly ActualRecord[]): Map<string, readonly ActualRecord[]> {
  const groups = new Map<string, ActualRecord[]>();
  const seen = new Set<string>();
  for (const record of records) {
    // A record can stand on two pages while others write.
    if (seen.has(record.id)) continue;
    seen.add(record.id);
    const group = groups.get(record.fqdn);
    if (group === undefined) groups.set(record.fqdn, [record]);
    else group.push(record);
  }
  return groups;
}

/** Do both say the same of the same records? */
export function sameRecords(a: readonly ActualRecord[], b: readonly ActualRecord[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((record) => {
    const other = b.find(({ id }) => id === record.id);
    return other !== undefined && sameSpec(record, other);
  });
}
