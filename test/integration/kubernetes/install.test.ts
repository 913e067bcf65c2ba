import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, ENOUGH, merge, render, the, type Values } from '../../support/chart.ts';
import { attempt, command } from '../../support/command.ts';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { sharedFolder } from '../../support/folder.ts';
import { helmEnv, sharedKubernetes } from '../../support/kubernetes.ts';
import { zonekeeper } from '../../support/process.ts';
import { requires } from '../../support/requires.ts';
import { tool } from '../../support/tools.ts';
import { waitFor } from '../../support/wait.ts';

/** Everything of Kubernetes that can be switched on. */
const ALL_ON: Values = {
  leaderElection: { mode: 'kubernetes' },
  events: { enabled: true },
  api: { auth: 'kubernetes' },
};

requires(
  'kube-apiserver',
  'kubectl',
  'helm',
)('the chart, installed in a real API server', () => {
  const kubernetes = sharedKubernetes();
  const folder = sharedFolder();

  async function namespace(labels: Record<string, string> = {}): Promise<string> {
    const name = `test-${randomBytes(4).toString('hex')}`;
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    return name;
  }

  /** helm with values on its standard input. */
  function helm(values: Values, ...args: string[]): Promise<string> {
    const env = helmEnv(folder, kubernetes.kubeconfig);
    return command(tool('helm'), [...args, '-f', '-'], { env, input: JSON.stringify(merge(ENOUGH, values)) });
  }

  const names = async (space: string) =>
    (
      await kubernetes.kubectl(
        '-n',
        space,
        'get',
        'deployment,service,configmap,serviceaccount,role,rolebinding,pdb',
        '-o',
        'name',
      )
    )
      .trim()
      .split('\n')
      .filter((name) => name !== 'configmap/kube-root-ca.crt' && name !== '');

  it('installs, upgrades, goes back and goes away without a trace', async () => {
    const space = await namespace();
    await helm({}, 'install', 'zk', CHART, '-n', space, '--dry-run=server');
    expect(await names(space)).toEqual([]);
    const notes = await helm({}, 'install', 'zk', CHART, '-n', space);
    expect(notes).toContain('CREATES, UPDATES AND DELETES records, always and only its own');
    const small = await names(space);
    const larger = { ...ALL_ON, replicas: 2, podDisruptionBudget: { enabled: true } };
    const planned = await helm(larger, 'upgrade', 'zk', CHART, '-n', space, '--dry-run=server');
    expect(planned).toContain('kind: PodDisruptionBudget');
    expect(await names(space)).toEqual(small);
    await helm(larger, 'upgrade', 'zk', CHART, '-n', space);
    const large = await names(space);
    expect(large.length).toBe(small.length + 5);
    await kubernetes.helm('rollback', 'zk', '1', '-n', space);
    expect(await names(space)).toEqual(small);
    await kubernetes.helm('uninstall', 'zk', '-n', space);
    expect(await names(space)).toEqual([]);
    expect(await kubernetes.kubectl('get', 'clusterrole,clusterrolebinding', '-o', 'name')).not.toContain(space);
  });

  it('upgrades without touching Pods when nothing of theirs changed', async () => {
    const space = await namespace();
    await helm({}, 'install', 'zk', CHART, '-n', space);
    const generation = () =>
      kubernetes.kubectl('-n', space, 'get', 'deployment', 'zk-zonekeeper', '-o', 'jsonpath={.metadata.generation}');
    const before = await generation();
    await helm({ service: { annotations: { a: 'b' } } }, 'upgrade', 'zk', CHART, '-n', space);
    expect(await generation()).toBe(before);
  });

  it('makes Pods that Pod Security `restricted` lets in', async () => {
    const space = await namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const manifests = await render(
      {
        ...ALL_ON,
        database: { existingSecret: { name: '' } },
        postgresql: { enabled: true, password: 'trial' },
      },
      { namespace: space },
    );
    const templates = manifests.flatMap((one) =>
      one.kind === 'Deployment' || one.kind === 'StatefulSet'
        ? [{ metadata: { name: one.metadata.name, namespace: space }, spec: one.spec.template.spec }]
        : one.kind === 'Pod'
          ? [{ metadata: { name: one.metadata.name, namespace: space }, spec: one.spec }]
          : [],
    );
    expect(templates.length).toBeGreaterThan(3);
    for (const template of templates) await kubernetes.apply({ apiVersion: 'v1', kind: 'Pod', ...template });
    const open = { hostNetwork: true, containers: [{ name: 'open', image: 'busybox' }] };
    await expect(
      kubernetes.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'open', namespace: space },
        spec: open,
      }),
    ).rejects.toThrow(/violates PodSecurity/);
  });

  it('gives its service account what the daemon does, and nothing else', async () => {
    const space = await namespace();
    await helm(ALL_ON, 'install', 'zk', CHART, '-n', space);
    const account = `system:serviceaccount:${space}:zk-zonekeeper`;
    const can = async (...what: string[]) => {
      const { stdout } = await attempt(tool('kubectl'), ['auth', 'can-i', ...what, '--as', account], {
        env: { KUBECONFIG: kubernetes.kubeconfig },
      });
      return stdout.trim().split('\n').at(-1) === 'yes';
    };
    const lease = 'leases.coordination.k8s.io/zk-zonekeeper';
    const events = 'events.events.k8s.io';
    // The API server answers from what it has been told of roles, a moment later.
    await waitFor('the rights to be known', () => can('patch', events, '-n', space));
    await waitFor('the rights to be known', () => can('create', 'subjectaccessreviews.authorization.k8s.io'));
    for (const what of [
      ['get', lease, '-n', space],
      ['update', lease, '-n', space],
      ['create', 'leases.coordination.k8s.io', '-n', space],
      ['create', events, '-n', space],
      ['patch', events, '-n', space],
      ['create', 'tokenreviews.authentication.k8s.io'],
      ['create', 'subjectaccessreviews.authorization.k8s.io'],
    ]) {
      expect(await can(...what), what.join(' ')).toBe(true);
    }
    for (const what of [
      ['get', 'leases.coordination.k8s.io/another', '-n', space],
      ['delete', lease, '-n', space],
      ['patch', lease, '-n', space],
      ['list', 'leases.coordination.k8s.io', '-n', space],
      ['get', lease, '-n', 'default'],
      ['create', 'leases.coordination.k8s.io', '-n', 'default'],
      ['get', events, '-n', space],
      ['delete', events, '-n', space],
      ['create', events, '-n', 'default'],
      ['get', 'secrets', '-n', space],
      ['list', 'pods', '-n', space],
      ['get', 'configmaps', '-n', space],
      ['get', 'nodes'],
      ['get', '/zonekeeper/read'],
      ['post', '/zonekeeper/write'],
    ]) {
      expect(await can(...what), what.join(' ')).toBe(false);
    }
  });

  it('gives nothing beside that: what Kubernetes itself lists as its rights', async () => {
    const space = await namespace();
    await helm(ALL_ON, 'install', 'zk', CHART, '-n', space);
    await kubernetes.kubectl('-n', space, 'create', 'serviceaccount', 'anybody');
    const rights = async (account: string, where: string) => {
      const answer = await command(
        tool('kubectl'),
        ['create', '--validate=false', '-f', '-', '-o', 'json', '--as', `system:serviceaccount:${space}:${account}`],
        { env: { KUBECONFIG: kubernetes.kubeconfig }, input: JSON.stringify(rulesReview(where)) },
      );
      const { resourceRules, nonResourceRules } = JSON.parse(answer).status as Record<string, object[]>;
      return [...(resourceRules ?? []), ...(nonResourceRules ?? [])].map((rule) => JSON.stringify(rule));
    };
    const own = async (where: string) => {
      const everybodys = new Set(await rights('anybody', where));
      return (await rights('zk-zonekeeper', where))
        .filter((rule) => !everybodys.has(rule))
        .map((rule) => JSON.parse(rule) as Record<string, string[]>)
        .map(({ verbs, resources, resourceNames = [] }) => `${verbs} ${resources} ${resourceNames}`.trim())
        .sort();
    };
    const reviews = ['create subjectaccessreviews', 'create tokenreviews'];
    expect(await own(space)).toEqual(
      [...reviews, 'create leases', 'create,patch events', 'get,update leases zk-zonekeeper'].sort(),
    );
    expect(await own('default')).toEqual(reviews);
  });

  it('runs the daemon: leads by the Lease, tells Events, lets in whom Kubernetes lets in', async () => {
    const space = await namespace();
    await helm(ALL_ON, 'install', 'zk', CHART, '-n', space);
    for (const name of ['reader', 'writer', 'nobody'])
      await kubernetes.kubectl('-n', space, 'create', 'serviceaccount', name);
    for (const [role, who] of [
      ['read', 'reader'],
      ['write', 'writer'],
    ]) {
      const args = ['create', 'clusterrolebinding', `${space}-${who}`, `--clusterrole=${space}-zk-zonekeeper-${role}`];
      await kubernetes.kubectl(...args, `--serviceaccount=${space}:${who}`);
    }
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    // What the chart tells the container, with the Pod's own account.
    const deployment = the(await render(ALL_ON, { release: 'zk', namespace: space }), 'Deployment');
    const set = Object.fromEntries(
      (deployment.spec.template.spec.containers[0].env as { name: string; value?: string }[])
        .filter(({ name, value }) => value !== undefined && /^ZONEKEEPER_(LEADER|LEASE|EVENTS|API_AUTH)/.test(name))
        .map(({ name, value }) => [name, value ?? '']),
    );
    const daemon = zonekeeper(['run'], {
      ...set,
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'test-token',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LISTEN: '127.0.0.1:0',
      // So that the sync finds what was removed, and not a drift check.
      ZONEKEEPER_DRIFT_CHECK_MIN: '10m',
      ZONEKEEPER_LOG_FORMAT: 'json',
      ZONEKEEPER_LOG_LEVEL: 'debug',
      KUBECONFIG: kubernetes.configFor(await kubernetes.token('zk-zonekeeper', space), { namespace: space }),
      POD_NAME: 'zk-zonekeeper-abc',
      POD_NAMESPACE: space,
    });
    const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
    await daemon.printed(/"msg":"leads"/);
    await waitFor('it to be ready', async () => (await fetch(`${url}/readyz`)).ok);

    const ask = async (path: string, who: string | null, method = 'GET') => {
      const headers = who === null ? {} : { authorization: `Bearer ${await kubernetes.token(who, space)}` };
      return fetch(`${url}${path}`, { method, headers });
    };
    const statuses = async (path: string, method?: string) =>
      Promise.all([null, 'nobody', 'reader', 'writer'].map(async (who) => (await ask(path, who, method)).status));
    expect(await statuses('/api/dns/records')).toEqual([401, 403, 200, 200]);
    expect(await statuses('/metrics')).toEqual([401, 403, 200, 200]);
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await waitFor('the record', () => simulator.records().length === 1);
    for (const record of simulator.records()) simulator.remove({ name: record.name });

    expect(await statuses('/api/dns/sync', 'POST')).toEqual([401, 403, 403, 200]);
    expect(await (await ask('/api/dns/records', 'nobody')).json()).toMatchObject({ code: 'not_permitted' });
    const { operations } = (await (await ask('/api/dns/operations', 'reader')).json()) as {
      operations: { requested_by: string }[];
    };
    expect(operations[0]?.requested_by).toContain(`system:serviceaccount:${space}:writer`);

    const events = await waitFor('the Events', async () => {
      const list = parse(await kubernetes.kubectl('-n', space, 'get', 'events.events.k8s.io', '-o', 'yaml'));
      const items = list.items as { reason: string; note: string; regarding: Record<string, string> }[];

      return items.length >= 2 ? items : null;
    });
    expect(events.map(({ reason }) => reason).sort()).toEqual(['BecameLeader', 'Synced']);
    expect(events[0]?.regarding).toMatchObject({ kind: 'Pod', name: 'zk-zonekeeper-abc', namespace: space });
    expect(events.find(({ reason }) => reason === 'Synced')?.note).toMatch(/1 created, 0 updated, 0 deleted/);

    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    const lease = await kubernetes.kubectl(
      '-n',
      space,
      'get',
      'lease',
      'zk-zonekeeper',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    );
    expect(lease).toBe('');
  });
});

const rulesReview = (namespace: string) => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectRulesReview',
  spec: { namespace },
});

describe('the image that the chart names', () => {
  it('is the one that the Dockerfile makes: its user is the user of the Pod', async () => {
    const { readFileSync } = await import('node:fs');
    expect(readFileSync('Dockerfile', 'utf8')).toContain('USER 65532:65532');
    const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'));
    expect(values.podSecurityContext).toMatchObject({ runAsUser: 65532, runAsGroup: 65532 });
  });
});
