import type { Clock } from '../controller/clock.ts';
import type { Problem } from '../dns/desired.ts';
import type { Change } from '../dns/record.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { Deletions, Ledger } from '../ledger/port.ts';
import type { Source } from '../sources/port.ts';
import { OnTheWay } from './on-the-way.ts';

/** How many deletions are let through in a zone within an hour: whichever of the two is more. */
export interface DeleteLimit {
  /** Share of the names that hold a tracked record. */
  readonly share: number;
  readonly min: number;
}

export interface GuardOptions {
  readonly ledger: Ledger;
  readonly source: Source;
  readonly limit: DeleteLimit;
  readonly clock: Clock;
}

/** A name that would be left without a record. */
export interface Deletion {
  readonly fqdn: string;
  readonly changes: readonly Change[];
}

/** May it go? `wanted`: a consumer wants the name after all, so it must be looked at again. */
export type Judgement =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'wanted' }
  | { readonly kind: 'held'; readonly problem: Problem };

interface ZoneRef {
  readonly id: string;
  readonly name: string;
}

const WINDOW_MS = 3_600_000;
/** A confirmed deletion that was not made within this time needs another confirmation. */
const RELEASE_MS = 600_000;
/** Names remembered as awaiting deletion, over all zones. Beyond it every deletion is held anyway. */
const MAX_CANDIDATES = 1_000_000;
/** The ledger is asked again while deletions are made; more often than this, they count twice. */
const ROUNDS = 3;
const ALLOWED: Judgement = { kind: 'allowed' };

/**
 * Holds mass deletions. It counts names that lose their last record: those about to, all that are known to be waiting
 * (also those held before), those of the last hour, and those that were given up but may still take effect. So a wave is
 * judged as a whole and never let through in part, however it is cut into runs.
 */
export class Guard {
  readonly #options: GuardOptions;
  /** By zone name: names that are known to await deletion. */
  readonly #candidates = new Map<string, Set<string>>();
  /**
   * By zone name: names whose deletion is judged or was let through, until the ledger knows what became of it. They count even
   * if they are wanted again meanwhile: the deletion may be on its way.
   */
  readonly #going = new OnTheWay();
  /** By zone name: how many deletions this process has made or given up. */
  readonly #made = new Map<string, number>();
  /** Record ids whose deletion somebody confirmed, with the time when that ends. */
  readonly #released = new Map<string, number>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** These names of the zone are no longer wanted. Said before any of them is looked at, so that they count together. */
  expect(zone: string, fqdns: Iterable<string>): void {
    let names = this.#candidates.get(zone);
    if (names === undefined) {
      names = new Set();
      this.#candidates.set(zone, names);
    }
    for (const fqdn of fqdns) {
      if (names.size >= MAX_CANDIDATES) return;
      names.add(fqdn);
    }
  }

  /** The name needs no deletion (any more). */
  settled(zone: string, fqdn: string): void {
    this.#candidates.get(zone)?.delete(fqdn);
  }

  /** No deletion of the name is on its way in this zone any more, or in none: the ledger counts what became of it. */
  ended(fqdn: string, zone?: string): void {
    if (zone === undefined) this.#going.removeAll(fqdn);
    else this.#going.remove(zone, fqdn);
  }

  /** The name's deletion was made, and is in the history. */
  deleted(zone: string, fqdn: string): void {
    this.settled(zone, fqdn);
    this.ended(fqdn, zone);
    this.counted(zone);
  }

  /** The ledger may count one more deletion of the zone, made or given up. Who is asking it meanwhile may not see that. */
  counted(zone: string): void {
    this.#made.set(zone, this.#madeIn(zone) + 1);
  }

  /** Names of the zone that are known to await deletion, held ones included. */
  awaiting(zone: string): number {
    return this.#candidates.get(zone)?.size ?? 0;
  }

