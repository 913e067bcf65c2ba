import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Database } from '../../src/database/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { migrateSchema } from '../../src/ledger/migrate.ts';
import { Operations } from '../../src/ledger/operations.ts';
import { prepareConsumers } from '../../src/sources/postgres/prepare.ts';
import { freePort } from '../support/free-port.ts';
import { Child } from './child.ts';
import { Dashboard } from './cloudflare.ts';

/** The zones of the run. The second lies below the first, so that names of one could be taken for names of the other. */
export const ZONES = ['example.com', 'lab.example.com'] as const;
/** API calls in 5 minutes that the daemons may make, all together and over all kills. */
export const API_BUDGET = 1_000;
/** So many names of a zone may lose their record within an hour without anybody's confirmation. */
export const GUARDED = 10;
const CONNECT_MS = 5_000;

const OURS = { schema: 'zonekeeper', applicationName: 'chaos', connections: 1 } as const;

/** All processes of a run: a PostgreSQL, the simulator, and daemons. */
export class Stage {
  readonly daemons: readonly Child[];
  readonly dashboard: Dashboard;
  /** As the command line and the API ask for them. */
  readonly operations: Operations;
  readonly #db: Database;
  readonly #simulator: Child;
  readonly #directory: string;
  readonly #pool: pg.Pool;
  #postgres: EmbeddedPostgres;

  private constructor(parts: {
    postgres: EmbeddedPostgres;
    directory: string;
    simulator: Child;
    api: string;
    control: string;
    daemons: number;
  }) {
    this.#postgres = parts.postgres;
    this.#directory = parts.directory;
    this.#simulator = parts.simulator;
    this.dashboard = new Dashboard(parts.control);
    this.#pool = new pg.Pool({
      connectionString: parts.postgres.url,
      max: 2,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'chaos',
    });
    this.#db = new Database({ url: parts.postgres.url, ...OURS, onIdleError: () => undefined });
    this.operations = new Operations(this.#db);
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.daemons = Array.from(
      { length: parts.daemons },
      (_, index) =>
        new Child(`daemon ${index + 1}`, ['run'], {
          DATABASE_URL: parts.postgres.url,
          CLOUDFLARE_API_TOKEN: 'chaos-token',
          CLOUDFLARE_BASE_URL: parts.api,
          ZONEKEEPER_LISTEN: '127.0.0.1:0',
          ZONEKEEPER_LOG_FORMAT: 'json',
          ZONEKEEPER_API_BUDGET: String(API_BUDGET),
          ZONEKEEPER_DRIFT_SHARE: '20%',
          ZONEKEEPER_RESYNC: '30s',
          // More names go than this, so that the guard holds some until somebody confirms them.
          ZONEKEEPER_DELETE_GUARD: `0%,min=${GUARDED}`,
        }),
    );
  }

  static async open(daemons: number): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'zonekeeper-chaos-'));
    const simulator = new Child(
      'simulator',
      ['simulate', '--json', '--listen', '127.0.0.1:0', '--zones', ZONES.join(','), '--plan', 'enterprise'],
      {},
    );
    let postgres: EmbeddedPostgres | undefined;
    try {
      // Not one of those that the system gives away while the server is down.
      postgres = await startEmbeddedPostgres({ directory, durable: false, port: await freePort() });
      const db = new Database({ url: postgres.url, ...OURS });
      await migrateSchema(db);
      await prepareConsumers(db);
      await db.rows(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
      await db.close();
      simulator.start();
      const [line] = await simulator.printed(/^\{.*\}/m);
      const { base_url: api, control_url: control } = JSON.parse(line) as { base_url: string; control_url: string };
      return new Stage({ postgres, directory, simulator, api, control, daemons });
    } catch (error) {
      await simulator.kill();
      await postgres?.stop('immediate');
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async rows<T = Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#pool.query(sql, [...values])).rows as T[];
  }

  /** Several statements in one transaction. */
  async together(statements: readonly (readonly [sql: string, values: readonly unknown[]])[]): Promise<void> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      await client.query('BEGIN');
      for (const [sql, values] of statements) await client.query(sql, [...values]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** As after a crash of the server: sessions end without a word, what was committed stays. */
  async crashDatabase(): Promise<void> {
    const { port } = this.#postgres;
    await this.#postgres.stop('immediate');
    this.#postgres = await startEmbeddedPostgres({ directory: this.#directory, durable: false, port });
  }

  /** Cuts the daemons' database connections. */
  async cutDatabase(): Promise<void> {
    await this.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'zonekeeper%' AND pid <> pg_backend_pid()`,
    );
  }

  pauseCloudflare(): void {
    this.#simulator.pause();
  }

  resumeCloudflare(): void {
    this.#simulator.resume();
  }

  async close(): Promise<void> {
    await Promise.all([...this.daemons, this.#simulator].map((child) => child.kill()));
    await this.#pool.end();
    await this.#db.close();
    await this.#postgres.stop('immediate');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
