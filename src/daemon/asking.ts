import { randomBytes } from 'node:crypto';
import type { Clock } from '../controller/clock.ts';
import { sleep } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';
import { leaderStatus } from '../leadership/leader.ts';
import type { Operation, OperationKind, OperationRequest, Operations } from '../ledger/operations.ts';

/** How long somebody may be between two leaders before we say that nobody leads. Milliseconds. */
const LEADER_WAIT_MS = 5_000;
const POLL_MS = 100;
const MAX_POLL_MS = 1_000;
const RETRY_AFTER_MS = 10_000;

/** Asks the leader, whichever process that is, by a row; and waits for its answer there. */
export class Asking {
  readonly #db: Database;
  readonly #operations: Operations;
  readonly #clock: Clock;

  constructor(db: Database, operations: Operations, clock: Clock) {
    this.#db = db;
    this.#operations = operations;
    this.#clock = clock;
  }

  /** Throws `no_leader` when nobody leads, nor begins to within a few seconds. */
  async ask(kind: OperationKind, request: OperationRequest, by: string): Promise<Operation> {
    await this.#leader();
    const { id } = await this.#operations.ask(newOperationId(), kind, request, by);
    const operation = await this.#operations.get(id);
    if (operation === null) throw new ZonekeeperError('internal', `Operation ${id} vanished.`);
    return operation;
  }

  /** Resolves when the operation has ended, well or not. Throws `no_leader` when its leader is gone and nobody follows. */
  async ended(id: string, signal?: AbortSignal): Promise<Operation> {
    let pause = POLL_MS / 8;
    for (let alone = 0; ; ) {
      const operation = await this.#operations.get(id);
      if (operation === null) throw new ZonekeeperError('not_found', `There is no operation ${id}.`);
      if (operation.state === 'done' || operation.state === 'failed') return operation;
      if (pause >= MAX_POLL_MS) {
        alone = (await leaderStatus(this.#db)).alive ? 0 : alone + pause;
        if (alone > LEADER_WAIT_MS) throw await this.#abandoned(operation);
      }
      await sleep(this.#clock, pause, signal);
      pause = Math.min(MAX_POLL_MS, pause * 1.5);
    }
  }

  async #leader(): Promise<void> {
    for (let waited = 0; ; waited += POLL_MS) {
      if ((await leaderStatus(this.#db)).alive) return;
      if (waited >= LEADER_WAIT_MS) throw nobody();
      await sleep(this.#clock, POLL_MS);
    }
  }

  async #abandoned({ id }: Operation): Promise<ZonekeeperError> {
    const error = nobody();
    await this.#operations.giveUp(id, { code: error.code, message: error.message });
    return error;
  }
}

function nobody(): ZonekeeperError {
  return new ZonekeeperError('no_leader', 'No process leads at the moment.', { retryAfterMs: RETRY_AFTER_MS });
}

/** Sorts by time, and is unique. */
export function newOperationId(): string {
  return `${Date.now().toString(36)}-${randomBytes(5).toString('hex')}`;
}
