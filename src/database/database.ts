import pg from 'pg';
import { ZonekeeperError } from '../errors.ts';
import { storables } from './columns.ts';
import { databaseError } from './error.ts';

/** Rows come as arrays: with 100,000 of them, objects cost twice the time. */
export type Row = readonly unknown[];

/** Runs statements; a pool, or one connection inside of a transaction. */
export interface Queryable {
  /** Runs one statement; `@.` in it stands for the installation's schema. */
  rows(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** The schema of our own tables. */
  readonly schema: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Connections at most. */
  readonly connections?: number;
  /** A statement that runs longer is cancelled by the server. Milliseconds. */
  readonly statementTimeoutMs?: number;
  /** A transaction whose process does nothing for so long is ended by the server, and its locks with it. Milliseconds. */
  readonly idleTransactionMs?: number;
  /** Called for a connection that broke while idle; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void;
  /** Told how long each statement took, the wait for a connection included, whether it succeeded or not. Milliseconds. */
  readonly onStatement?: (ms: number) => void;
}

/** The pool at this moment. */
export interface PoolState {
  /** Connections that work on something. */
  readonly busy: number;
  readonly idle: number;
  /** Statements and transactions that wait for a connection. */
  readonly waiting: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
/**
 * Between two statements, our transactions only compute. A process that is stopped there, or whose host is gone without a word,
 * must not hold the leader row against its successor: the server would notice after hours, or never.
 */
const IDLE_TRANSACTION_MS = 10_000;
/** A server that cancels a statement says so within this time, or cannot be reached. */
const ANSWER_SLACK_MS = 10_000;
const DEADLOCK_ATTEMPTS = 4;

// 40P01 deadlock_detected, 40001 serialization_failure.
const isDeadlock = (error: unknown): boolean =>
  error instanceof ZonekeeperError && (error.facts.sqlstate === '40P01' || error.facts.sqlstate === '40001');

// Said by a server that was the primary when we connected: another one is now, and connections made anew find it.
const isDemoted = (error: unknown): error is Error =>
  error instanceof Error && (error as Error & { code?: string }).code === '25006';

// The driver's words for its own time limit.
const isSilence = (error: unknown): error is Error => error instanceof Error && error.message === 'Query read timeout';

/** Our schema in one PostgreSQL: a bounded pool, statements with `@.` for the schema, and errors of the registry. */
export class Database implements Queryable {
  readonly schema: string;
  /** The schema as a quoted identifier. */
  readonly schemaSql: string;
  #uses: Uses;
  readonly #options: DatabaseOptions;
  readonly #idleTransactionMs: number;
  /** Statements with the schema put in; as many as the code has, so it needs no bound. */
  readonly #statements = new Map<string, string>();

  constructor(options: DatabaseOptions) {
    this.schema = options.schema;
    this.schemaSql = pg.escapeIdentifier(options.schema);
    this.#options = options;
    this.#idleTransactionMs = Math.trunc(options.idleTransactionMs ?? IDLE_TRANSACTION_MS);
    this.#uses = new Uses(makePool(options));
  }

  /**
   * Connects with this URL from the next statement on, once our schema was seen with it; statements under way, and those that
   * wait for a connection, end where they are. Throws where it was not: then everything stays as it was.
   */
  async moveTo(url: string): Promise<void> {
    const pool = makePool({ ...this.#options, url });
    try {
      await pool.query(this.sql('SELECT epoch FROM @.leader'));
    } catch (error) {
      await pool.end();
      throw databaseError(error);
    }
    const old = this.#uses;
    this.#uses = new Uses(pool);
    // A pool that ends gives no more connections to those who wait for one.
    await old.over();
    await old.pool.end();
  }

  /** The name under which this installation listens: `<schema>_changes`, `<schema>_events`. */
  channel(name: string): string {
    return `${this.schema}_${name}`;
  }

  /** Puts the schema into a statement. */
  sql(text: string): string {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const done = text.replaceAll('@.', `${this.schemaSql}.`).replaceAll('@channel@', this.schema.replaceAll("'", "''"));
    if (this.#statements.size < 1_000) this.#statements.set(text, done);
    return done;
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await this.#timed(async () => {
        const query = { text: this.sql(sql), values: storables(values), rowMode: 'array' as const };
        return (await this.#uses.with((pool) => pool.query(query))).rows;
      });
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** What the pool is doing. */
  get pool(): PoolState {
    const { totalCount, idleCount, waitingCount } = this.#uses.pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  async #timed<T>(statement: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await statement();
    } finally {
      this.#options.onStatement?.(performance.now() - began);
    }
  }

  /**
   * Runs `work` in one transaction on one connection; commits when it resolves, rolls back when it throws. A deadlock is
   * nobody's fault: the transaction is then run again, so `work` must do nothing but database work.
   */
  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transaction(work);
      } catch (error) {
        if (attempt === DEADLOCK_ATTEMPTS || !isDeadlock(error)) throw error;
      }
    }
  }

