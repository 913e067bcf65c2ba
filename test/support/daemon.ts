import { onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { systemClock } from '../../src/controller/clock.ts';
import type { Cluster } from '../../src/daemon/cluster.ts';
import { Daemon } from '../../src/daemon/daemon.ts';
import { instanceName } from '../../src/daemon/instance.ts';
import { Database } from '../../src/database/database.ts';
import { migrateSchema } from '../../src/ledger/migrate.ts';
import { createLog } from '../../src/observability/logger.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { Redactor } from '../../src/observability/redactor.ts';
import { type Simulator, startSimulator, type ZoneSeed } from '../../src/simulator/simulator.ts';
import { prepareConsumers } from '../../src/sources/postgres/prepare.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { waitFor } from './wait.ts';

export interface DaemonSetup {
  /** Settings beside those that the test needs anyway. */
  readonly env?: Readonly<Record<string, string>>;
  readonly zones?: readonly ZoneSeed[];
  readonly simulator?: Simulator;
  readonly database?: TestDatabase;
  /** What Kubernetes does for it; nothing by default. */
  readonly cluster?: Cluster;
  /** False: return at once, without waiting until it leads and has seen its zones. */
  readonly ready?: boolean;
  /** Told of every secret that is read anew. */
  readonly onSecret?: (value: string) => void;
}

/** A daemon in the test's process, on a PostgreSQL and a Cloudflare of its own. */
export interface RunningDaemon {
  readonly daemon: Daemon;
  readonly simulator: Simulator;
  readonly database: TestDatabase;
  readonly url: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  del(path: string): Promise<Response>;
  /** Everything that it logged so far. */
  readonly log: string[];
}

/** A simulator, closed at the end of the test. Its zone may hold more records than a Free one. */
export async function testSimulator(
  zones: readonly ZoneSeed[] = [{ name: 'example.com', quota: 20_000 }],
): Promise<Simulator> {
  const simulator = await startSimulator({ zones, rateLimit: 'off' });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A migrated database whose settings row says `example.com` and 192.0.2.1. */
export async function migratedDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  const db = new Database({ url: database.url, schema: 'zonekeeper', applicationName: 'test', connections: 2 });
  await migrateSchema(db);
  await prepareConsumers(db);
  await db.close();
  await database.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
  return database;
}

/** Starts a daemon; stopped at the end of the test. */
export async function startDaemon(setup: DaemonSetup = {}): Promise<RunningDaemon> {
  const database = setup.database ?? (await migratedDatabase());
  const simulator = setup.simulator ?? (await testSimulator(setup.zones));
  const config = await loadConfig({
    needs: 'run',
    env: {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'test-token',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LISTEN: '127.0.0.1:0',
      ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
      ...setup.env,
    },
  });
  const log: string[] = [];
  const { logger } = await createLog({
    level: 'debug',
    format: 'json',
    redactor: new Redactor(),
    output: { write: (line) => log.push(line) },
  });
  const metrics = new Metrics({ build: { version: 'test', node_version: process.version }, runtime: false });
  const daemon = new Daemon({
    config,
    version: 'test',
    instance: instanceName(),
    cluster: setup.cluster ?? null,
    tracing: null,
    log: logger,
    metrics,
    clock: systemClock,
    random: Math.random,
    ...(setup.onSecret !== undefined && { onSecret: setup.onSecret }),
  });
  onTestFinished(() => daemon.stop());
  await daemon.start();
  if (setup.ready !== false) await waitFor('the daemon to lead and be ready', () => daemon.leading && daemon.ready);
  const url = daemon.address;
  return {
    daemon,
    simulator,
    database,
    url,
    log,
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    del: (path) => fetch(`${url}${path}`, { method: 'DELETE' }),
  };
}
