import { sameRecords } from '../cloudflare/mirror.ts';
import type { DesiredName } from '../dns/desired.ts';
import type { ActualRecord, TrackedRecord } from '../dns/record.ts';
import { decide, type Verdict } from '../dns/verdict.ts';
import { type ErrorCode, toError, ZonekeeperError } from '../errors.ts';
import type { Correction, NameFacts } from '../ledger/port.ts';
import { type Context, causeOf } from './context.ts';
import type { Core } from './core.ts';
import type { Corrector } from './corrector.ts';
import type { DeletionJudge } from './deletions.ts';
import type { ChangeResult } from './outcome.ts';
import type { Stay } from './stay.ts';
import { adoptable, corrections, forgotten, trackedAs } from './tracking.ts';
import { type Ended, type Next, problemOf, unmade } from './visit-result.ts';
import { type WaitingOptions, waiting } from './waiting.ts';
import { needsWitness } from './witness.ts';
import { Write, type WriteOptions } from './write.ts';
import type { ManagedZone } from './zone.ts';

/** Cloudflare refused what the record says, not us: when it is taken is in the hands of whoever wrote it. */
const OF_THE_RECORD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cloudflare_validation',
  'cloudflare_rejected',
  'cloudflare_quota',
]);

export interface PartOptions extends WaitingOptions, WriteOptions, Pick<Core, 'nextBackoffMs'> {
  readonly corrector: Corrector;
  readonly judge: DeletionJudge;
  /** The name was worked on so often in a row that it is tried again later. */
  readonly lastRound: boolean;
}

/** The name, and why it is looked at. */
export interface PartOf {
  readonly facts: NameFacts;
  readonly context: Context;
  readonly stay: Stay;
  /** What the name should have, in whatever zone. */
  readonly wanted: DesiredName | null;
  /** Does the name belong to this zone? What of ours stands in others is to be removed. */
  readonly home: boolean;
}

/**
 * One zone's part of a look at one name. Most names have one, in the zone that they belong to.
 *
 *     adoption, if ordered ─▶ verdict ─▶ second witness ─▶ reasons to wait ─▶ guard ─▶ Write ─▶ judged once more
 */
export class Part {
  readonly #options: PartOptions;
  readonly #facts: NameFacts;
  readonly #context: Context;
  readonly #stay: Stay;
  readonly #wanted: DesiredName | null;
  readonly #zone: ManagedZone;
  /** What is to stand in this zone. */
  readonly #desired: DesiredName | null;
  /** What is tracked in this zone; an adoption adds to it. */
  #tracked: readonly TrackedRecord[];

  constructor(options: PartOptions, { facts, context, stay, wanted, home }: PartOf, zone: ManagedZone) {
    this.#options = options;
    this.#facts = facts;
    this.#context = context;
    this.#stay = stay;
    this.#wanted = wanted;
    this.#zone = zone;
    this.#desired = home && context.order?.kind !== 'delete' ? wanted : null;
    this.#tracked = facts.tracked.filter(({ zoneId }) => zoneId === zone.zone.id);
  }

