import type { Clock, Random, Timer } from '../controller/clock.ts';
import { DeadlineExceeded, withTimeout } from '../controller/deadline.ts';
import { Stopwatch } from '../controller/stopwatch.ts';
import { json } from '../database/columns.ts';
import type { Database } from '../database/database.ts';
import { toError, ZonekeeperError } from '../errors.ts';

export interface ElectionEvents {
  /** We lead since now, in this epoch. */
  readonly onElected: (epoch: number) => void;
  /** We lead no more; whatever was decided in that epoch must not be sent. */
  readonly onLost: (reason: string) => void;
  /** A statement failed; the election goes on. */
  readonly onError: (error: ZonekeeperError) => void;
}

export interface ElectionOptions {
  readonly db: Pick<Database, 'rows' | 'channel'>;
  /** Unique to this process. */
  readonly holder: string;
  /** Where people find this process: its HTTP address. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ElectionEvents;
  /** After this time without a renewal, others may take over. Milliseconds. */
  readonly ttlMs?: number;
  /** Written to the row at each renewal, for whoever asks for the status. */
  readonly info: () => unknown;
  /** False: not our turn, somebody else decides that. Always true by default. */
  readonly mayLead?: () => boolean;
}

const DEFAULT_TTL_MS = 10_000;
/** We stop acting this long before others may begin: their clock is the database's, ours may run slower. */
const MARGIN_MS = 2_000;

/**
 * Leadership by the row `leader`, on the database's clock, so that it also works through a pooler.
 *
 *     candidate ──row is free or stale: epoch + 1──▶ leader ──renewal refused, or not in time──▶ candidate
 *                                                    leader ──stop(): holder := NULL──▶ stopped
 *
 * The epoch in the row fences what a predecessor still does: see {@link Fence}.
 */
