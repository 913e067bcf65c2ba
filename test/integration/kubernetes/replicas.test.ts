import { expect, it } from 'vitest';
import { CHART, ENOUGH, merge } from '../../support/chart.ts';
import { command } from '../../support/command.ts';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { sharedFolder } from '../../support/folder.ts';
import { helmEnv, sharedKubernetes } from '../../support/kubernetes.ts';
import { zonekeeper } from '../../support/process.ts';
import { requires } from '../../support/requires.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { tool } from '../../support/tools.ts';
import { waitFor } from '../../support/wait.ts';

/** A Lease whose holder is gone is free after 15 s, and looked at every few seconds. Generous, as all limits here. */
const TAKEOVER_MS = 120_000;

requires(
  'kube-apiserver',
  'kubectl',
  'helm',
)('replicas, as processes with the rights that the chart gives', () => {
  const kubernetes = sharedKubernetes();
  const folder = sharedFolder();
  let last = 0;

  /** A release in a namespace of its own, a database and a Cloudflare: what replicas share. */
  async function release() {
    const space = `replicas-${++last}`;
    await kubernetes.kubectl('create', 'namespace', space);
    const values = merge(ENOUGH, { leaderElection: { mode: 'kubernetes' }, api: { auth: 'kubernetes' } });
    const env = helmEnv(folder, kubernetes.kubeconfig);
    await command(tool('helm'), ['install', 'zk', CHART, '-n', space, '-f', '-'], {
      env,
      input: JSON.stringify(values),
    });
    const token = await kubernetes.token('zk-zonekeeper', space);
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    /** One replica, up to where it is ready: as leader, or standing by. */
    const replica = async (name: string, server?: string) => {
      const daemon = zonekeeper(['run'], {
        DATABASE_URL: database.url,
        CLOUDFLARE_API_TOKEN: 'a-token',
        CLOUDFLARE_BASE_URL: simulator.url,
        ZONEKEEPER_LISTEN: '127.0.0.1:0',
        ZONEKEEPER_LOG_FORMAT: 'json',
        ZONEKEEPER_LEADER_ELECTION: 'kubernetes',
        ZONEKEEPER_LEASE_NAME: 'zk-zonekeeper',
        ZONEKEEPER_API_AUTH: 'kubernetes',
        KUBECONFIG: kubernetes.configFor(token, { namespace: space, ...(server !== undefined && { server }) }),
        POD_NAME: name,
        POD_NAMESPACE: space,
      });
      const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
      await waitFor(`${name} to be ready`, async () => (await fetch(`${url}/readyz`)).ok);
      const leads = () => daemon.output().includes('"msg":"leads"');
      return { ...daemon, url, leads };
    };
    const add = (name: string) =>
      database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ($1, 'running', 7)`, [name]);
    const made = (name: string) =>
      waitFor(`the record of ${name}`, () => simulator.records({ name: `${name}.example.com` }).length === 1);
    const lease = async () =>
      JSON.parse(
        await kubernetes.kubectl('-n', space, 'get', 'lease', 'zk-zonekeeper', '-o', 'jsonpath={.spec}'),
      ) as Record<string, unknown>;
    return { space, simulator, replica, add, made, lease };
  }

  it('hand over when one stops, and take over when one is killed: no change is lost or made twice', async () => {
    const { simulator, replica, add, made, lease } = await release();
    const first = await replica('zk-1');
    await waitFor('the first to lead', () => first.leads());
    await add('by-first');
    await made('by-first');
    const second = await replica('zk-2');
    expect(second.leads()).toBe(false);

    first.signal('SIGTERM');
    await add('handed-over');
    expect(await first.ended).toBe(0);
    await waitFor('the second to lead', () => second.leads());
    await made('handed-over');
    expect(await lease()).toMatchObject({ leaseTransitions: 1, leaseDurationSeconds: 15 });

    const third = await replica('zk-3');
    expect(third.leads()).toBe(false);
    second.signal('SIGKILL');
    await add('taken-over');
    await second.ended;
    await waitFor('the third to lead', () => third.leads(), TAKEOVER_MS);
    await made('taken-over');
    expect(await lease()).toMatchObject({ leaseTransitions: 2 });

    const { changes } = simulator.changes();
    expect(changes.map(({ before, after }) => [before, after?.name]).sort()).toEqual([
      [null, 'by-first.example.com'],
      [null, 'handed-over.example.com'],
      [null, 'taken-over.example.com'],
    ]);
    third.signal('SIGTERM');
    expect(await third.ended).toBe(0);
    expect(await lease()).not.toHaveProperty('holderIdentity', expect.stringMatching(/./));
  }, 240_000);

  it('let nobody in while the API server is away, and go on with their work as long as they may', async () => {
    const { space, replica, add, made } = await release();
    await kubernetes.kubectl('-n', space, 'create', 'serviceaccount', 'reader');
    const role = `--clusterrole=${space}-zk-zonekeeper-read`;
    await kubernetes.kubectl('create', 'clusterrolebinding', `${space}-r`, role, `--serviceaccount=${space}:reader`);
    const way = await tcpProxy({ port: Number(new URL(kubernetes.server).port) });
    const daemon = await replica('zk-1', `https://127.0.0.1:${way.port}`);
    const token = await kubernetes.token('reader', space);
    const ask = () => fetch(`${daemon.url}/api/dns/records`, { headers: { authorization: `Bearer ${token}` } });
    way.refuse();
    // Not remembered: nobody has asked with this token before.
    const refused = await ask();
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'kubernetes_unreachable' }]);
    expect((await fetch(`${daemon.url}/livez`)).status).toBe(200);
    way.mend();
    await waitFor('the answer', async () => (await ask()).status === 200);
    await add('after');
    await made('after');
  });
});
