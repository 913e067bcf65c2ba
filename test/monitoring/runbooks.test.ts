import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { parseCommandLine } from '../../src/cli/args.ts';
import { COMMAND_TABLE } from '../../src/cli/commands.ts';
import { SETTING_KEYS, describe as settingOf } from '../../src/config/schema.ts';
import { ERRORS } from '../../src/errors.ts';
import { CHART, ENOUGH, merge, render, the, type Values } from '../support/chart.ts';
import { attempt, command } from '../support/command.ts';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import { testFolder } from '../support/folder.ts';
import { helmEnv, sharedKubernetes } from '../support/kubernetes.ts';
import { runDaemon } from '../support/process.ts';
import { requires } from '../support/requires.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { tool } from '../support/tools.ts';
import { waitFor } from '../support/wait.ts';
import { blockLines, languages, links, type Said, spans } from './runbooks.ts';

const SPACE = 'zonekeeper';
const TOKENS = { cloudflare: 'a-cloudflare-token', api: 'an-api-token' };
/** Programs that commands may call as they are. One that is neither here nor among ours is not found, so that its command fails. */
const AS_THEY_ARE = ['cat', 'grep', 'jq', 'psql'];
/** Programs that stand in for others, or call them: by the files in programs/, which say how. */
const OURS = {
  zonekeeper: 'zonekeeper',
  curl: 'curl',
  kubectl: 'kubectl',
  systemctl: 'systemctl',
  journalctl: 'systemctl',
};
const NEEDED = ['bash', 'curl', 'jq', 'psql'];
/** Words that look like codes of ours and are PostgreSQL's. */
const OF_POSTGRES = ['pg_stat_activity', 'search_path', 'max_connections'];

const usesKubernetes = ({ text }: Said): boolean => text.startsWith('kubectl');

describe('runbooks', () => {
  it('have code blocks that tests know to try', () => {
    expect([...languages()].sort()).toEqual(['promql', 'sh', 'sql']);
    expect(blockLines('sh').length).toBeGreaterThan(20);
  });

  it('name commands, settings, codes and values of the chart that there are', () => {
    const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as unknown;
    const variables = SETTING_KEYS.map((key) => settingOf(key).env);
    const wrong = spans().filter(({ text }) => {
      if (text.startsWith('zonekeeper ')) return !parses(text);
      if (/^ZONEKEEPER_\w+$/.test(text)) return !variables.includes(text);
      if (/^[a-z]+(_[a-z]+)+$/.test(text)) return !(text in ERRORS) && !OF_POSTGRES.includes(text);
      const [, path = ''] = /^([a-z]\w+(?:\.\w+)+)(?:: \w+)?$/.exec(text) ?? [];
      return path !== '' && !has(values, path.split('.'));
    });
    expect(wrong).toEqual([]);
  });

  it('lead to files that there are', () => {
    expect(links().filter(({ text }) => !existsSync(join('docs/runbooks', text)))).toEqual([]);
  });
});

requires(
  'bash',
  'curl',
  'jq',
  'psql',
)('the commands of runbooks', () => {
  it('do what they are there for, at a daemon that has had every trouble', async () => {
    const { tried, database } = await troubled();
    for (const mistake of [
      'frobnicate --now',
      'zonekeeper records --stat conflict',
      'zonekeeper record',
      'systemctl status zonkeeper',
      'curl -s http://127.0.0.1:8080/api/statuses',
      'curl -s -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/status | jq .leaders',
      'curl -s http://127.0.0.1:8080/api/status',
      `psql -c 'SELECT nothing FROM zonekeeper.leader'`,
    ])
      expect(await tried(mistake), mistake).not.toBeNull();

    const wrong: string[] = [];
    for (const { where, text } of blockLines('sh').filter((line) => !usesKubernetes(line))) {
      const problem = await tried(text);
      if (problem !== null) wrong.push(`${where}: ${text}\n${problem}`);
    }
    for (const { where, text } of blockLines('sql')) expect(await database.query(text), where).toHaveLength(1);
    expect(wrong).toEqual([]);
  });
});

