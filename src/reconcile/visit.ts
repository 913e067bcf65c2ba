import type { WorkOutcome } from '../cloudflare/writer.ts';
import type { DesiredName, Problem } from '../dns/desired.ts';
import type { ActualRecord, Change, NameState, RecordType, TrackedRecord } from '../dns/record.ts';
import { RECORD_TYPES, sameSpec } from '../dns/record.ts';
import { decide, type Verdict } from '../dns/verdict.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { NameFacts, StateUpdate } from '../ledger/port.ts';
import { type Context, causeOf } from './context.ts';
import type { DeletionJudge } from './deletions.ts';
import type { FlapDetector } from './flap.ts';
import type { ChangeOutcome, ChangeResult } from './outcome.ts';
import type { ReconcilerOptions } from './reconciler.ts';
import type { Stay } from './stay.ts';
import type { ManagedZone } from './zone.ts';

/** What the queue does with the name next. `retry` counts as a failure, after `update.nextTryMs`. */
export type Next = 'done' | 'again' | 'retry' | { readonly afterMs: number };

export interface VisitResult {
  readonly update: StateUpdate;
  readonly outcome: ChangeOutcome;
  readonly next: Next;
}

export interface VisitOptions extends ReconcilerOptions {
  readonly judge: DeletionJudge;
  readonly flaps: FlapDetector;
}

/** How one zone's part of a name ended. */
interface Ended {
  readonly state: NameState | 'gone';
  readonly problem: Problem | null;
  readonly changes?: readonly ChangeResult[];
  readonly next?: Next;
  readonly nextTryMs?: number | null;
}