  #transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#uses.with((pool) => this.#transactionOn(pool, work));
  }

  async #transactionOn<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await connected(pool);
    let broken: Error | undefined;
    try {
      // For this transaction, not for the connection: that holds through a pooler, too.
      await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${this.#idleTransactionMs}`);
      const tx: Queryable = {
        rows: (sql, values = []) =>
          this.#timed(
            async () => (await client.query({ text: this.sql(sql), values: storables(values), rowMode: 'array' })).rows,
          ),
      };
      const result = await work(tx);
      // With fsync, this is where a transaction waits for the disk.
      await this.#timed(() => client.query('COMMIT'));
      return result;
    } catch (error) {
      // A connection that is silent, leads to the wrong server, or cannot even roll back, is not given back to the pool.
      if (isSilence(error) || isDemoted(error)) broken = error;
      else
        await client.query('ROLLBACK').catch((failed: Error) => {
          broken = failed;
        });
      throw error instanceof ZonekeeperError ? error : databaseError(error);
    } finally {
      client.release(broken);
    }
  }

  /** Runs several statements without parameters, as in a migration file. */
  async script(sql: string): Promise<void> {
    try {
      await this.#uses.with((pool) => pool.query(this.sql(sql)));
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** Ends all connections once their statements are done. */
  async close(): Promise<void> {
    await this.#uses.pool.end();
  }
}

/** A pool, and how many use it or wait for a connection of it. */
class Uses {
  readonly pool: pg.Pool;
  #count = 0;
  #onOver: (() => void) | undefined;

  constructor(pool: pg.Pool) {
    this.pool = pool;
  }

  async with<T>(use: (pool: pg.Pool) => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await use(this.pool);
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#onOver?.();
    }
  }

  /** Resolves when nobody uses it. Once, when nobody begins to any more. */
  over(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve();
      else this.#onOver = resolve;
    });
  }
}

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw databaseError(error);
  }
}

function makePool(options: DatabaseOptions): pg.Pool {
  const statementTimeoutMs = Math.trunc(options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS);
  const pool = new pg.Pool({
    ...connectionConfig(options),
    max: options.connections ?? 8,
    idleTimeoutMillis: 60_000,
    // A dead peer is found by the kernel, also on a connection that waits for nothing.
    keepAlive: true,
    // Behind a broken way the server's own limit reaches nobody.
    query_timeout: statementTimeoutMs + ANSWER_SLACK_MS,
    // Set by statement, not as a start-up parameter: poolers refuse those. The driver reads times in no other style, and our
    // statements are written for what they see and wait for when they read what is committed.
    onConnect: async (client) => {
      await client.query(
        `SET statement_timeout = ${statementTimeoutMs}; SET datestyle = 'ISO'; SET default_transaction_isolation = 'read committed'`,
      );
    },
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  // A client that is lent out has no listener of the pool's: a connection that ends between two statements of a transaction
  // would end the process. Whoever has the client learns of it by its next statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** How every connection of ours is made, the pool's and the listener's. */
export function connectionConfig(options: DatabaseOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types: { getTypeParser },
  };
}

// bigint (ids, counts) as number: ours stay far below 2^53. Timestamps as milliseconds since 1970.
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === pg.types.builtins.INT8) return Number;
  if (oid === pg.types.builtins.TIMESTAMPTZ) {
    const parse = pg.types.getTypeParser(oid, 'text') as (value: string) => Date | number | null;
    // "infinity" and dates before Christ come back as something else than a Date: no time that matters here.
    return (value) => {
      const date = parse(value);
      return date instanceof Date ? date.getTime() : null;
    };
  }
  return pg.types.getTypeParser(oid, format as 'text');
}
