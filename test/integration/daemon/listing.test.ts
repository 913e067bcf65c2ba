import { expect, test } from 'vitest';
import type { FaultEffect } from '../../../src/simulator/fault.ts';
import { migratedDatabase, type RunningDaemon, startDaemon, testSimulator } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

const AWAY: FaultEffect = { kind: 'status', status: 503 };

/** A daemon that starts with one name, while Cloudflare does not list the zones so many times. */
async function startUnlisted(count?: number) {
  const [database, simulator] = [await migratedDatabase(), await testSimulator()];
  simulator.addFault({ operation: 'list_zones', effect: AWAY, ...(count !== undefined && { count }) });
  await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
  return startDaemon({ database, simulator, ready: false });
}

const states = ({ log }: RunningDaemon) => log.filter((line) => / is (failed|in_sync)/.test(line));

test('zones that cannot be listed once say nothing about a name', async () => {
  const running = await startUnlisted(1);
  await waitFor('the record', () => running.simulator.records().length === 1);
  await waitFor('both tries', () => running.simulator.faults().every(({ struck }) => struck === 1));
  expect(states(running)).toEqual([]);
});

test('while the zones cannot be listed, a name says why it is not looked after, and comes back by itself', async () => {
  const running = await startUnlisted();
  const name = async () =>
    (await (await running.get('/api/dns/records/app.example.com')).json()) as { state: string; reason: string };
  await waitFor('the reason', async () => (await name()).state === 'failed');
  expect((await name()).reason).toMatch(/503/);
  running.simulator.clearFaults();
  await waitFor('the record', () => running.simulator.records().length === 1);
  await waitFor('the state', async () => (await name()).state === 'in_sync');
});

test('a change that had to wait for its zone counts as a change, not as found at the start', async () => {
  const running = await startUnlisted(1);
  await waitFor('the record', () => running.simulator.records().length === 1);
  const count = 'zonekeeper_converge_duration_seconds_count{zone="example.com",trigger="change"} 1';
  await waitFor('the metric', async () => (await (await running.get('/metrics')).text()).includes(count));
});