requires(
  ...NEEDED,
  'kube-apiserver',
  'kubectl',
  'helm',
)('the commands of runbooks for Kubernetes', () => {
  const kubernetes = sharedKubernetes();

  it('find what the chart has installed, and in the log what they look for', async () => {
    const settings: Values = { leaderElection: { mode: 'kubernetes' } };
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SPACE } });
    await command(tool('helm'), ['install', 'zonekeeper', CHART, '-n', SPACE, '-f', '-'], {
      env: helmEnv(testFolder(), kubernetes.kubeconfig),
      input: JSON.stringify(merge(ENOUGH, settings)),
    });
    const { spec } = the(await render(settings, { release: 'zonekeeper', namespace: SPACE }), 'Deployment');
    // What the controllers would make of the Deployment.
    const { metadata, spec: pod } = spec.template;
    const own = { ...metadata, name: 'zonekeeper-abc', namespace: SPACE };
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Pod', metadata: own, spec: pod });
    const { tried } = await troubled(
      {
        ...Object.fromEntries(
          (pod.containers[0].env as { name: string; value?: string }[])
            .filter(({ name }) => /^ZONEKEEPER_(LEADER|LEASE)/.test(name))
            .map(({ name, value = '' }) => [name, value]),
        ),
        KUBECONFIG: kubernetes.configFor(await kubernetes.token('zonekeeper', SPACE), { namespace: SPACE }),
        POD_NAME: own.name,
        POD_NAMESPACE: SPACE,
      },
      kubernetes.kubeconfig,
    );
    for (const mistake of [
      'kubectl -n zonekeeper get pods -l app=zonekeeper',
      'kubectl -n zonekeeper get pod --selector-label app.kubernetes.io/name=zonekeeper',
      'kubectl -n zonekeeper logs deploy/zonkeeper',
      'kubectl -n zonekeeper logs deploy/zonekeeper --previously',
      'kubectl -n zonekeeper logs deploy/zonekeeper | grep "nothing like that"',
      'kubectl -n zonekeeper exec deploy/zonekeeper -- zonekeeper record',
      'kubectl -n zonekeeper get lease zonkeeper',
    ])
      expect(await tried(mistake), mistake).not.toBeNull();

    const wrong: string[] = [];
    for (const { where, text } of blockLines('sh').filter(usesKubernetes)) {
      const problem = await tried(text);
      if (problem !== null) wrong.push(`${where}: ${text}\n${problem}`);
    }
    expect(wrong).toEqual([]);
  });
});

interface Status {
  readonly leader: { readonly alive: boolean };
  readonly queue: unknown;
  readonly zones: readonly { readonly error: unknown }[];
}

