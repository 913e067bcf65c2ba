import type { Simulator } from '../../src/simulator/simulator.ts';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import type { TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { runDaemon, type Zonekeeper } from '../support/process.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';

/** An installation of one daemon, on a database and a Cloudflare of its own, that can be run dry. */
export interface Rehearsal {
  readonly database: TestDatabase;
  readonly simulator: Simulator;
  /** The daemon's way to PostgreSQL. */
  readonly way: TcpProxy;
  /** Where it is scraped, over restarts. */
  readonly target: string;
  /** Ends the daemon in order, and starts it again: in dry run it decides and counts, but changes nothing. */
  restart(mode: { readonly dry: boolean }): Promise<void>;
}

/** Starts it and has it make a record for each of the names, in the zone example.org. */
export async function startRehearsal(names: readonly string[]): Promise<Rehearsal> {
  const database = await migratedDatabase();
  await database.query(`UPDATE settings SET domain = 'example.org'`);
  const simulator = await testSimulator([{ name: 'example.org' }]);
  const postgres = new URL(database.url);
  const way = await tcpProxy({ host: postgres.hostname, port: Number(postgres.port) });
  postgres.hostname = '127.0.0.1';
  postgres.port = String(way.port);
  const target = `127.0.0.1:${await freePort()}`;
  const env = {
    DATABASE_URL: postgres.href,
    CLOUDFLARE_API_TOKEN: 'token',
    CLOUDFLARE_BASE_URL: simulator.url,
    ZONEKEEPER_LISTEN: target,
    ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
    ZONEKEEPER_DRIFT_CHECK_MAX: '1s',
  };
  let daemon: Zonekeeper = await runDaemon(env);
  await database.query(
    `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 1 FROM unnest($1::text[]) n`,
    [names],
  );
  await waitFor('the records', () => simulator.records().length === names.length);
  const restart = async ({ dry }: { readonly dry: boolean }) => {
    daemon.signal('SIGTERM');
    await daemon.ended;
    daemon = await runDaemon({ ...env, ZONEKEEPER_DRY_RUN: String(dry) });
  };
  return { database, simulator, way, target, restart };
}
