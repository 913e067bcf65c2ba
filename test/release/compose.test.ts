import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildBundle } from '../../scripts/build.ts';
import { attempt, command } from '../support/command.ts';
import { sharedFolder } from '../support/folder.ts';
import { requires } from '../support/requires.ts';
import { tool } from '../support/tools.ts';
import { waitFor } from '../support/wait.ts';

const SERVICES = ['postgres', 'migrate', 'zonekeeper', 'simulator', 'prometheus', 'grafana'];
/** A file that is mounted alone is looked at every half a minute. Generous, as all limits here. */
const ROTATION_MS = 120_000;

requires(
  'container engine',
  'docker client with BuildKit',
  'docker-compose',
  'prometheus',
)('deploy/compose, brought up with Docker Compose', () => {
  const project = `zonekeeper-test-${randomBytes(6).toString('hex')}`;
  const folder = sharedFolder();
  const home = join(folder, 'deploy/compose');
  const secret = (name: string) => join(home, 'secrets', name);
  let env: Record<string, string> = {};

  const compose = (...args: string[]) =>
    command(tool('docker-compose'), ['-p', project, '--profile', 'simulator', ...args], { cwd: home, env });
  /** As an application on that network does. */
  const sql = (text: string) =>
    compose('exec', '-T', 'postgres', 'psql', '-qAtX', '-d', readFileSync(secret('database-url'), 'utf8'), '-c', text);
  /** Where a port of a service is published. */
  const at = async (service: string, port: number) => `http://${(await compose('port', service, `${port}`)).trim()}`;
  const inspect = async (service: string) => {
    const id = (await compose('ps', '-aq', service)).trim();
    return JSON.parse(await command('docker', ['inspect', id]))[0] as {
      State: { Status: string; ExitCode: number };
      HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[]; SecurityOpt: string[] };
    };
  };
  const ask = async (path: string, token = readFileSync(secret('api-token'), 'utf8')) =>
    fetch(`${await at('zonekeeper', 8080)}${path}`, { headers: { authorization: `Bearer ${token}` } });
  /** Waits until the name is in sync, by what the API shows. */
  const inSync = (fqdn: string) =>
    waitFor(
      `${fqdn} to be in sync`,
      async () => {
        const answer = await ask(`/api/dns/records/${fqdn}`);
        if (!answer.ok) return false;
        const { state, actual } = (await answer.json()) as { state: string; actual: { content: string }[] };
        return state === 'in_sync' && actual.length === 1;
      },
      60_000,
    );

  beforeAll(async () => {
    cpSync('deploy', join(folder, 'deploy'), {
      recursive: true,
      // Those of whoever works here.
      filter: (path) => !/deploy\/compose\/(\.env|secrets\/.+)$/.test(path),
    });
    const images = (await command('bash', ['test/containers/compose-images.sh'])).trim().split('\n');
    const bases = (await command('bash', ['test/containers/node-images.sh'])).trim().split('\n');
    const args = [`RUNTIME_IMAGE=${bases[0]}`, `BUILD_IMAGE=${bases[1]}`].flatMap((arg) => ['--build-arg', arg]);
    // The machine's network, for the packages that the build installs.
    const flags = ['-q', '--network=host', '-t', `${project}/zonekeeper`];
    await command('bash', ['test/containers/docker.sh', 'build', ...flags, ...args, '.'], { limitMs: 600_000 });
    // By which `engine.sh down` knows what a run that broke off has left.
    const labels = { 'zonekeeper-test': process.env.ENGINE_USER ?? '' };
    writeFileSync(
      join(folder, 'labels.yaml'),
      JSON.stringify({ services: Object.fromEntries(SERVICES.map((name) => [name, { labels }])) }),
    );
    env = {
      ...Object.fromEntries(images.map((line) => line.split('=', 2) as [string, string])),
      ZONEKEEPER_IMAGE: `${project}/zonekeeper`,
      COMPOSE_FILE: `compose.yaml:${join(folder, 'labels.yaml')}`,
      // Any port that is free.
      ZONEKEEPER_PORT: '127.0.0.1:',
      PROMETHEUS_PORT: '127.0.0.1:',
      GRAFANA_PORT: '127.0.0.1:',
      CLOUDFLARE_BASE_URL: 'http://simulator:8799/client/v4',
    };
  }, 900_000);
  afterAll(async () => {
    await attempt(tool('docker-compose'), ['-p', project, '--profile', '*', 'down', '-v', '-t', '5'], {
      cwd: home,
      env,
    });
    await attempt('docker', ['rmi', '-f', `${project}/zonekeeper`]);
  }, 120_000);

  it('runs an image that was built from its sources, and holds the bytes of a bundle built here', async () => {
    await buildBundle(join(folder, 'bundle'));
    const id = (await command('docker', ['create', `${project}/zonekeeper`])).trim();
    await command('docker', ['cp', `${id}:/app`, join(folder, 'app')]);
    await command('docker', ['rm', id]);
    for (const file of [
      'zonekeeper.js',
      'kubernetes-client.js',
      'opentelemetry.js',
      'licenses.txt',
      'migrations/0001_ledger.sql',
    ]) {
      const same = readFileSync(join(folder, 'app', file)).equals(readFileSync(join(folder, 'bundle', file)));
      expect([file, same]).toEqual([file, true]);
    }
    expect(existsSync(join(folder, 'app/web/index.html'))).toBe(true);
  });

  it('makes the secrets that can be made up, once, behind a closed door', async () => {
    expect(await command('sh', ['secrets.sh'], { cwd: home })).toMatch(/^Put your Cloudflare API token into /);
    const made = readFileSync(secret('api-token'), 'utf8');
    expect(made).toMatch(/^[0-9a-f]{48}$/);
    writeFileSync(secret('cloudflare-api-token'), 'any-token');
    expect(await command('sh', ['secrets.sh'], { cwd: home })).toBe('All secrets are there.\n');
    expect(readFileSync(secret('api-token'), 'utf8')).toBe(made);
    expect(statSync(join(home, 'secrets')).mode & 0o777).toBe(0o700);
  });

  it('comes up as a whole, and keeps a record', async () => {
    await compose('up', '--wait');
    expect((await inspect('migrate')).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
    await sql(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
    await sql(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await inSync('app.example.com');
    expect((await ask('/api/dns/records', 'wrong')).status).toBe(401);
  }, 300_000);

  it('gives the daemon no rights and nothing to write to', async () => {
    expect((await inspect('zonekeeper')).HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
    });
  });

  it('is scraped by Prometheus, which has our rules', async () => {
    const api = `${await at('prometheus', 9090)}/api/v1`;
    const data = async (path: string) =>
      ((await (await fetch(`${api}${path}`)).json()) as { data: Record<string, unknown> }).data;
    await waitFor(
      'a sample',
      async () => ((await data('/query?query=zonekeeper_build_info')).result as unknown[]).length === 1,
      60_000,
    );
    expect(JSON.stringify(await data('/rules'))).toContain('"name":"ZonekeeperGuardBlocked"');
  }, 90_000);

  it('hands Grafana our dashboards, the data source, and a password', async () => {
    const { files, password } = (await (await fetch(await at('grafana', 3000))).json()) as {
      files: string[];
      password: number;
    };
    expect(files).toEqual(
      expect.arrayContaining([
        '/etc/grafana/provisioning/datasources/prometheus.yaml',
        '/etc/grafana/provisioning/dashboards/zonekeeper.yaml',
        '/var/lib/grafana/dashboards/zonekeeper-drift.json',
      ]),
    );
    expect(password).toBe(48);
  });

  it('follows a secret that is written over, without a restart', async () => {
    writeFileSync(secret('api-token'), 'written-over');
    await waitFor('the new token', async () => (await ask('/api/status', 'written-over')).status === 200, ROTATION_MS);
    expect((await inspect('zonekeeper')).State.Status).toBe('running');
  }, 150_000);

  it('outlives a restart of its database, and is brought up again without harm', async () => {
    await compose('restart', 'postgres');
    await compose('up', '--wait');
    await sql(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('later', 'running', 7)`);
    await inSync('later.example.com');
    await inSync('app.example.com');
  }, 300_000);

  it('stops in time', async () => {
    await compose('stop', 'zonekeeper');
    expect((await inspect('zonekeeper')).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
  }, 90_000);
});