/** A daemon that has had, or still has, every trouble that runbooks speak of; and how to try a command there. */
async function troubled(more: Readonly<Record<string, string>> = {}, kubeconfig = '') {
  const database = await migratedDatabase();
  const simulator = await testSimulator([{ name: 'example.com' }, { name: 'example.net' }]);
  const postgres = new URL(database.url);
  const way = await tcpProxy({ host: postgres.hostname, port: Number(postgres.port) });
  const through = new URL(database.url);
  Object.assign(through, { hostname: '127.0.0.1', port: String(way.port) });
  const env = {
    DATABASE_URL: through.href,
    CLOUDFLARE_API_TOKEN: TOKENS.cloudflare,
    CLOUDFLARE_BASE_URL: simulator.url,
    ZONEKEEPER_API_TOKEN: TOKENS.api,
    ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
    ZONEKEEPER_DRIFT_CHECK_MAX: '1s',
    // What has lost its consumer stays an orphan.
    ZONEKEEPER_DELETE_GRACE: '1h',
  };
  simulator.add({ zone: 'example.com', name: 'held.example.com', type: 'A', content: '198.51.100.1' });
  simulator.addFault({ effect: { kind: 'refuse', code: 9003, name: 'poison.example.com' } });
  const daemon = await runDaemon({ ...env, ...more });
  const asked = async (path: string): Promise<string> =>
    (await fetch(`${daemon.url}${path}`, { headers: { authorization: `Bearer ${TOKENS.api}` } })).text();
  const state = (name: string, wanted: string) =>
    waitFor(`${name} to be ${wanted}`, async () =>
      (await asked(`/api/dns/records/${name}.example.com`)).includes(`"state":"${wanted}"`),
    );

  await database.query(
    `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 7 FROM unnest(ARRAY['app', 'held', 'poison', 'gone']) n`,
  );
  await state('app', 'in_sync');
  await state('held', 'conflict');
  await state('poison', 'failed');
  await state('gone', 'in_sync');
  await database.query(`DELETE FROM instances WHERE subdomain = 'gone'`);
  await state('gone', 'orphaned');
  simulator.setToken({ token: TOKENS.cloudflare, status: 'invalid' });
  await daemon.printed(/cloudflare_auth/);
  simulator.setToken({ token: TOKENS.cloudflare });
  way.refuse();
  await daemon.printed(/not listening/);
  way.mend();
  simulator.addFault({ zone: 'example.net', operation: 'list_records', effect: { kind: 'html', status: 502 } });
  await waitFor('a leader, and a zone that cannot be seen', async () => {
    const { leader, queue, zones } = JSON.parse(await asked('/api/status')) as Status;
    return leader.alive && queue !== null && zones.some(({ error }) => error !== null);
  });
  await waitFor('it to be ready', async () => (await fetch(`${daemon.url}/readyz`)).ok);

  const folder = testFolder();
  for (const [name, file] of Object.entries(OURS))
    symlinkSync(resolve('test/monitoring/programs', file), join(folder, name));
  for (const name of AS_THEY_ARE) symlinkSync(await found(name), join(folder, name));
  symlinkSync(process.execPath, join(folder, 'node'));
  const log = join(folder, 'log');
  const status = await statusPage();
  const real = {
    ...env,
    PATH: folder,
    NODE: process.execPath,
    REAL_CURL: await found('curl'),
    REAL_KUBECTL: tool('kubectl'),
    KUBECONFIG: kubeconfig,
    DAEMON_LOG: log,
    TOKEN: TOKENS.api,
    PGHOST: postgres.hostname,
    PGPORT: postgres.port,
    PGUSER: decodeURIComponent(postgres.username),
    PGPASSWORD: decodeURIComponent(postgres.password),
    PGDATABASE: postgres.pathname.slice(1),
  };
  /** Null where the command succeeds and says something; what is wrong otherwise. */
  const tried = async (line: string): Promise<string | null> => {
    writeFileSync(log, daemon.output());
    const here = line
      .replaceAll('http://127.0.0.1:8080', daemon.url)
      .replaceAll('https://api.cloudflare.com/client/v4', simulator.url)
      .replaceAll('https://www.cloudflarestatus.com', status);
    const { code, stdout, stderr } = await attempt('/bin/bash', ['-e', '-o', 'pipefail', '-c', here], { env: real });
    // A plan with changes is no failure.
    if (code !== 0 && !(code === 2 && line.startsWith('zonekeeper plan')))
      return `ended with ${code}: ${stderr}${stdout}`;
    // What jq does not find is null.
    return /^(null\s*)*$/.test(stdout) || /^null$/m.test(stdout) ? `says nothing: ${stdout}${stderr}` : null;
  };
  return { tried, database };
}

/** Stands in for Cloudflare's page about incidents, which tests do not reach. It answers as Statuspage's API does. */
async function statusPage(): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url !== '/api/v2/status.json') response.writeHead(404);
    response.end(
      JSON.stringify({ page: { name: 'Cloudflare' }, status: { indicator: 'none', description: 'Operational' } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** Where this machine has a program. */
const found = async (name: string): Promise<string> => (await command('bash', ['-c', 'command -v "$0"', name])).trim();

function parses(line: string): boolean {
  try {
    return parseCommandLine(line.split(' ').slice(1), COMMAND_TABLE).kind === 'command';
  } catch {
    return false;
  }
}

/** Is there such a path of keys? */
function has(values: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  return typeof values === 'object' && values !== null && key in values && has((values as Values)[key], rest);
}
