import { sameRecords } from '../cloudflare/mirror.ts';
import type { WorkOutcome } from '../cloudflare/writer.ts';
import type { Steps } from '../controller/steps.ts';
import type { DesiredName } from '../dns/desired.ts';
import type { ActualRecord, Change, TrackedRecord } from '../dns/record.ts';
import { decide, type Verdict } from '../dns/verdict.ts';
import { type ErrorCode, toError, ZonekeeperError } from '../errors.ts';
import type { Correction, NameFacts } from '../ledger/port.ts';
import { type Context, causeOf, causeOfDeletion } from './context.ts';
import type { Core } from './core.ts';
import type { Corrector } from './corrector.ts';
import type { DeletionJudge } from './deletions.ts';
import type { FlapDetector } from './flap.ts';
import { homeless, unlisted } from './homeless.ts';
import { isNewlyLate } from './objective.ts';
import type { ChangeResult } from './outcome.ts';
import type { Stay } from './stay.ts';
import { adoptable, corrections, forgotten, trackedAs } from './tracking.ts';
import {
  combine,
  type Ended,
  type Next,
  problemOf,
  resultOf,
  unmade,
  type VisitResult,
  zoneGone,
} from './visit-result.ts';
import { waiting } from './waiting.ts';
import type { ManagedZone } from './zone.ts';

/** Cloudflare refused what the record says, not us: when it is taken is in the hands of whoever wrote it. */
const OF_THE_RECORD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cloudflare_validation',
  'cloudflare_rejected',
  'cloudflare_quota',
]);

export interface VisitOptions extends Omit<Core, 'ledger'> {
  readonly corrector: Corrector;
  readonly judge: DeletionJudge;
  readonly flaps: FlapDetector;
  /** Null where nobody traces. */
  readonly steps: Steps | null;
  /** The name was worked on so often in a row that it is tried again later. */
  readonly lastRound: boolean;
  /** Where changes are noted that left, as soon as it is known what became of them: whatever fails after that. */
  readonly made: ChangeResult[];
}

/** One look at one name, from its facts to its state. */
export class Visit {
  readonly #options: VisitOptions;
  readonly #facts: NameFacts;
  readonly #context: Context;
  readonly #stay: Stay;
  readonly #desired: DesiredName | null;

  constructor(options: VisitOptions, facts: NameFacts, context: Context, stay: Stay) {
    this.#options = options;
    this.#facts = facts;
    this.#context = context;
    this.#stay = stay;
    this.#desired = options.rules.resolve(facts.fqdn, facts.rows);
  }

