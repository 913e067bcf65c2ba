import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { copyCheckout } from '../support/checkout.ts';
import { attempt, command } from '../support/command.ts';
import { testSimulator } from '../support/daemon.ts';
import { testDatabase } from '../support/database.ts';
import { sharedFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { requires } from '../support/requires.ts';
import { waitFor } from '../support/wait.ts';

/** As a careful operator runs it. */
const HARDENED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=host'];
const LABEL = `zonekeeper-test=${process.env.ENGINE_USER ?? ''}`;
/** Ours, beside Node itself. Bytes. */
const MAX_OWN_SIZE = 20_000_000;

requires('container engine', 'docker client with BuildKit')('the image, on base images made here', () => {
  const tag = `zonekeeper-test/zonekeeper:${randomBytes(6).toString('hex')}`;
  const folder = sharedFolder();
  let base = '';
  beforeAll(async () => {
    base = (await command('bash', ['test/containers/node-images.sh', 'runtime'])).trim();
    // Of a bundle that is there, as a release does; compose.test.ts builds from the sources.
    const context = await copyCheckout(join(folder, 'checkout'));
    await command('npm', ['run', '--silent', 'build'], { cwd: context });
    const args = ['VERSION=1.2.3', 'REVISION=abc', `RUNTIME_IMAGE=${base}`, 'BUNDLE=prebuilt'];
    const flags = args.flatMap((arg) => ['--build-arg', arg]);
    await command('bash', ['test/containers/docker.sh', 'build', '-q', '-t', tag, ...flags, context]);
  }, 600_000);
  afterAll(async () => {
    await attempt('docker', ['rmi', '-f', tag]);
  });

  async function inspect<T>(what: string, format: string): Promise<T> {
    return JSON.parse(await command('docker', ['inspect', '-f', `{{json ${format}}}`, what])) as T;
  }

  it('runs as nobody in particular, is labelled, and checks its own health', async () => {
    const config = await inspect<Record<string, unknown>>(tag, '.Config');
    expect(config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['node', '--max-semi-space-size=16', '/app/zonekeeper.js'],
      Cmd: ['run'],
      StopSignal: 'SIGTERM',
      Healthcheck: { Test: ['CMD', 'node', '/app/zonekeeper.js', 'health'] },
      Labels: {
        'org.opencontainers.image.title': 'Zonekeeper',
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.version': '1.2.3',
        'org.opencontainers.image.revision': 'abc',
      },
    });
  });

  it('adds little to its base, and needs no shell', async () => {
    const own = (await inspect<number>(tag, '.Size')) - (await inspect<number>(base, '.Size'));
    expect(own).toBeLessThan(MAX_OWN_SIZE);
    const shell = await attempt('docker', ['run', '--rm', '--label', LABEL, '--entrypoint', '/bin/sh', tag, '-c', ':']);
    expect(shell.code).not.toBe(0);
    expect(shell.stderr).toMatch(/no such file or directory/);
    expect(await command('docker', ['run', '--rm', '--label', LABEL, tag, '--help'])).toContain('zonekeeper <command>');
  });

  it('migrates, becomes healthy, keeps a record, and stops in time, without rights and on a read-only root', async () => {
    const [database, simulator] = [await testDatabase(), await testSimulator()];
    const env = Object.entries({
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'canary-token-in-a-container',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LISTEN: `127.0.0.1:${await freePort()}`,
    }).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const flags = [...HARDENED, '--label', LABEL, ...env];
    await command('docker', ['run', '--rm', ...flags, tag, 'migrate']);
    await database.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);

    const id = (await command('docker', ['run', '-d', '--health-interval=1s', ...flags, tag])).trim();
    onTestFinished(async () => {
      await attempt('docker', ['rm', '-f', id]);
    });
    await waitFor('the health check', async () => (await inspect(id, '.State.Health.Status')) === 'healthy', 60_000);

    const status = readFileSync(`/proc/${await inspect<number>(id, '.State.Pid')}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);

    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await waitFor('the record', () => simulator.records().some(({ name }) => name === 'app.example.com'));

    // Killed after that, which would be exit code 137.
    await command('docker', ['stop', '-t', '30', id]);
    expect(await inspect(id, '.State')).toMatchObject({ Status: 'exited', ExitCode: 0, OOMKilled: false });
    const { stdout } = await attempt('docker', ['logs', id]);
    expect(stdout).toContain('"msg":"leads"');
    expect(stdout).not.toContain('canary-token');
  });
});
