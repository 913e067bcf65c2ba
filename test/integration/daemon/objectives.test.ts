import { expect, test } from 'vitest';
import { type RunningDaemon, startDaemon } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

/** One figure about changes of a zone, from the daemon's metrics; `more` are further labels. */
async function figure({ get }: RunningDaemon, name: string, { zone = 'example.com', more = 'trigger="change"' } = {}) {
  const line = `zonekeeper_${name}{zone="${zone}"${more === '' ? '' : `,${more}`}} `;
  const found = (await (await get('/metrics')).text()).split('\n').find((one) => one.startsWith(line));
  return Number(found?.slice(line.length));
}

const late = (running: RunningDaemon, zone?: string) => figure(running, 'converge_late_total', { zone });
const converged = (running: RunningDaemon, zone?: string) =>
  figure(running, 'converge_duration_seconds_count', { zone });

test('a change that cannot be made is late while that lasts, once; one that was refused for what it says is not', async () => {
  const running = await startDaemon({ zones: [{ name: 'example.com' }, { name: 'example.net' }] });
  const { simulator, database, log } = running;
  const add = (domain: string, target: string) =>
    database.query(`INSERT INTO standalone_proxies (domain, target) VALUES ('${domain}', '${target}')`);
  simulator.addFault({ effect: { kind: 'refuse', code: 9005, content: '192.0.2.66' } });
  await add('refused', '192.0.2.66');
  await waitFor('the refusal', () => log.some((line) => line.includes('refused.example.com is failed')));
  const effect = { kind: 'status', status: 503 } as const;
  const outage = simulator.addFault({ operation: 'batch', zone: 'example.net', effect });
  await add('stuck.example.net', '192.0.2.5');
  // By then, both were committed longer ago than the objective allows.
  await waitFor('the lateness', async () => (await late(running, 'example.net')) === 1);
  expect(await converged(running, 'example.net')).toBe(0);
  simulator.clearFaults(outage.id);
  await waitFor('the change', async () => (await converged(running, 'example.net')) === 1);
  expect(await late(running, 'example.net')).toBe(1);
  await database.query(`UPDATE standalone_proxies SET target = '192.0.2.5' WHERE domain = 'refused'`);
  await waitFor('the correction', async () => (await converged(running)) === 1);
  expect(await late(running)).toBe(0);
});

test('a deletion that waits for its grace is neither late nor a drift', async () => {
  const running = await startDaemon({ env: { ZONEKEEPER_DELETE_GRACE: '6s' } });
  const { simulator, database } = running;
  await database.query(
    `INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('stays', 'running', 1), ('brief', 'running', 2)`,
  );
  await waitFor('the records', async () => (await converged(running)) === 2);
  await database.query(`DELETE FROM instances WHERE subdomain = 'brief'`);
  await waitFor('the wait', async () => (await figure(running, 'records', { more: 'state="orphaned"' })) === 1);
  expect(await figure(running, 'drift_oldest_timestamp_seconds', { more: '' })).toBe(0);
  await waitFor('the deletion', async () => (await converged(running)) === 3);
  expect(await late(running)).toBe(0);
  expect(await figure(running, 'converge_duration_seconds_bucket', { more: 'trigger="change",le="5"' })).toBe(3);
  expect(simulator.records()).toHaveLength(1);
});