  /** `look again`: Cloudflare refused a change because the name is not as we knew it. It was looked at; now all begins anew. */
  async run(): Promise<VisitResult | 'look again'> {
    const { zones } = this.#options;
    const { fqdn, tracked } = this.#facts;
    const home = zones.of(fqdn);
    const ended: Ended[] = [];
    if (!zones.known && (this.#desired !== null || tracked.length > 0)) {
      const next = { againIf: () => zones.known };
      return combine(fqdn, home, this.#desired, [{ state: 'failed', problem: unlisted(zones), next }]);
    }
    if (home !== undefined) {
      const mine = tracked.filter(({ zoneId }) => zoneId === home.zone.id);
      const part = await this.#inZone(home, this.#desired, mine);
      if (part === 'look again') return part;
      ended.push(part);
    } else if (this.#desired !== null) {
      const next = { againIf: () => zones.of(fqdn) !== undefined };
      ended.push({ state: 'failed', problem: this.#desired.problem ?? homeless(fqdn, zones), next });
    }
    // The name may belong to another zone since a zone below or above was added: what stands there is ours to remove.
    for (const zoneId of new Set(tracked.map((record) => record.zoneId))) {
      if (zoneId === home?.zone.id) continue;
      const other = zones.byId(zoneId);
      const theirs = tracked.filter((record) => record.zoneId === zoneId);
      const part =
        other === undefined
          ? ({
              state: 'failed',
              problem: zoneGone(fqdn, zoneId),
              next: { againIf: () => zones.byId(zoneId) !== undefined },
            } as const)
          : await this.#inZone(other, null, theirs);
      if (part === 'look again') return part;
      ended.push(part);
    }
    return combine(fqdn, home, this.#desired, ended);
  }

  async #inZone(
    zone: ManagedZone,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
  ): Promise<Ended | 'look again'> {
    try {
      if (!zone.mirror.ready) {
        const unseen = await this.#stay.outside(() => zone.known().then(() => null, toError));
        if (unseen !== null) {
          const { code, message } = unseen;
          return { state: 'failed', problem: { code, message }, next: { againIf: () => zone.mirror.ready } };
        }
      }
      if (this.#context.order?.kind === 'adopt') return await this.#adopt(zone, desired, tracked);
      return await this.#converge(zone, this.#context.order?.kind === 'delete' ? null : desired, tracked);
    } catch (error) {
      // Of the database's errors the queue must know: nothing can be stored then.
      const failed = toError(error);
      if (!failed.code.startsWith('cloudflare_')) throw failed;
      return this.#failed(failed, []);
    }
  }

  async #converge(
    zone: ManagedZone,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
  ): Promise<Ended | 'look again'> {
    let verdict = this.#decide(zone, desired, tracked);
    if (!this.#needsWitness(zone, verdict, tracked)) return this.#act(zone, verdict, desired, tracked);
    const { fqdn } = this.#facts;
    const before = zone.mirror.of(fqdn);
    await this.#stay.outside(() => zone.lookAt(fqdn));
    const differs = !sameRecords(before, zone.mirror.of(fqdn));
    // What the look has shown may be ours by the mark of an intent: the facts, which are older, were not settled by it.
    if (differs && !this.#options.lastRound) return 'look again';
    verdict = this.#decide(zone, desired, tracked);
    const ended = await this.#act(zone, verdict, desired, tracked);
    return !differs || ended === 'look again' ? ended : { ...ended, next: ended.next ?? 'again' };
  }

  /** An earlier create may have taken effect after all: of many names, their settlement asks a list alone. */
  #mayHold(zoneId: string): boolean {
    return this.#facts.intents.some((intent) => intent.action === 'create' && intent.zoneId === zoneId);
  }

  /**
   * A list of several pages can miss a record while others write: absence needs a second witness, of foreign ones, too. And a
   * list that is outdated can show a record that is gone: what is superfluous beside it is deleted only if that is there.
   */
  #needsWitness(
    { zone: { id: zoneId }, mirror }: ManagedZone,
    verdict: Verdict,
    tracked: readonly TrackedRecord[],
  ): boolean {
    const { fqdn } = this.#facts;
    if (mirror.isDoubtful(fqdn) || (verdict.absent.length > 0 && mirror.pages > 1)) return true;
    if (mirror.pages > 1 && verdict.changes.some(({ action }) => action === 'create') && this.#mayHold(zoneId))
      return true;
    if (!deletesBeside(verdict.changes)) return false;
    return waiting(this.#options, { fqdn, verdict, deletes: false }, tracked, this.#context) === null;
  }

  #decide(zone: ManagedZone, desired: DesiredName | null, tracked: readonly TrackedRecord[]): Verdict {
    const { rules } = this.#options;
    const { fqdn } = this.#facts;
    return decide({
      fqdn,
      desired,
      tracked,
      actual: zone.mirror.of(fqdn),
      apex: fqdn === zone.name,
      outside: rules.outside(fqdn),
      rules: { allowApex: rules.allowApex, allowWildcard: rules.allowWildcard },
      policy: rules.policy,
    });
  }

  async #act(
    zone: ManagedZone,
    verdict: Verdict,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
  ): Promise<Ended | 'look again'> {
    const { guard, observer, flaps } = this.#options;
    const { fqdn } = this.#facts;
    const held = verdict.held.map((change): ChangeResult => ({ change, result: 'held', error: problemOf(verdict) }));
    const deletions = verdict.changes.filter((change) => change.action === 'delete' && !change.replaced);
    if (deletions.length === 0) guard.settled(zone.name, fqdn);
    if (verdict.drift !== null && this.#context.trigger !== 'change') observer.driftDetected(zone.name, verdict.drift);
    if (verdict.changes.length === 0) {
      await this.#correct(corrections(zone, verdict, desired, tracked));
      const ended: Ended = { state: verdict.state, problem: problemOf(verdict), changes: held };
      // Somebody was quicker with the deletion that was ordered. A consumer who wants the name is to be served again.
      return this.#context.order?.kind === 'delete' && this.#desired !== null ? { ...ended, next: 'again' } : ended;
    }
    const about = { fqdn, verdict, deletes: deletions.length > 0 };
    const pending = waiting(this.#options, about, tracked, this.#context);
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
    const outcome = await this.#write(zone, verdict, deletions);
    const results = verdict.changes.map((change) => resultOf(change, outcome));
    this.#observe(zone, results);
    if (outcome.kind === 'applied' || outcome.kind === 'unknown') this.#options.made.push(...results);
    if (deletions.length > 0 && outcome.kind === 'unknown') guard.counted(zone.name);
    else if (outcome.kind !== 'applied') guard.ended(fqdn, zone.name);
    if (outcome.kind === 'applied') {
      if (this.#context.trigger === 'drift' && desired !== null) flaps.repaired(fqdn);
      if (deletions.length > 0) guard.deleted(zone.name, fqdn);
      const [now, { trigger, since }] = [this.#options.clock.wall(), this.#context];
      observer.converged(zone.name, trigger, Math.max(0, now - since));
      if (isNewlyLate(this.#context, now)) observer.late(zone.name, trigger);
      return this.#afterwards(zone, verdict, desired, tracked, outcome.records, [...held, ...results]);
    }
    if (
      outcome.kind === 'refused' &&
      (outcome.error.code === 'cloudflare_conflict' || outcome.error.code === 'cloudflare_gone')
    ) {
      await this.#stay.outside(() => zone.lookAt(fqdn));
      if (!this.#options.lastRound) return 'look again';
      const error = new ZonekeeperError(
        'cloudflare_rejected',
        'The name changed at Cloudflare while it was worked on.',
      );
      return this.#failed(error, [...held, ...results]);
    }
    // We end or lead no more: not a fact about the name. Whoever leads next looks at it.
    if (outcome.error.code === 'shutting_down' || outcome.error.code === 'not_leader') throw outcome.error;
    return { ...this.#failed(outcome.error, [...held, ...results]), held: OF_THE_RECORD.has(outcome.error.code) };
  }

  async #correct(correction: Correction | null): Promise<void> {
    if (correction !== null) await this.#stay.outside(() => this.#options.corrector.correct(correction));
  }

  async #write(zone: ManagedZone, verdict: Verdict, deletions: readonly Change[]): Promise<WorkOutcome> {
    const consumer = this.#desired?.consumer ?? null;
    const { steps, guard } = this.#options;
    const { fqdn } = this.#facts;
    const deletes = () => causeOfDeletion(this.#context, guard.isReleased({ fqdn, changes: deletions }));
    const submitted = zone.writer.submit({
      fqdn,
      changes: verdict.changes,
      forget: verdict.forget,
      consumer,
      cause: deletions.length > 0 ? deletes() : causeOf(this.#context),
      ...(steps !== null && { steps }),
    });
    const done = this.#stay.outside(() => submitted);
    return steps === null ? done : steps.of('write', () => done);
  }

  /** After a write: judged once more by what Cloudflare answered, so that no report says more than is true. */
  #afterwards(
    zone: ManagedZone,
    verdict: Verdict,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
    records: readonly (ActualRecord | null)[],
    changes: readonly ChangeResult[],
  ): Ended {
    const gone = new Set([...verdict.forget, ...verdict.changes.map(({ recordId }) => recordId)]);
    const now = [
      ...tracked.filter(({ recordId }) => !gone.has(recordId)),
      ...records.flatMap((record) =>
        record === null ? [] : [trackedAs(zone, record, this.#desired?.consumer ?? null)],
      ),
    ];
    const after = this.#decide(zone, desired, now);
    const wantedStill = this.#context.order?.kind === 'delete' && this.#desired !== null;
    if (after.changes.length > 0 || wantedStill)
      return { state: after.drift ?? after.state, problem: problemOf(after), changes, next: 'again' };
    return { state: after.state, problem: problemOf(after), changes };
  }

  async #adopt(
    zone: ManagedZone,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
  ): Promise<Ended | 'look again'> {
    const { fqdn } = this.#facts;
    await this.#stay.outside(() => zone.lookAt(fqdn));
    const found = adoptable(zone, fqdn, desired, tracked);
    if ('refusal' in found) {
      const ended = await this.#converge(zone, desired, tracked);
      // The look may have shown a record of ours that the facts, which are older, were not settled by.
      return ended === 'look again' ? ended : { ...ended, refusal: found.refusal, next: ended.next ?? 'again' };
    }
    const consumer = desired?.consumer ?? null;
    const cause = causeOf(this.#context);
    const common = { zoneId: zone.zone.id, zone: zone.name, consumer, intent: null, cause };
    const track = found.records.map((record) => ({ ...common, record }));
    await this.#correct({ forget: [], refresh: [], track, deleted: [], drop: [], end: [] });
    return this.#converge(zone, desired, [
      ...tracked,
      ...found.records.map((record) => trackedAs(zone, record, consumer)),
    ]);
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

  #observe(zone: ManagedZone, results: readonly ChangeResult[]): void {
    for (const { change, result, error } of results) {
      this.#options.observer.changed({
        fqdn: change.fqdn,
        zone: zone.name,
        action: change.action,
        result,
        error,
        trigger: this.#context.trigger,
        reason: change.reason,
        operationId: this.#context.operationId,
      });
    }
  }
}

/** Is anything deleted because of a record that stays as it is? Where one is created in its place, nothing depends on that. */
function deletesBeside(changes: readonly Change[]): boolean {
  const created = changes.flatMap(({ action, type }) => (action === 'create' ? [type] : []));
  const replaces = (type: string) => created.some((one) => one === type || one === 'CNAME' || type === 'CNAME');
  return changes.some(({ action, replaced, type }) => action === 'delete' && replaced && !replaces(type));
}
