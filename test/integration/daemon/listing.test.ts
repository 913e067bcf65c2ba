import { expect, test } from 'vitest';
import type { FaultEffect } from '../../../src/simulator/fault.ts';
import { migratedDatabase, type RunningDaemon, startDaemon, testSimulator } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

const AWAY: FaultEffect = { kind: 'status', status: 503 };

/** A daemon that starts with one name, while Cloudflare does not list the zones. */
async function startUnlisted() {
  const [database, simulator] = [await migratedDatabase(), await testSimulator()];
  simulator.addFault({ operation: 'list_zones', effect: AWAY, count: 3 });
  await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
  return startDaemon({ database, simulator, ready: false });
}

const states = ({ log }: RunningDaemon) => log.filter((line) => / is (failed|in_sync)/.test(line));

test('zones that cannot be listed for a moment say nothing about a name', async () => {
  const running = await startUnlisted();
  await waitFor('the record', () => running.simulator.records().length === 1);
  await waitFor('the tries', () => running.simulator.faults().every(({ struck }) => struck === 3));
  expect(states(running)).toEqual([]);
});

test('a change that had to wait for its zone counts as a change, not as found at the start', async () => {
  const running = await startUnlisted();
  await waitFor('the record', () => running.simulator.records().length === 1);
  const count = 'zonekeeper_converge_duration_seconds_count{zone="example.com",trigger="change"} 1';
  await waitFor('the metric', async () => (await (await running.get('/metrics')).text()).includes(count));
});