  /** The same, by name. */
  awaitingIn(zone: string): readonly string[] {
    return [...(this.#candidates.get(zone) ?? [])];
  }

  /** Lets these records be deleted: a person confirmed the plan that names them. */
  release(recordIds: Iterable<string>): void {
    const until = this.#options.clock.now() + RELEASE_MS;
    for (const id of recordIds) this.#released.set(id, until);
  }

  isReleased(deletion: Deletion): boolean {
    return deletion.changes.every(({ recordId }) => this.isReleasedRecord(recordId));
  }

  isReleasedRecord(recordId: string | null): boolean {
    return recordId !== null && (this.#released.get(recordId) ?? 0) > this.#options.clock.now();
  }

  /** Judges as {@link Guard.judge} does, right before the deletions are made: those that are let through are on their way. */
  async admit(zone: ZoneRef, deletions: readonly Deletion[]): Promise<readonly Judgement[]> {
    // From now on: between the judgement and the first step of the deletion, others are judged.
    for (const { fqdn } of deletions) this.#going.add(zone.name, fqdn);
    const judgements = await this.judge(zone, deletions);
    for (const [index, { fqdn }] of deletions.entries()) {
      if (judgements[index]?.kind !== 'allowed') this.ended(fqdn, zone.name);
    }
    return judgements;
  }

  /** Judges deletions of one zone that come together. Never throws: what cannot be read is held. */
  async judge(zone: ZoneRef, deletions: readonly Deletion[]): Promise<readonly Judgement[]> {
    this.expect(
      zone.name,
      deletions.map(({ fqdn }) => fqdn),
    );
    let wanted: ReadonlySet<string>;
    let problem: Problem | null;
    try {
      wanted = await this.#options.source.stillWanted(deletions.map(({ fqdn }) => fqdn));
      for (const fqdn of wanted) this.settled(zone.name, fqdn);
      problem = await this.#problem(
        zone,
        deletions.filter(({ fqdn }) => !wanted.has(fqdn)),
      );
    } catch (error) {
      const { code, message } = toError(error);
      const held: Judgement = {
        kind: 'held',
        problem: { code, message: `Nothing is deleted while it cannot be judged: ${message}` },
      };
      return deletions.map(() => held);
    }
    return deletions.map((deletion): Judgement => {
      if (wanted.has(deletion.fqdn)) return { kind: 'wanted' };
      if (problem === null || this.isReleased(deletion)) return ALLOWED;
      return { kind: 'held', problem };
    });
  }

  /** Forgets confirmations whose time is over. */
  prune(): void {
    const now = this.#options.clock.now();
    for (const [id, until] of this.#released) if (until <= now) this.#released.delete(id);
  }

  async #problem(zone: ZoneRef, judged: readonly Deletion[]): Promise<Problem | null> {
    const { ledger, limit } = this.#options;
    const { anythingWanted, done, predecessors, uncertain, meanwhile } = await this.#deletions(zone);
    if (!anythingWanted) {
      return held('No consumer wants anything at all, which is more likely an accident than a wish.');
    }
    if (predecessors > 0) {
      throw new ZonekeeperError('cloudflare_unavailable', 'How many names a predecessor deleted is not known yet.');
    }
    const candidates = this.#candidates.get(zone.name);
    // Beside those: who is on the way, and who is judged here. Others may have found them wanted while we asked.
    const more = new Set([...this.#going.in(zone.name), ...judged.map(({ fqdn }) => fqdn)]);
    for (const fqdn of more) if (candidates?.has(fqdn)) more.delete(fqdn);
    const released = judged.filter((deletion) => this.isReleased(deletion)).length;
    const awaiting = this.awaiting(zone.name) + more.size + meanwhile - released;
    // Who counts as awaiting must not count twice.
    const counted = (fqdn: string) => candidates?.has(fqdn) === true || more.has(fqdn);
    const recent = done + uncertain.filter((fqdn) => !counted(fqdn)).length;
    if (awaiting + recent <= limit.min) return null;
    // The share is of what there was before the window's deletions.
    const tracked = await ledger.trackedIn(zone, WINDOW_MS);
    const allowed = Math.max(limit.min, Math.floor(limit.share * tracked));
    if (awaiting + recent <= allowed) return null;
    const already = recent > 0 ? ` after ${recent} in the last hour` : '';
    return held(
      `${awaiting} names of ${zone.name} would lose their record${already}; without a confirmation at most ${allowed} an hour may.`,
    );
  }

  /** What the ledger says, and how many deletions were made while it was asked: they may be counted there, or not. */
  async #deletions(zone: ZoneRef): Promise<Deletions & { readonly meanwhile: number }> {
    for (let round = 1; ; round++) {
      const before = this.#madeIn(zone.name);
      const deletions = await this.#options.ledger.deletions(zone, WINDOW_MS);
      const meanwhile = this.#madeIn(zone.name) - before;
      if (meanwhile === 0 || round === ROUNDS) return { ...deletions, meanwhile };
    }
  }

  #madeIn(zone: string): number {
    return this.#made.get(zone) ?? 0;
  }
}

function held(message: string): Problem {
  return { code: 'delete_held', message };
}
