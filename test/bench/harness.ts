import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Database } from '../../src/database/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { migrateSchema } from '../../src/ledger/migrate.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { prepareConsumers } from '../../src/sources/postgres/prepare.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Clock ticks in a second, as Linux counts CPU time. */
const TICKS = 100;
const LIMIT_MS = 300_000;

/** A daemon in a process of its own, whose CPU time and memory can be read. */
export interface BenchDaemon {
  readonly url: string;
  /** CPU seconds since its start, user and system. */
  cpu(): number;
  /** Peak of its memory, MB. */
  peakMb(): number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A database, a simulator and daemons for one case. */
export class Bench {
  readonly simulator: Simulator;
  readonly databaseUrl: string;
  readonly #pool: pg.Pool;
  readonly #children = new Set<ChildProcess>();

  private constructor(simulator: Simulator, databaseUrl: string) {
    this.simulator = simulator;
    this.databaseUrl = databaseUrl;
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    this.#pool.on('error', () => undefined);
  }

  static async start(postgres: EmbeddedPostgres, options: SimulatorOptions): Promise<Bench> {
    const name = `bench_${process.hrtime.bigint()}`;
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    const url = new URL(postgres.url);
    url.pathname = `/${name}`;
    const db = new Database({ url: url.href, schema: 'zonekeeper', applicationName: 'bench', connections: 2 });
    await migrateSchema(db);
    await prepareConsumers(db);
    await db.rows(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
    await db.close();
    return new Bench(await startSimulator({ rateLimit: 'off', ...options }), url.href);
  }

  async query<T = Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#pool.query(sql, [...values])).rows as T[];
  }

  /** As if five minutes had passed since the last call. Only while no daemon runs. */
  async forgetSpending(): Promise<void> {
    await this.query('TRUNCATE zonekeeper.api_spend');
  }

  /** Starts a daemon and waits until it leads and is ready. */
  async daemon(env: Readonly<Record<string, string>> = {}): Promise<BenchDaemon> {
    // As `npm start` and the image start it.
    const child = spawn(process.execPath, ['--max-semi-space-size=16', MAIN, 'run'], {
      env: {
        PATH: process.env.PATH ?? '',
        DATABASE_URL: this.databaseUrl,
        CLOUDFLARE_API_TOKEN: 'bench',
        CLOUDFLARE_BASE_URL: this.simulator.url,
        ZONEKEEPER_LISTEN: '127.0.0.1:0',
        ZONEKEEPER_LOG_FORMAT: 'json',
        ZONEKEEPER_DRIFT_CHECK_MIN: '1h',
        ZONEKEEPER_DRIFT_CHECK_MAX: '2h',
        ZONEKEEPER_API_BUDGET: '1200',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000);
    });
    const url = await until('the address', () => /"address":"(http:[^"]+)"/.exec(output)?.[1]);
    await until('leadership', () => output.includes('"msg":"leads"'));
    await until('readiness', async () => (await fetch(`${url}/readyz`)).ok);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    return {
      url,
      cpu: () => cpuOf(child.pid ?? 0),
      peakMb: () => peakOf(child.pid ?? 0),
      kill: async (signal) => {
        child.kill(signal);
        await ended;
      },
    };
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.#pool.end();
    await this.simulator.close();
  }
}

/** Waits for a condition, polling each millisecond. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`Waited ${limitMs / 1000} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** One row of the result: what was done, what was measured, what must be reached. */
export interface Figure {
  readonly work: string;
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly most: number;
}

/** A case: a name to ask for it by, and what it measures. */
export interface Case {
  readonly name: string;
  readonly run: (postgres: EmbeddedPostgres) => Promise<Figure[]>;
}

/** The PostgreSQL of a run. */
export const startPostgres = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ durable: false });

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