  /** `look again`: Cloudflare refused a change because the name is not as we knew it. It was looked at; now all begins anew. */
  async run(): Promise<Ended | 'look again'> {
    const zone = this.#zone;
    try {
      if (!zone.mirror.ready) {
        const unseen = await this.#stay.outside(() => zone.known().then(() => null, toError));
        if (unseen !== null) {
          const { code, message } = unseen;
          return { state: 'failed', problem: { code, message }, next: { againIf: () => zone.mirror.ready } };
        }
      }
      if (this.#context.order?.kind === 'adopt') return await this.#adopt();
      return await this.#converge();
    } catch (error) {
      // Of the database's errors the queue must know: nothing can be stored then.
      const failed = toError(error);
      if (!failed.code.startsWith('cloudflare_')) throw failed;
      return this.#failed(failed, []);
    }
  }

  async #adopt(): Promise<Ended | 'look again'> {
    const zone = this.#zone;
    const { fqdn } = this.#facts;
    await this.#stay.outside(() => zone.lookAt(fqdn));
    const found = adoptable(zone, fqdn, this.#desired, this.#tracked);
    if ('refusal' in found) {
      const ended = await this.#converge();
      // The look may have shown a record of ours that the facts, which are older, were not settled by.
      return ended === 'look again' ? ended : { ...ended, refusal: found.refusal, next: ended.next ?? 'again' };
    }
    const consumer = this.#desired?.consumer ?? null;
    const cause = causeOf(this.#context);
    const common = { zoneId: zone.zone.id, zone: zone.name, consumer, intent: null, cause };
    const track = found.records.map((record) => ({ ...common, record }));
    await this.#correct({ forget: [], refresh: [], track, deleted: [], drop: [], end: [] });
    this.#tracked = [...this.#tracked, ...found.records.map((record) => trackedAs(zone, record, consumer))];
    return this.#converge();
  }

  async #converge(): Promise<Ended | 'look again'> {
    const { mirror } = this.#zone;
    const { fqdn } = this.#facts;
    const verdict = this.#decide(this.#tracked);
    if (!this.#needsWitness(verdict)) return this.#act(verdict);
    const before = mirror.of(fqdn);
    await this.#stay.outside(() => this.#zone.lookAt(fqdn));
    const differs = !sameRecords(before, mirror.of(fqdn));
    // What the look has shown may be ours by the mark of an intent: the facts, which are older, were not settled by it.
    if (differs && !this.#options.lastRound) return 'look again';
    const ended = await this.#act(this.#decide(this.#tracked));
    return !differs || ended === 'look again' ? ended : { ...ended, next: ended.next ?? 'again' };
  }

  #needsWitness(verdict: Verdict): boolean {
    const [zone, facts, context, tracked] = [this.#zone, this.#facts, this.#context, this.#tracked];
    return needsWitness(this.#options, { zone, facts, context, verdict, tracked });
  }

  #decide(tracked: readonly TrackedRecord[]): Verdict {
    const { rules } = this.#options;
    const { fqdn } = this.#facts;
    return decide({
      fqdn,
      desired: this.#desired,
      tracked,
      actual: this.#zone.mirror.of(fqdn),
      apex: fqdn === this.#zone.name,
      outside: rules.outside(fqdn),
      rules: { allowApex: rules.allowApex, allowWildcard: rules.allowWildcard },
      policy: rules.policy,
    });
  }

  async #act(verdict: Verdict): Promise<Ended | 'look again'> {
    const zone = this.#zone;
    const { guard, observer } = this.#options;
    const { fqdn } = this.#facts;
    const held = verdict.held.map((change): ChangeResult => ({ change, result: 'held', error: problemOf(verdict) }));
    const deletions = verdict.changes.filter((change) => change.action === 'delete' && !change.replaced);
    if (deletions.length === 0) guard.settled(zone.name, fqdn);
    if (verdict.drift !== null && this.#context.trigger !== 'change') observer.driftDetected(zone.name, verdict.drift);
    if (verdict.changes.length === 0) {
      await this.#correct(corrections(zone, verdict, this.#desired, this.#tracked));
      const ended: Ended = { state: verdict.state, problem: problemOf(verdict), changes: held };
      // Somebody was quicker with the deletion that was ordered.
      return this.#wantedStill ? { ...ended, next: 'again' } : ended;
    }
    const about = { fqdn, verdict, deletes: deletions.length > 0 };
    const pending = waiting(this.#options, about, this.#tracked, this.#context);
    if (pending !== null) {
      await this.#correct(forgotten(zone, verdict));
      return { ...pending, changes: [...held, ...unmade(verdict.changes, pending.problem)] };
    }
    if (deletions.length > 0 && this.#context.order?.kind !== 'delete') {
      const judging = this.#options.judge.judge(zone, { fqdn, changes: deletions });
      const judgement = await this.#stay.outside(() => judging);
      // The change that brought the consumer back is on its way here.
      if (judgement.kind === 'wanted') return { state: 'in_sync', problem: null, next: { afterMs: 500 } };
      if (judgement.kind === 'held') {
        await this.#correct(forgotten(zone, verdict));
        const unreadable = judgement.problem.code !== 'delete_held';
        const made = [...held, ...unmade(verdict.changes, judgement.problem)];
        return { state: 'blocked', problem: judgement.problem, changes: made, ...(unreadable ? this.#retry() : {}) };
      }
    }
    const [wanted, desired, context, stay] = [this.#wanted, this.#desired, this.#context, this.#stay];
    const write = new Write(this.#options, { fqdn, zone, verdict, deletions, wanted, desired, context, stay });
    const outcome = await write.send();
    const changes = [...held, ...write.tell(outcome)];
    if (outcome.kind === 'applied') return this.#afterwards(verdict, outcome.records, changes);
    const { kind, error } = outcome;
    if (kind === 'refused' && (error.code === 'cloudflare_conflict' || error.code === 'cloudflare_gone')) {
      await this.#stay.outside(() => zone.lookAt(fqdn));
      if (!this.#options.lastRound) return 'look again';
      const message = 'The name changed at Cloudflare while it was worked on.';
      return this.#failed(new ZonekeeperError('cloudflare_rejected', message), changes);
    }
    // We end or lead no more: not a fact about the name. Whoever leads next looks at it.
    if (error.code === 'shutting_down' || error.code === 'not_leader') throw error;
    return { ...this.#failed(error, changes), held: OF_THE_RECORD.has(error.code) };
  }

  /** After a write: judged once more by what Cloudflare answered, so that no report says more than is true. */
  async #afterwards(
    verdict: Verdict,
    records: readonly (ActualRecord | null)[],
    changes: readonly ChangeResult[],
  ): Promise<Ended> {
    const consumer = this.#wanted?.consumer ?? null;
    const gone = new Set([...verdict.forget, ...verdict.changes.map(({ recordId }) => recordId)]);
    const now = [
      ...this.#tracked.filter(({ recordId }) => !gone.has(recordId)),
      ...records.flatMap((record) => (record === null ? [] : [trackedAs(this.#zone, record, consumer)])),
    ];
    const after = this.#decide(now);
    if (after.changes.length > 0 || this.#wantedStill)
      return { state: after.drift ?? after.state, problem: problemOf(after), changes, next: 'again' };
    // Of a record that stayed as it was, the row may be older: an update whose answer was lost has made it so.
    await this.#correct(corrections(this.#zone, after, this.#desired, now));
    return { state: after.state, problem: problemOf(after), changes };
  }

  /** A deletion was ordered although a consumer wants the name: who wants it is to be served again. */
  get #wantedStill(): boolean {
    return this.#context.order?.kind === 'delete' && this.#wanted !== null;
  }

  async #correct(correction: Correction | null): Promise<void> {
    if (correction !== null) await this.#stay.outside(() => this.#options.corrector.correct(correction));
  }

  #failed(error: ZonekeeperError, changes: readonly ChangeResult[]): Ended {
    return {
      state: 'failed',
      problem: { code: error.code, message: error.message },
      changes,
      ...this.#retry(error.retryAfterMs),
    };
  }

  #retry(afterMs?: number): { next: Next; nextTryMs: number } {
    return { next: 'retry', nextTryMs: afterMs ?? this.#options.nextBackoffMs(this.#facts.fqdn) };
  }
}
