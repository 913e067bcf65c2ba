import { expect, onTestFinished, test } from 'vitest';
import { migratedDatabase, startDaemon } from '../../support/daemon.ts';
import { waitingForLocks } from '../../support/database.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { waitFor } from '../../support/wait.ts';

/** Far below the 60 s that a statement may take: what waits for its end is not waited for. */
const LIMIT_MS = 30_000;
const GRACE = { ZONEKEEPER_SHUTDOWN_GRACE: '2s' };

test(
  'gives the leadership back within the grace period, whatever a statement of its waits for',
  async () => {
    const { daemon, database } = await startDaemon({ env: GRACE });
    const somebody = await database.pool.connect();
    onTestFinished(() => somebody.release(true));
    await somebody.query('BEGIN; LOCK TABLE instances');
    // Whoever listens anew reads the whole view.
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'zonekeeper-listen' AND datname = current_database()`,
    );
    await waitFor('the reading to wait', async () => (await waitingForLocks(database)) > 0);
    await daemon.stop();
    expect(await database.query('SELECT holder FROM zonekeeper.leader')).toEqual([{ holder: null }]);
  },
  LIMIT_MS,
);

test(
  'stops within the grace period before it has begun to lead, whatever that waits for',
  async () => {
    const database = await migratedDatabase();
    const somebody = await database.pool.connect();
    onTestFinished(() => somebody.release(true));
    await somebody.query('BEGIN; LOCK TABLE zonekeeper.api_spend');
    const { daemon } = await startDaemon({ database, env: GRACE, ready: false });
    await waitFor('the beginning to wait', async () => (await waitingForLocks(database)) > 0);
    await daemon.stop();
    expect(await database.query('SELECT holder FROM zonekeeper.leader')).toEqual([{ holder: null }]);
    await somebody.query('COMMIT');
    await waitFor('nobody to wait', async () => (await waitingForLocks(database)) === 0);
    expect(daemon.leading).toBe(false);
  },
  LIMIT_MS,
);

test(
  'stops within the grace period when nothing answers any more',
  async () => {
    const database = await migratedDatabase();
    const url = new URL(database.url);
    const proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
    [url.hostname, url.port] = ['127.0.0.1', String(proxy.port)];
    const { daemon } = await startDaemon({ database: { ...database, url: url.href }, env: GRACE });
    proxy.cut();
    await daemon.stop();
    expect(daemon.leading).toBe(false);
  },
  LIMIT_MS,
);
