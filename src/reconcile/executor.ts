import { backoffMs } from '../controller/backoff.ts';
import { type Clock, type Random, sleep } from '../controller/clock.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { Fence } from '../leadership/fence.ts';
import type { Operation, OperationError, Operations } from '../ledger/operations.ts';
import type { CoreObserver } from './observer.ts';
import { carryOut, type SyncOptions, sync } from './sync.ts';

/** What the leader needs of the operations. */
export type OperationsPort = Pick<Operations, 'take' | 'progress' | 'finish' | 'useConfirmation'>;

export interface ExecutorOptions extends SyncOptions {
  readonly operations: OperationsPort;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: CoreObserver;
  /** An operation ended: for metrics and logs. */
  readonly onFinished: (operation: Operation, error: OperationError | null, report: unknown) => void;
}

/** Operations carried out at once. Syncs queue up behind one another; single names do not wait for them. */
const AT_ONCE = 20;
/** Progress is written at most this often, so that a sync of 100,000 names does not write 1,000 rows. */
const PROGRESS_EVERY_MS = 500;
/** Between two attempts to write a report down. */
const FINISH_BACKOFF = { baseMs: 500, factor: 2, maxMs: 30_000 };

/** Carries out, as the leader, what was asked of any process. */
export class Executor {
  readonly #options: ExecutorOptions;
  /** By the operation's id. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #syncs: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Takes what waits. Throws what the database threw; then nothing was taken. */
  async poll(): Promise<void> {
    const room = AT_ONCE - this.#running.size;
    if (this.#stopped || room <= 0) return;
    // Those that an earlier answer was to give us, and that got lost with it, are given once more.
    const known = [...this.#running.keys()];
    for (const operation of await this.#options.operations.take(this.#options.fence, room, known)) {
      const whole = operation.kind === 'sync' || operation.kind === 'plan';
      const run = whole ? this.#syncs.then(() => this.#run(operation)) : this.#run(operation);
      if (whole) this.#syncs = run;
      this.#running.set(operation.id, run);
      void run.then(() => this.#running.delete(operation.id));
    }
  }

  /** Takes nothing more. What is under way is left to the next leader if it does not end by itself. */
  stop(): void {
    this.#stopped = true;
    this.#abort.abort();
  }

  async #run(operation: Operation): Promise<void> {
    let report: unknown = null;
    let error: OperationError | null = null;
    try {
      report = await this.#carryOut(operation);
    } catch (thrown) {
      const { code, message, facts } = toError(thrown);
      error = { code, message, facts };
    }
    // Stopping: the row stays as it is, and the next leader begins anew.
    if (this.#stopped && error?.code === 'shutting_down') return;
    if (await this.#finish(operation, report, error)) this.#options.onFinished(operation, error, report);
  }

  /**
   * Writes the end of an operation down, however often that fails: somebody waits for it. False when we stop first, or when
   * our time was over and a successor has taken it: then it is not ours to tell of.
   */
  async #finish(operation: Operation, report: unknown, error: OperationError | null): Promise<boolean> {
    const { operations, fence, observer, clock, random } = this.#options;
    for (let failures = 1; !this.#stopped; failures++) {
      try {
        return await operations.finish(fence, operation.id, report, error);
      } catch (thrown) {
        observer.failed(`writing the report of operation ${operation.id}`, toError(thrown));
      }
      await sleep(clock, backoffMs(FINISH_BACKOFF, failures, random), this.#abort.signal).catch(() => undefined);
    }
    return false;
  }

  async #carryOut(operation: Operation): Promise<unknown> {
    const { fence, operations } = this.#options;
    if (operation.kind === 'delete' || operation.kind === 'adopt') return this.#single(operation, operation.kind);
    const planning = operation.kind === 'plan';
    return sync(this.#options, {
      operationId: operation.id,
      actor: operation.requestedBy,
      traceparent: operation.request.traceparent ?? null,
      fqdns: operation.request.fqdns,
      dryRun: planning || operation.request.dryRun,
      confirm: operation.request.confirm,
      refresh: !planning,
      useConfirmation: (hash) => operations.useConfirmation(fence, hash, operation.id),
      onProgress: this.#progressOf(operation),
    });
  }

  async #single(operation: Operation, kind: 'delete' | 'adopt'): Promise<unknown> {
    const { ledger, rules } = this.#options;
    const fqdn = operation.request.fqdns?.[0];
    if (fqdn === undefined) throw new ZonekeeperError('bad_request', 'No name was given.');
    const facts = (await ledger.facts([fqdn])).get(fqdn);
    if (kind === 'delete') {
      if (facts === undefined || facts.tracked.length === 0) {
        throw new ZonekeeperError('not_tracked', `No record of ${fqdn} is tracked.`);
      }
      const desired = rules.resolve(fqdn, facts.rows);
      if (desired !== null && !operation.request.force) {
        const { kind: what, id } = desired.consumer;
        throw new ZonekeeperError('still_wanted', `${what} ${id} still wants ${fqdn}.`, {
          facts: { consumer: desired.consumer },
        });
      }
    }
    const { force, traceparent = null } = operation.request;
    const order = { kind, force, traceparent, operationId: operation.id, actor: operation.requestedBy };
    const report = await carryOut(this.#options, fqdn, order);
    const problem = report.problems[0] ?? report.changes.find(({ error }) => error !== null)?.error;
    if (kind === 'delete' && report.deleted === 0 && problem != null) throw failure(problem);
    return report;
  }

  #progressOf(operation: Operation) {
    const { clock, operations, fence, observer } = this.#options;
    let last = Number.NEGATIVE_INFINITY;
    return (progress: Parameters<Operations['progress']>[2]) => {
      if (clock.now() - last < PROGRESS_EVERY_MS) return;
      last = clock.now();
      operations
        .progress(fence, operation.id, progress)
        .catch((error) => observer.failed('writing progress', toError(error)));
    };
  }
}

function failure(problem: { code: string; reason?: string; message?: string }): ZonekeeperError {
  const message = problem.reason ?? problem.message ?? '';
  return new ZonekeeperError(problem.code as ConstructorParameters<typeof ZonekeeperError>[0], message);
}
