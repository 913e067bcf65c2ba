import { expect, test } from 'vitest';
import { migratedDatabase, type RunningDaemon, startDaemon } from '../../support/daemon.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { waitFor } from '../../support/wait.ts';

test('a process that leads no more says nothing of names, those without a zone included', async () => {
  const said = async ({ get }: RunningDaemon) =>
    (await (await get('/metrics')).text()).split('\n').filter((line) => line.startsWith('zonekeeper_records{'));
  const failed = 'zonekeeper_records{zone="",state="failed"} 1';
  const database = await migratedDatabase();
  const { hostname, port } = new URL(database.url);
  const way = await tcpProxy({ host: hostname, port: Number(port) });
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String(way.port);
  const first = await startDaemon({ database: { ...database, url: url.href } });
  const second = await startDaemon({ database, simulator: first.simulator, ready: false });
  await database.query(`UPDATE settings SET domain = 'nobody.test'`);
  await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('a', 'running', 1)`);
  await waitFor('the leader to say it', async () => (await said(first)).includes(failed));

  way.refuse();
  await waitFor('the take-over', async () => (await said(second)).includes(failed));
  await waitFor('the first to say nothing', async () => (await said(first)).length === 0);
  way.mend();
  await waitFor('the first to stand by', () => first.daemon.ready);
  expect(await said(first)).toEqual([]);
});
