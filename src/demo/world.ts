import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../config/config.ts';
import { systemClock } from '../controller/clock.ts';
import { Daemon } from '../daemon/daemon.ts';
import { instanceName } from '../daemon/instance.ts';
import { Database } from '../database/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/postgres.ts';
import { isError } from '../errors.ts';
import { migrateSchema } from '../ledger/migrate.ts';
import type { Logger } from '../observability/logger.ts';
import { Metrics } from '../observability/metrics.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { prepareConsumers } from '../sources/postgres/prepare.ts';

/** Everything that the demo plays with: a PostgreSQL, a Cloudflare and a daemon, all of our own. */
export interface World {
  readonly databaseUrl: string;
  readonly simulator: Simulator;
  readonly daemon: Daemon;
  /** Runs SQL as the application would. */
  query<T = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly config: Config<'demo'>;
  readonly version: string;
  readonly log: Logger;
}

/** The zone that the demo looks after, and the address that its names point at (RFC 5737: for documentation). */
export const ZONE = 'example.com';
export const TARGET = '192.0.2.10';
/** More than a Free zone may hold, but its batches: 200 operations each. */
const QUOTA = 5_000;
const FOLDER = 'zonekeeper-demo-';

/** Brings everything up. What was begun is ended again when something fails. */
export async function startWorld({ config, version, log }: WorldOptions): Promise<World> {
  removeStale();
  const begun: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of begun.splice(0).reverse()) await end();
  };
  try {
    const directory = join(tmpdir(), `${FOLDER}${process.pid}`);
    const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ directory, durable: false });
    begun.push(async () => {
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    const simulator = await startSimulator({ zones: [{ name: ZONE, quota: QUOTA }] });
    begun.push(() => simulator.close());
    const databaseUrl = await prepare(postgres.url, config.schema);
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    const ended = (error: Error) => log.debug({ err: error }, 'a connection of the demo ended');
    pool.on('error', ended);
    pool.on('connect', (client) => client.on('error', ended));
    begun.push(() => pool.end());
    const daemon = await startDaemon({ config, version, log }, databaseUrl, simulator.url);
    begun.push(() => daemon.stop());
    return {
      databaseUrl,
      simulator,
      daemon,
      query: async <T>(sql: string, values: readonly unknown[] = []) =>
        (await pool.query(sql, [...values])).rows as T[],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepare(adminUrl: string, schema: string): Promise<string> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query('CREATE DATABASE demo');
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = '/demo';
  const db = new Database({ url: url.href, schema, applicationName: 'zonekeeper-demo', connections: 2 });
  try {
    await migrateSchema(db);
    await prepareConsumers(db);
    await db.rows('INSERT INTO settings (domain, target) VALUES ($1, $2)', [ZONE, TARGET]);
  } finally {
    await db.close();
  }
  return url.href;
}

/** On the address of the settings, or on a free port where that is taken. */
async function startDaemon(
  { config, version, log }: WorldOptions,
  databaseUrl: string,
  cloudflareBaseUrl: string,
): Promise<Daemon> {
  const settings = {
    ...config,
    databaseUrl,
    cloudflareBaseUrl,
    cloudflareApiToken: 'demo',
    // The story should not wait for what is otherwise a matter of seconds.
    driftCheckMinMs: Math.min(config.driftCheckMinMs, 1_000),
  };
  for (const listen of [config.listen, { ...config.listen, port: 0 }]) {
    const metrics = new Metrics({ build: { version, node_version: process.version }, runtime: listen.port !== 0 });
    const daemon = new Daemon({
      instance: instanceName(),
      cluster: null,
      tracing: null,
      config: { ...settings, listen },
      version,
      log,
      metrics,
      clock: systemClock,
      random: Math.random,
    });
    try {
      await daemon.start();
      return daemon;
    } catch (error) {
      await daemon.stop();
      if (listen.port === 0 || !isError(error, 'config_invalid')) throw error;
    }
  }
  throw new Error('A free port can always be listened on.');
}

/** Folders of demos that were killed; their servers ended by themselves. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(FOLDER) ? Number(name.slice(FOLDER.length)) : Number.NaN;
    if (Number.isInteger(pid) && !alive(pid) && existsSync(join(tmpdir(), name))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process has the number.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
