import { Batcher } from '../controller/batcher.ts';
import { Steps } from '../controller/steps.ts';
import type { Result } from '../controller/workers.ts';
import { toError } from '../errors.ts';
import type { Correction, NameFacts, StateUpdate } from '../ledger/port.ts';
import { type Attempts, parentOf, withOneMore } from './attempts.ts';
import { type Context, carryOn, type Order } from './context.ts';
import type { Core } from './core.ts';
import { Corrector } from './corrector.ts';
import { DeletionJudge } from './deletions.ts';
import { FlapDetector } from './flap.ts';
import { isNewlyLate } from './objective.ts';
import type { ChangeOutcome, ChangeResult } from './outcome.ts';
import { settle, settlementOf } from './settlement.ts';
import { Stay } from './stay.ts';
import { Visit } from './visit.ts';
import type { VisitResult } from './visit-result.ts';

/** Names whose facts one statement reads, and whose states one transaction writes. */
const READ_AT_ONCE = 5_000;
/** All begins anew after a refusal that contradicts what we knew; more often than this, the name is tried again later. */
const ROUNDS = 3;
/** More than can be in flight. */
const BACKLOG = 200_000;

/**
 * Makes one name as it should be. There is no other path by which a record changes; a notification, a drift check, a
 * retry and a person's sync differ only in the {@link Context}.
 *
 *     facts (ledger) ─▶ open intents settled ─▶ verdict (pure) ─▶ guard ─▶ zone writer ─▶ state
 *
 * It reads the present truth when it runs, so it does not matter why, how often or in which order names are queued.
 */
export class Reconciler {
  readonly #options: Core;
  readonly #facts: Batcher<string, NameFacts>;
  readonly #states: Batcher<StateUpdate, undefined>;
  readonly #corrector: Corrector;
  readonly #judge: DeletionJudge;
  readonly #flaps: FlapDetector;
  /** Orders that were carried out or refused: a retry keeps its context, and must not do them again. */
  readonly #spent = new WeakSet<Order>();