export class Election {
  readonly #options: ElectionOptions;
  readonly #ttlMs: number;
  #epoch: number | null = null;
  /** Runs since before the statement that renewed was sent: never shorter than what the database's clock counts. */
  #renewed: Stopwatch | null = null;
  #timer: Timer | undefined;
  #running = false;
  #settled = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? DEFAULT_TTL_MS;
  }

  /** The epoch in which we lead, null while we do not. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Milliseconds for which nobody else can lead. 0 when we do not lead. */
  remainingMs(): number {
    if (this.#epoch === null || this.#renewed === null) return 0;
    return Math.max(0, this.#ttlMs - MARGIN_MS - this.#renewed.elapsedMs());
  }

  /** Has the row been asked at least once? Then somebody leads, or soon will. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Gives the leadership up for now, so that another process may try; this one tries again later. */
  resign(reason: string): void {
    const epoch = this.#epoch;
    if (epoch === null) return;
    this.#lose(reason);
    const { db, holder, events } = this.#options;
    db.rows('UPDATE @.leader SET holder = NULL WHERE epoch = $1 AND holder = $2', [epoch, holder]).catch((error) =>
      events.onError(toError(error)),
    );
  }

  start(): void {
    this.#running = true;
    this.poke();
  }

  /** Tries now: the leader is said to have gone, or the status changed. */
  poke(): void {
    this.#timer?.cancel();
    this.#turn = this.#turn.then(() => this.#take());
  }

  /** Gives the leadership back, if we have it, and tells the others. Never throws. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    await this.#turn;
    const epoch = this.#epoch;
    if (epoch === null) return;
    this.#epoch = null;
    const { db, holder, clock, events } = this.#options;
    const giveBack = async () => {
      await db.rows('UPDATE @.leader SET holder = NULL, renewed = clock_timestamp() WHERE epoch = $1 AND holder = $2', [
        epoch,
        holder,
      ]);
      await db.rows('SELECT pg_notify($1, $2)', [db.channel('leader'), '']);
    };
    try {
      await withTimeout(clock, MARGIN_MS, giveBack);
    } catch (error) {
      events.onError(unanswered(error));
    }
  }

  async #take(): Promise<void> {
    if (!this.#running) return;
    const { clock, random, events } = this.#options;
    try {
      await withTimeout(clock, this.#tryMs(), (signal) => this.#attempt(signal));
      this.#settled = true;
    } catch (error) {
      events.onError(unanswered(error));
    }
    if (this.#epoch !== null && this.remainingMs() === 0) this.#lose('The lease could not be renewed in time.');
    if (!this.#running) return;
    // A third of the time to live leaves two more tries; jitter keeps candidates apart.
    const pause = (this.#ttlMs / 3) * (0.8 + 0.4 * random());
    const next = this.#epoch === null ? pause : Math.min(pause, this.remainingMs());
    // One timer, also when somebody poked meanwhile: loops would double for ever.
    this.#timer?.cancel();
    this.#timer = clock.after(next, () => this.poke());
  }

  // A leader must know by the end of its time, whatever became of the connection.
  #tryMs(): number {
    return this.#epoch === null ? this.#ttlMs : Math.max(1, Math.min(this.#ttlMs / 2, this.remainingMs()));
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    if (this.#epoch !== null) await this.#renew(this.#epoch, signal);
    else if (this.#mayLead()) await this.#acquire(signal);
  }

  #mayLead(): boolean {
    return this.#options.mayLead?.() ?? true;
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    const { db, holder, address, clock, events } = this.#options;
    const sent = new Stopwatch(clock);
    const [row] = await db.rows(
      `UPDATE @.leader SET holder = $1, address = $2, epoch = epoch + 1, renewed = clock_timestamp(), ttl_ms = $3, info = '{}'
        WHERE holder IS NULL OR renewed < clock_timestamp() - ttl_ms * interval '1 millisecond' RETURNING epoch`,
      [holder, address(), this.#ttlMs],
    );
    // An answer that comes too late counts for nothing: the row is free again when its time is over.
    signal.throwIfAborted();
    if (row === undefined) return;
    this.#renewed = sent;
    this.#epoch = row[0] as number;
    if (!this.#mayLead()) this.resign('Somebody else may lead since.');
    else if (this.remainingMs() > 0) events.onElected(this.#epoch);
  }

  async #renew(epoch: number, signal: AbortSignal): Promise<void> {
    const { db, holder, clock, info } = this.#options;
    const sent = new Stopwatch(clock);
    // Once the time is over, others may lead: then a renewal would be a lie, even if the row still names us.
    if (this.remainingMs() === 0) return;
    const [row] = await db.rows(
      'UPDATE @.leader SET renewed = clock_timestamp(), info = $3 WHERE epoch = $1 AND holder = $2 RETURNING epoch',
      [epoch, holder, json(info()) ?? '{}'],
    );
    signal.throwIfAborted();
    if (row === undefined) this.#lose('Another process has taken over.');
    else this.#renewed = sent;
  }

  #lose(reason: string): void {
    if (this.#epoch === null) return;
    this.#epoch = null;
    this.#renewed = null;
    this.#options.events.onLost(reason);
  }
}

function unanswered(error: unknown): ZonekeeperError {
  if (!(error instanceof DeadlineExceeded)) return toError(error);
  return new ZonekeeperError('database_unreachable', 'PostgreSQL did not answer in time.');
}

/** The leader row, for whoever asks. */
export interface LeaderStatus {
  readonly holder: string | null;
  readonly address: string | null;
  readonly epoch: number;
  /** Milliseconds since the last renewal, by the database's clock; null when there never was one. */
  readonly ageMs: number | null;
  /** True while the holder's time is not over. */
  readonly alive: boolean;
  readonly info: Readonly<Record<string, unknown>>;
}

/** Reads the leader row. */
export async function leaderStatus(db: Database): Promise<LeaderStatus> {
  const [row] = await db.rows(
    `SELECT holder, address, epoch, extract(epoch FROM clock_timestamp() - renewed)::float8 * 1000,
            holder IS NOT NULL AND renewed >= clock_timestamp() - ttl_ms * interval '1 millisecond', info FROM @.leader`,
  );
  const [holder, address, epoch, ageMs, alive, info] = (row ?? [null, null, 0, null, false, {}]) as [
    string | null,
    string | null,
    number,
    number | null,
    boolean,
    Record<string, unknown>,
  ];
  return { holder, address, epoch, ageMs, alive, info };
}
