import { createHash } from 'node:crypto';
import { json } from '../database/columns.ts';
import type { Database, Row } from '../database/database.ts';
import type { Fence } from '../leadership/fence.ts';

export type OperationKind = 'sync' | 'plan' | 'delete' | 'adopt';
export type OperationState = 'queued' | 'running' | 'done' | 'failed';

/** What somebody asked for, and how far it is. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly request: OperationRequest;
  readonly requestedBy: string;
  readonly state: OperationState;
  /** Wall-clock milliseconds, by the database. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly progress: OperationProgress | null;
  readonly report: unknown;
  readonly error: OperationError | null;
}

export interface OperationRequest {
  /** Names; null for all. */
  readonly fqdns: readonly string[] | null;
  readonly dryRun: boolean;
  /** The hash of the plan that is confirmed. */
  readonly confirm: string | null;
  readonly force: boolean;
  /** Trace context of the HTTP request, where it is traced: W3C traceparent and tracestate in one text. */
  readonly traceparent?: string | null;
}

export interface OperationProgress {
  readonly phase: 'refreshing' | 'changing';
  readonly done: number;
  readonly total: number;
}

export interface OperationError {
  readonly code: string;
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

const COLUMNS = `id, kind, request, requested_by, state, created_at, started_at, finished_at, progress, report, error`;
const LIGHT = `id, kind, request, requested_by, state, created_at, started_at, finished_at, progress, report - 'changes', error`;

/** The operations, as any process may ask for and read them. */
export class Operations {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Asks for an operation, or joins an equal one that has not ended. Announces it. */
  async ask(
    id: string,
    kind: OperationKind,
    request: OperationRequest,
    requestedBy: string,
  ): Promise<{ id: string; joined: boolean }> {
    const sameAs = sameness(kind, request);
    // An equal one may end between the two statements; then it is our turn to ask.
    for (;;) {
      const made = await this.#db.rows(
        `INSERT INTO @.operations (id, kind, same_as, request, requested_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (same_as) WHERE state IN ('queued', 'running') DO NOTHING RETURNING id`,
        [id, kind, sameAs, json(request), requestedBy],
      );
      if (made.length > 0) {
        await this.#db.rows('SELECT pg_notify($1, $2)', [this.#db.channel('operations'), '']);
        return { id, joined: false };
      }
      const [other] = await this.#db.rows(
        `SELECT id FROM @.operations WHERE same_as = $1 AND state IN ('queued', 'running')`,
        [sameAs],
      );
      if (other !== undefined) return { id: other[0] as string, joined: true };
    }
  }

  async get(id: string): Promise<Operation | null> {
    const [row] = await this.#db.rows(`SELECT ${COLUMNS} FROM @.operations WHERE id = $1`, [id]);
    return row === undefined ? null : operationOf(row);
  }

  /** The latest first, without the changes of their reports. `before` is the id to go on from. */
  async list(limit: number, before: string | null): Promise<readonly Operation[]> {
    const rows = await this.#db.rows(
      `SELECT ${LIGHT} FROM @.operations
        WHERE kind <> 'plan' AND ($2::text IS NULL OR (created_at, id) < (SELECT created_at, id FROM @.operations WHERE id = $2))
        ORDER BY created_at DESC, id DESC LIMIT $1`,
      [limit, before],
    );
    return rows.map(operationOf);
  }

  /** Nobody carries it out: it ends as failed, unless somebody has taken it meanwhile. True if it was given up. */
  async giveUp(id: string, error: OperationError): Promise<boolean> {
    const rows = await this.#db.rows(
      `UPDATE @.operations SET state = 'failed', finished_at = clock_timestamp(), error = $2 WHERE id = $1 AND state = 'queued' RETURNING id`,
      [id, json(error)],
    );
    return rows.length > 0;
  }

  /**
   * For the leader: takes the oldest operations that wait, that a predecessor left unfinished, or that were given to us in an
   * answer that got lost. `known` are those that we are carrying out.
   */
  async take(fence: Fence, limit: number, known: readonly string[]): Promise<readonly Operation[]> {
    return this.#db.transaction(async (tx) => {
      await fence.hold(tx);
      // The condition once more: after the wait for somebody who gives the operation up, or ends it, only what is outside of the
      // sub-select is asked again.
      const waits = `(state = 'queued' OR (state = 'running' AND (epoch < $1 OR id <> ALL ($3))))`;
      const rows = await tx.rows(
        `UPDATE @.operations SET state = 'running', epoch = $1, started_at = coalesce(started_at, clock_timestamp())
          WHERE ${waits} AND id IN (SELECT id FROM @.operations WHERE ${waits} ORDER BY created_at, id LIMIT $2)
        RETURNING ${COLUMNS}`,
        [fence.epoch, limit, known],
      );
      return rows.map(operationOf).sort((a, b) => a.createdAt - b.createdAt);
    });
  }

  async progress(fence: Fence, id: string, progress: OperationProgress): Promise<void> {
    await this.#db.rows(`UPDATE @.operations SET progress = $3 WHERE id = $1 AND epoch = $2 AND state = 'running'`, [
      id,
      fence.epoch,
      json(progress),
    ]);
    await this.#announce(id);
  }

  /**
   * Writes the end of an operation that this epoch carried out. False when another epoch has taken it since: then it is
   * that one's to end. True also when this epoch has ended it before, whose answer was lost.
   */
  async finish(fence: Fence, id: string, report: unknown, error: OperationError | null): Promise<boolean> {
    const [row] = await this.#db.rows(
      `WITH ended AS (
         UPDATE @.operations SET state = $3, finished_at = clock_timestamp(), report = $4, error = $5
          WHERE id = $1 AND epoch = $2 AND state = 'running' RETURNING id)
       SELECT EXISTS (SELECT FROM ended)
           OR EXISTS (SELECT FROM @.operations WHERE id = $1 AND epoch = $2 AND state IN ('done', 'failed'))`,
      [id, fence.epoch, error === null ? 'done' : 'failed', json(report), json(error)],
    );
    const isOurs = row?.[0] === true;
    if (isOurs) await this.#announce(id);
    return isOurs;
  }

  /** Uses a confirmation up. False when another operation used it before. */
  async useConfirmation(fence: Fence, hash: string, operationId: string): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      await fence.hold(tx);
      const rows = await tx.rows(
        `INSERT INTO @.confirmations (hash, operation_id) VALUES ($1, $2) 
         ON CONFLICT (hash) DO UPDATE SET used_at = now() WHERE confirmations.operation_id = excluded.operation_id RETURNING hash`,
        [hash, operationId],
      );
      return rows.length > 0;
    });
  }

  async #announce(id: string): Promise<void> {
    await this.#db.rows('SELECT pg_notify($1, $2)', [this.#db.channel('events'), JSON.stringify({ operation: id })]);
  }
}

/** The same for equal requests. A hash, because an index holds no text as long as thousands of names. */
function sameness(kind: OperationKind, { fqdns, dryRun, confirm, force }: OperationRequest): string {
  const names = fqdns === null ? null : [...fqdns].sort();
  return createHash('sha256')
    .update(JSON.stringify([kind, names, dryRun, confirm, force]))
    .digest('hex');
}

function operationOf(row: Row): Operation {
  const [id, kind, request, requestedBy, state, createdAt, startedAt, finishedAt, progress, report, error] = row;
  return {
    id: id as string,
    kind: kind as OperationKind,
    request: request as OperationRequest,
    requestedBy: requestedBy as string,
    state: state as OperationState,
    createdAt: createdAt as number,
    startedAt: startedAt as number | null,
    finishedAt: finishedAt as number | null,
    progress: progress as OperationProgress | null,
    report,
    error: error as OperationError | null,
  };
}
