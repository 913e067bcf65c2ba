import type { Clock } from '../controller/clock.ts';
import type { Gather } from '../controller/gather.ts';
import type { Steps } from '../controller/steps.ts';
import { Stopwatch } from '../controller/stopwatch.ts';
import { formatMark } from '../dns/mark.ts';
import type { ActualRecord, Change, ConsumerRef } from '../dns/record.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { Cause, Ledger, NewIntent, SettledChange } from '../ledger/port.ts';
import type { ZoneMirror } from './mirror.ts';
import type { DnsApi, UnitOutcome, WriteOperation, WriteUnit, Zone } from './port.ts';

/** The changes of one name, to be made together or not at all. */
export interface Work {
  readonly fqdn: string;
  /** In the order in which they take effect: deletes, updates, creates. */
  readonly changes: readonly Change[];
  /** Tracked rows of this name whose record is known to be gone. */
  readonly forget: readonly string[];
  readonly consumer: ConsumerRef | null;
  readonly cause: Cause;
  /** Where the steps of the call are noted, for whoever traces them. */
  readonly steps?: Steps | undefined;
}

/** What became of it. */
export type WorkOutcome =
  | { readonly kind: 'applied'; readonly records: readonly (ActualRecord | null)[] }
  | { readonly kind: 'refused' | 'unknown' | 'deferred'; readonly error: ZonekeeperError };

export interface WriterOptions {
  readonly zone: () => Zone;
  readonly mirror: ZoneMirror;
  readonly api: DnsApi;
  readonly ledger: Ledger;
  readonly gather: Gather;
  readonly clock: Clock;
  readonly ownerId: string;
  /** A new intent id: short, unique for ever. */
  readonly newId: () => string;
  /** Milliseconds for which we certainly lead; 0 when we do not. */
  readonly leadsForMs: () => number;
  /** Runs a function when the present macrotask has ended. */
  readonly defer: (run: () => void) => void;
  /** Ends the wait for the budget. */
  readonly signal: AbortSignal;
}

interface Pending {
  readonly work: Work;
  readonly resolve: (outcome: WorkOutcome) => void;
}

/** Everything of one call, retries of a split batch included, ends within this time of its intents' commit. */
export const WRITE_DEADLINE_MS = 30_000;
/** A call that has less time left is not sent. */
const LEAST_MS = 1_000;
/** Works that wait at most: more than the names that can be in flight, so that it is never reached. */
const MAX_PENDING = 200_000;

/**
 * The one writer of a zone. What is submitted while nobody else is on the way leaves at once; what is submitted while
 * a call is under way gathers for the next one, up to the zone's batch limit.
 *
 * Each call is three steps: commit the intents, call Cloudflare, commit the outcome. A crash between any two of them is
 * settled by whoever looks at the name next.
 */
export class ZoneWriter {
  readonly #options: WriterOptions;
  readonly #pending: Pending[] = [];
  #busy = false;
  #armed = false;
  #stopped = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Names that wait for a call. */
  get backlog(): number {
    return this.#pending.length;
  }