  constructor(options: Core) {
    this.#options = options;
    const { ledger, defer, clock } = options;
    this.#facts = new Batcher({
      run: async (fqdns) => {
        const facts = await ledger.facts(fqdns);
        return fqdns.map((fqdn) => facts.get(fqdn) ?? { fqdn, rows: [], tracked: [], intents: [], state: null });
      },
      maxBatch: READ_AT_ONCE,
      concurrency: 2,
      maxBacklog: BACKLOG,
      defer,
    });
    this.#states = new Batcher({
      run: async (updates) => {
        await ledger.setStates(updates);
        return updates.map(() => undefined);
      },
      maxBatch: READ_AT_ONCE,
      concurrency: 1,
      maxBacklog: BACKLOG,
      defer,
    });
    this.#corrector = new Corrector(options);
    this.#judge = new DeletionJudge(options);
    this.#flaps = new FlapDetector(clock);
  }

  /** The work of one key. Throws only what the database or a bug threw; the queue then tries again. */
  async process(fqdn: string, given: Context): Promise<Result<Context>> {
    const { gather } = this.#options;
    const context = given.order !== null && this.#spent.has(given.order) ? { ...given, order: null } : given;
    const stay = new Stay(gather);
    const steps = this.#steps(context);
    // Of all rounds, and of a round that failed in the end: whoever asked is told of every change that was made.
    const made: ChangeResult[] = [];
    const traced = <T>(name: string, work: () => Promise<T>) => (steps === null ? work() : steps.of(name, work));
    try {
      for (let round = 1; ; round++) {
        // Also the facts anew: what is in the way may carry the mark of an intent of ours, or have been tracked before.
        const facts = await traced('facts', () => this.#settledFacts(fqdn, context, stay));
        if ('waitMs' in facts) return { requeueAfterMs: facts.waitMs, context };
        const [corrector, judge, flaps] = [this.#corrector, this.#judge, this.#flaps];
        const own = { corrector, judge, flaps, steps, lastRound: round === ROUNDS, made };
        const visit = new Visit({ ...this.#options, ...own }, facts, context, stay);
        const result = await visit.run();
        if (result === 'look again') continue;
        stay.leave();
        await traced('state', () => this.#store(facts, result.update));
        const outcome = withMade(result.outcome, made);
        this.#tell(fqdn, context, outcome);
        const attempts = this.#trace(fqdn, context, steps, outcome);
        return this.#next(attempts === null ? context : { ...context, attempts }, result);
      }
    } catch (error) {
      const { code, message } = toError(error);
      this.#tell(fqdn, context, { state: 'failed', problem: { code, message }, changes: made, refusal: null });
      throw error;
    } finally {
      // Whoever stays would keep every writer waiting.
      stay.leave();
    }
  }

  /** The facts once no outcome is open any more; or how long to wait for a predecessor's call. */
  async #settledFacts(fqdn: string, context: Context, stay: Stay): Promise<NameFacts | { waitMs: number }> {
    const { epoch, zones, rules, guard } = this.#options;
    const facts = await this.#read(fqdn);
    if (facts.intents.length === 0) return facts;
    const { waitMs, look } = settlementOf(facts, epoch);
    if (waitMs > 0) return { waitMs };
    for (const zoneId of look) await stay.outside(async () => zones.byId(zoneId)?.lookAt(fqdn));
    const isReleased = (recordId: string | null) => guard.isReleasedRecord(recordId);
    const correction = settle(facts, zones, rules.ownerId, context, isReleased);
    if (correction === null) return facts;
    try {
      await stay.outside(() => this.#corrector.correct(correction));
    } finally {
      // Also where the answer was lost.
      this.#countDeletions(facts, correction);
    }
    return this.#read(fqdn);
  }

  async #read(fqdn: string): Promise<NameFacts> {
    const facts = await this.#facts.load(fqdn);
    // Nothing else works on the name: without an open intent, no deletion of it is on its way.
    if (!facts.intents.some(({ action, state }) => action === 'delete' && state === 'open'))
      this.#options.guard.ended(fqdn);
    return facts;
  }

  /** The ledger knows more deletions than it did: the guard may be asking it right now. */
  #countDeletions({ intents }: NameFacts, { deleted, drop }: Correction): void {
    const { guard, zones } = this.#options;
    for (const { zone } of deleted) guard.counted(zone);
    for (const { id, action, zoneId } of intents) {
      const zone = action === 'delete' && drop.includes(id) ? zones.byId(zoneId) : undefined;
      if (zone !== undefined) guard.counted(zone.name);
    }
  }

  #steps(context: Context): Steps | null {
    const { observer, clock } = this.#options;
    if (observer.traced === undefined) return null;
    const steps = new Steps(() => clock.wall());
    steps.add('queue', Math.min(begunAt(context), clock.wall()), clock.wall());
    return steps;
  }

  /** Tells of the run. Returns what the next attempt is to know of it and those before; null where nobody traces. */
  #trace(fqdn: string, context: Context, steps: Steps | null, outcome: ChangeOutcome): Attempts | null {
    const { state, problem, changes } = outcome;
    const { trigger, operationId, attempts = null } = context;
    if (steps === null || changes.length === 0) return attempts;
    const attempt = (attempts?.count ?? 0) + 1;
    const traceparent = parentOf(attempts, context.traceparent ?? null);
    const until = this.#options.clock.wall();
    const since = Math.min(begunAt(context), until);
    const run = { fqdn, trigger, operationId, traceparent, attempt, since, until, steps: steps.all };
    const traced = this.#options.observer.traced?.({ ...run, state, problem, changes: changes.length });
    return traced === undefined ? null : withOneMore(attempts, traced, until);
  }

  async #store(facts: NameFacts, update: StateUpdate): Promise<void> {
    const settled = update.state === 'in_sync' || update.state === 'gone';
    const before = facts.state;
    const same = settled
      ? before === null
      : before?.state === update.state &&
        before.code === update.code &&
        before.reason === update.reason &&
        update.nextTryMs === null;
    if (same) return;
    await this.#states.load(update);
    if (settled || before?.state !== update.state || before.reason !== update.reason) {
      this.#options.observer.stateChanged(update.fqdn, update.zone, update.state, update.reason);
    }
  }

  #tell(fqdn: string, context: Context, outcome: ChangeOutcome): void {
    if (context.order !== null) this.#spent.add(context.order);
    for (const watcher of context.watchers) watcher.settled(fqdn, outcome);
  }

  #next(context: Context, { update, next, held }: VisitResult): Result<Context> {
    if (next === 'done') return 'done';
    const later = carryOn(context);
    if (next === 'again') return { requeueAfterMs: 0, context: later };
    if (next === 'retry') {
      const afterMs = update.nextTryMs ?? 0;
      return { retry: true, afterMs, context: held ? this.#heldFor(later, afterMs) : this.#overdue(later, update) };
    }
    if ('afterMs' in next) {
      return { requeueAfterMs: next.afterMs, context: held ? this.#heldFor(later, next.afterMs) : later };
    }
    return next.againIf() ? { requeueAfterMs: 0, context: later } : 'done';
  }

  #heldFor(context: Context, ms: number): Context {
    return { ...context, since: this.#options.clock.wall() + ms, held: true, late: false };
  }

  /** A change that fails for long is counted as late now, not when it succeeds: an outage should show while it lasts. */
  #overdue(context: Context, { zone }: StateUpdate): Context {
    if (zone === null || !isNewlyLate(context, this.#options.clock.wall())) return context;
    this.#options.observer.late(zone, context.trigger);
    return { ...context, late: true };
  }
}

/** Since when this attempt is under way: from the commit or the detection, or from the end of the one before. */
function begunAt({ since, attempts = null }: Context): number {
  return attempts === null ? since : attempts.endedAt;
}

/** An outcome with the changes of earlier rounds. */
function withMade(outcome: ChangeOutcome, made: readonly ChangeResult[]): ChangeOutcome {
  const earlier = made.filter((one) => !outcome.changes.includes(one));
  return earlier.length === 0 ? outcome : { ...outcome, changes: [...earlier, ...outcome.changes] };
}