/** A verdict is made anew after a look that contradicts it; more often than this, the name is tried again later. */
const ROUNDS = 3;

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

  async run(): Promise<VisitResult> {
    const { zones } = this.#options;
    const { fqdn, tracked } = this.#facts;
    const home = zones.of(fqdn);
    const ended: Ended[] = [];
    if (home !== undefined) {
      const mine = tracked.filter(({ zoneId }) => zoneId === home.zone.id);
      ended.push(await this.#inZone(home, this.#desired, mine));
    } else if (this.#desired !== null) {
      ended.push({ state: 'failed', problem: this.#desired.problem ?? this.#noZone() });
    }
    // The name may belong to another zone since a zone below or above was added: what stands there is ours to remove.
    for (const zoneId of new Set(tracked.map((record) => record.zoneId))) {
      if (zoneId === home?.zone.id) continue;
      const other = zones.byId(zoneId);
      const theirs = tracked.filter((record) => record.zoneId === zoneId);
      if (other !== undefined) ended.push(await this.#inZone(other, null, theirs));
      else ended.push({ state: 'failed', problem: zoneGone(fqdn, zoneId) });
    }
    return this.#result(home, ended);
  }

  async #inZone(zone: ManagedZone, desired: DesiredName | null, tracked: readonly TrackedRecord[]): Promise<Ended> {
    try {
      if (!zone.mirror.ready) {
        const unseen = await this.#stay.outside(() => zone.known().then(() => null, toError));
        // Not tried again by the name: once the zone is seen, all its names are compared.
        if (unseen !== null) return { state: 'failed', problem: { code: unseen.code, message: unseen.message } };
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

  async #converge(zone: ManagedZone, desired: DesiredName | null, tracked: readonly TrackedRecord[]): Promise<Ended> {
    let confirmed = false;
    for (let round = 0; round < ROUNDS; round++) {
      const verdict = this.#decide(zone, desired, tracked);
      // A list of several pages can miss a record while others write: absence needs a second witness.
      if (verdict.absent.length > 0 && !confirmed && zone.mirror.pages > 1) {
        confirmed = true;
        await this.#stay.outside(() => zone.lookAt(this.#facts.fqdn));
        continue;
      }
      const ended = await this.#act(zone, verdict, desired, tracked);
      if (ended !== 'look again') return ended;
      await this.#stay.outside(() => zone.lookAt(this.#facts.fqdn));
    }
    return this.#failed(
      new ZonekeeperError('cloudflare_rejected', 'The name changed at Cloudflare while it was worked on.'),
      [],
    );
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
      await this.#correct(zone, verdict, desired, tracked);
      return { state: verdict.state, problem: problemOf(verdict), changes: held };
    }
    const pending = this.#waiting(verdict, deletions.length > 0, tracked);
    if (pending !== null) return { ...pending, changes: [...held, ...unmade(verdict.changes, pending.problem)] };
    if (deletions.length > 0 && this.#context.order?.kind !== 'delete') {
      const judging = this.#options.judge.judge(zone, { fqdn, changes: deletions });
      const judgement = await this.#stay.outside(() => judging);
      // The change that brought the consumer back is on its way here.
      if (judgement.kind === 'wanted') return { state: 'in_sync', problem: null, next: { afterMs: 500 } };
      if (judgement.kind === 'held') {
        const unreadable = judgement.problem.code !== 'delete_held';
        const made = [...held, ...unmade(verdict.changes, judgement.problem)];
        return { state: 'blocked', problem: judgement.problem, changes: made, ...(unreadable ? this.#retry() : {}) };
      }
    }
    const outcome = await this.#write(zone, verdict);
    const results = verdict.changes.map((change) => resultOf(change, outcome));
    this.#observe(zone, results);
    if (outcome.kind === 'applied') {
      if (this.#context.trigger === 'drift' && desired !== null) flaps.repaired(fqdn);
      if (deletions.length > 0) guard.settled(zone.name, fqdn);
      observer.converged(
        zone.name,
        this.#context.trigger,
        Math.max(0, this.#options.clock.wall() - this.#context.since),
      );
      return this.#afterwards(zone, verdict, desired, tracked, outcome.records, [...held, ...results]);
    }
    if (
      outcome.kind === 'refused' &&
      (outcome.error.code === 'cloudflare_conflict' || outcome.error.code === 'cloudflare_gone')
    ) {
      return 'look again';
    }
    // We end or lead no more: not a fact about the name. Whoever leads next looks at it.
    if (outcome.error.code === 'shutting_down' || outcome.error.code === 'not_leader') throw outcome.error;
    return this.#failed(outcome.error, [...held, ...results]);
  }

  /** Reasons of ours to leave a drift as it is for now. */
  #waiting(verdict: Verdict, deletes: boolean, tracked: readonly TrackedRecord[]): Ended | null {
    const { rules, clock, flaps } = this.#options;
    const state = verdict.drift ?? verdict.state;
    if (rules.dryRun) {
      return { state, problem: { code: 'policy_held', message: 'ZONEKEEPER_DRY_RUN is set: nothing is changed.' } };
    }
    if (this.#context.order !== null) return null;
    if (deletes && rules.deleteGraceMs > 0) {
      const since = Math.min(...tracked.map(({ unwantedSince }) => unwantedSince ?? clock.wall()));
      const left = since + rules.deleteGraceMs - clock.wall();
      if (left > 0) {
        const problem: Problem = { code: 'delete_held', message: 'ZONEKEEPER_DELETE_GRACE is not over yet.' };
        return { state, problem, next: { afterMs: left }, nextTryMs: left };
      }
    }
    const pause = this.#context.trigger === 'sync' ? 0 : flaps.pauseMs(this.#facts.fqdn);
    if (pause === 0) return null;
    const problem: Problem = { code: 'flapping', message: 'Somebody else keeps changing this record back.' };
    return { state, problem, next: { afterMs: pause }, nextTryMs: pause };
  }

  async #write(zone: ManagedZone, verdict: Verdict): Promise<WorkOutcome> {
    const consumer = this.#desired?.consumer ?? null;
    const submitted = zone.writer.submit({
      fqdn: this.#facts.fqdn,
      changes: verdict.changes,
      forget: verdict.forget,
      consumer,
      cause: causeOf(this.#context),
    });
    return this.#stay.outside(() => submitted);
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
      ...records.flatMap((record) => this.#tracked(zone, record)),
    ];
    const after = this.#decide(zone, desired, now);
    const wantedStill = this.#context.order?.kind === 'delete' && this.#desired !== null;
    if (after.changes.length > 0 || wantedStill)
      return { state: after.drift ?? after.state, problem: problemOf(after), changes, next: 'again' };
    return { state: after.state, problem: problemOf(after), changes };
  }

  #tracked(zone: ManagedZone, record: ActualRecord | null): TrackedRecord[] {
    if (record === null) return [];
    const { fqdn, id, type, content, ttl, proxied } = record;
    const consumer = this.#desired?.consumer ?? null;
    return [
      {
        fqdn,
        recordId: id,
        zoneId: zone.zone.id,
        type: type as RecordType,
        content,
        ttl,
        proxied,
        consumer,
        unwantedSince: null,
      },
    ];
  }

  /** Without any call: rows whose record is gone are removed, rows that say something outdated are brought up to date. */
  async #correct(
    zone: ManagedZone,
    verdict: Verdict,
    desired: DesiredName | null,
    tracked: readonly TrackedRecord[],
  ): Promise<void> {
    const zoneId = zone.zone.id;
    const actual = zone.mirror.of(this.#facts.fqdn);
    const refresh = tracked.flatMap((row) => {
      const record = actual.find(({ id }) => id === row.recordId);
      const consumer = desired?.consumer ?? row.consumer;
      const same =
        record === undefined ||
        (sameSpec(row, record) && consumer?.kind === row.consumer?.kind && consumer?.id === row.consumer?.id);
      return same || verdict.state === 'failed' ? [] : [{ zoneId, record, consumer }];
    });
    const forget = verdict.forget.map((recordId) => ({ zoneId, recordId }));
    if (refresh.length + forget.length === 0) return;
    await this.#stay.outside(() => this.#options.ledger.correct({ forget, refresh, track: [], drop: [], end: [] }));
  }

  async #adopt(zone: ManagedZone, desired: DesiredName | null, tracked: readonly TrackedRecord[]): Promise<Ended> {
    const { fqdn } = this.#facts;
    await this.#stay.outside(() => zone.lookAt(fqdn));
    const known = new Set(tracked.map(({ recordId }) => recordId));
    const wanted = new Set(desired?.records.map(({ type }) => type));
    const managed = (record: ActualRecord) => (RECORD_TYPES as readonly string[]).includes(record.type);
    const foreign = zone.mirror.of(fqdn).filter((record) => !known.has(record.id) && managed(record));
    if (desired === null || foreign.length === 0 || wanted.size === 0) {
      const why =
        desired === null
          ? 'no consumer wants it, so it would be deleted at once'
          : 'no foreign A, AAAA or CNAME record holds it';
      return { state: 'in_sync', problem: { code: 'nothing_to_adopt', message: `${fqdn} cannot be adopted: ${why}.` } };
    }
    const consumer = desired.consumer;
    const cause = causeOf(this.#context);
    const track = foreign.map((record) => ({
      zoneId: zone.zone.id,
      zone: zone.name,
      record,
      consumer,
      intent: null,
      cause,
    }));
    await this.#stay.outside(() => this.#options.ledger.correct({ forget: [], refresh: [], track, drop: [], end: [] }));
    return this.#converge(zone, desired, [...tracked, ...foreign.flatMap((record) => this.#tracked(zone, record))]);
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

  #noZone(): Problem {
    const names = this.#options.zones.all.map(({ name }) => name);
    const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
    return { code: 'zone_unknown', message: `No zone holds ${this.#facts.fqdn}; known are ${shown || 'none'}.` };
  }

  #observe(zone: ManagedZone, results: readonly ChangeResult[]): void {
    for (const { change, result } of results) {
      this.#options.observer.changed({
        fqdn: change.fqdn,
        zone: zone.name,
        action: change.action,
        result,
        trigger: this.#context.trigger,
        reason: change.reason,
        operationId: this.#context.operationId,
      });
    }
  }

  #result(home: ManagedZone | undefined, ended: readonly Ended[]): VisitResult {
    // The worst of the parts speaks for the name; most names have one part, and one that nobody knows has none.
    const worst = ended.reduce<Ended>((a, b) => (RANK.indexOf(b.state) > RANK.indexOf(a.state) ? b : a), {
      state: 'gone',
      problem: null,
    });
    const update: StateUpdate = {
      fqdn: this.#facts.fqdn,
      zone: home?.name ?? null,
      state: worst.state,
      code: worst.problem?.code ?? null,
      reason: worst.problem?.message ?? null,
      nextTryMs: worst.nextTryMs ?? null,
      desired: this.#desired?.records ?? [],
      actual:
        home?.mirror.of(this.#facts.fqdn).map(({ type, content, ttl, proxied }) => ({ type, content, ttl, proxied })) ??
        [],
      consumer: this.#desired?.consumer ?? null,
    };
    const changes = ended.flatMap((part) => part.changes ?? []);
    const next = worst.next ?? ended.find((part) => part.next !== undefined)?.next ?? 'done';
    return { update, outcome: { state: worst.state, problem: worst.problem, changes }, next };
  }
}

const RANK: readonly (NameState | 'gone')[] = [
  'gone',
  'in_sync',
  'orphaned',
  'modified',
  'missing',
  'conflict',
  'blocked',
  'failed',
];

function problemOf(verdict: Verdict): Problem | null {
  return verdict.code === null ? null : { code: verdict.code, message: verdict.reason ?? '' };
}

function resultOf(change: Change, outcome: WorkOutcome): ChangeResult {
  if (outcome.kind === 'applied') return { change, result: 'done', error: null };
  return { change, result: outcome.kind, error: { code: outcome.error.code, message: outcome.error.message } };
}

function unmade(changes: readonly Change[], error: Problem | null): ChangeResult[] {
  return changes.map((change) => ({ change, result: 'held', error }));
}

function zoneGone(fqdn: string, zoneId: string): Problem {
  return {
    code: 'cloudflare_zone_gone',
    message: `${fqdn} has a tracked record in the zone ${zoneId}, which the token does not see.`,
  };
}