  /** Resolves when the work is done, refused, or known to be of unknown outcome. Never rejects. */
  submit(work: Work): Promise<WorkOutcome> {
    if (work.changes.length > this.#options.zone().batchLimit) {
      const message = `${work.fqdn} needs ${work.changes.length} changes, more than one call can carry.`;
      return Promise.resolve({ kind: 'refused', error: new ZonekeeperError('cloudflare_validation', message) });
    }
    if (this.#stopped || this.#pending.length >= MAX_PENDING) return Promise.resolve(stopped());
    return new Promise((resolve) => {
      this.#pending.push({ work, resolve });
      this.#arm();
    });
  }

  /** Sends nothing more; what waits is deferred. A call under way goes on and is waited for by its submitters. */
  stop(): void {
    this.#stopped = true;
    for (const { resolve } of this.#pending.splice(0)) resolve(stopped());
  }

  #arm(): void {
    if (this.#busy || this.#armed || this.#pending.length === 0) return;
    this.#armed = true;
    const { gather, defer } = this.#options;
    gather.settled(() =>
      // Whoever was told of the same answer a moment later has its turn, too.
      defer(() => {
        this.#armed = false;
        if (gather.inside > 0) this.#arm();
        else void this.#run();
      }),
    );
  }

  async #run(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#pending.length > 0) {
        // Intents have a deadline: they are made when a call can leave, not while the budget is spent.
        await this.#options.api.ready({ signal: this.#options.signal });
        const batch = this.#take();
        if (batch.length === 0) break;
        const outcomes = await this.#outcomes(batch.map(({ work }) => work));
        for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] ?? stopped());
        // Whoever was waiting for these answers may have more for the next call.
        if (this.#options.gather.inside > 0) break;
      }
    } catch (error) {
      // The wait was ended: nothing more is sent, and nothing was. If not by us, whoever waited tries again.
      if (this.#options.signal.aborted) this.stop();
      const failed = toError(error);
      for (const { resolve } of this.#pending.splice(0)) resolve({ kind: 'deferred', error: failed });
    } finally {
      this.#busy = false;
      this.#arm();
    }
  }

  /** A bug must not end the writing to this zone for ever: its works fail with it, and are looked at again. */
  async #outcomes(works: readonly Work[]): Promise<readonly WorkOutcome[]> {
    try {
      return await this.#send(works);
    } catch (error) {
      const failed = toError(error);
      return works.map(() => ({ kind: 'unknown', error: failed }));
    }
  }

  /** As many works as one call carries. */
  #take(): Pending[] {
    const limit = this.#options.zone().batchLimit;
    let operations = 0;
    let count = 0;
    for (const { work } of this.#pending) {
      if (operations + work.changes.length > limit) break;
      operations += work.changes.length;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #send(works: readonly Work[]): Promise<readonly WorkOutcome[]> {
    const { api, ledger, mirror, zone } = this.#options;
    const { id: zoneId } = zone();
    const plans = works.map((work) => this.#plan(work, zoneId));
    // Counted from before the commit: never later than the deadline on the database's clock.
    const { clock } = this.#options;
    const since = new Stopwatch(clock);
    const begun = clock.wall();
    try {
      const forget = works.flatMap((work) => work.forget.map((recordId) => ({ zoneId, recordId })));
      await ledger.begin(
        plans.flatMap(({ intents }) => intents),
        forget,
        WRITE_DEADLINE_MS,
      );
    } catch (error) {
      const failed = toError(error);
      return works.map(() => ({ kind: 'deferred', error: failed }));
    }
    for (const { fqdn } of works) mirror.beginWrite(fqdn);
    const called = clock.wall();
    const outcomes = await api.write(
      zone(),
      plans.map(({ unit }) => unit),
      { remaining: () => this.#remaining(since) },
    );
    const answered = clock.wall();
    for (const [index, { fqdn }] of works.entries()) {
      const outcome = outcomes[index];
      const unit = plans[index]?.unit;
      if (outcome?.kind === 'applied' && unit !== undefined) {
        mirror.endWrite(fqdn, (records) => applied(records, unit.operations, outcome.records));
      } else {
        mirror.endWrite(fqdn, outcome?.kind === 'unknown' ? undefined : (records) => records);
      }
    }
    const settled = await this.#settle(works, plans, outcomes);
    const ended = clock.wall();
    for (const { steps } of works) {
      steps?.add('intents', begun, called, 'write');
      steps?.add('cloudflare', called, answered, 'write');
      steps?.add('outcome', answered, ended, 'write');
    }
    return settled;
  }

  #plan(work: Work, zoneId: string): { intents: NewIntent[]; unit: WriteUnit } {
    const intents: NewIntent[] = [];
    const operations = work.changes.map((change): WriteOperation => {
      const id = this.#options.newId();
      const { fqdn, action, recordId, replaced } = change;
      intents.push({ id, zoneId, fqdn, action, recordId, consumer: work.consumer, replaced });
      return operationOf(change, formatMark(this.#options.ownerId, id));
    });
    return { intents, unit: { fqdn: work.fqdn, operations } };
  }

  #remaining(since: Stopwatch): number | null {
    const left = Math.min(WRITE_DEADLINE_MS - since.elapsedMs(), this.#options.leadsForMs());
    return left < LEAST_MS ? null : left;
  }

  async #settle(
    works: readonly Work[],
    plans: readonly { intents: readonly NewIntent[] }[],
    outcomes: readonly UnitOutcome[],
  ): Promise<readonly WorkOutcome[]> {
    const { id: zoneId, name: zone } = this.#options.zone();
    const settled = works.flatMap((work, index) => {
      const outcome = outcomes[index];
      return work.changes.map(
        (change, at): SettledChange => ({
          change,
          intentId: plans[index]?.intents[at]?.id ?? '',
          zoneId,
          zone,
          consumer: work.consumer,
          cause: work.cause,
          // What was deferred did not happen: its intent ends like that of a refused one.
          result: outcome?.kind === 'applied' ? 'done' : outcome?.kind === 'unknown' ? 'unknown' : 'refused',
          record: outcome?.kind === 'applied' ? (outcome.records[at] ?? null) : null,
          error: outcome === undefined || outcome.kind === 'applied' ? null : outcome.error,
        }),
      );
    });
    try {
      await this.#options.ledger.settle(settled);
      return works.map((_, index) => outcomes[index] ?? stopped());
    } catch (error) {
      // Cloudflare has it, the ledger does not: the intents are still open, and the next look finds the records by them.
      const failed = toError(error);
      return works.map(() => ({ kind: 'unknown', error: failed }));
    }
  }
}

function stopped(): WorkOutcome {
  return { kind: 'deferred', error: new ZonekeeperError('shutting_down', 'The zone is not written to any more.') };
}

function operationOf(change: Change, comment: string): WriteOperation {
  const { fqdn, after, recordId } = change;
  if (after === null) return { action: 'delete', fqdn, recordId: required(recordId) };
  if (recordId === null) return { action: 'create', fqdn, spec: after, comment };
  return { action: 'update', fqdn, recordId, spec: after };
}

function required(recordId: string | null): string {
  if (recordId === null) throw new Error('A change of an existing record names it.');
  return recordId;
}

/** The records of a name after its operations. */
function applied(
  records: readonly ActualRecord[],
  operations: readonly WriteOperation[],
  results: readonly (ActualRecord | null)[],
): readonly ActualRecord[] {
  const gone = new Set(operations.flatMap((operation) => (operation.action === 'create' ? [] : [operation.recordId])));
  return [...records.filter(({ id }) => !gone.has(id)), ...results.filter((record) => record !== null)];
}
