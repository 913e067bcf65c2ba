import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { buildBundle } from '../../scripts/build.ts';
import { testSimulator } from '../support/daemon.ts';
import { testDatabase } from '../support/database.ts';
import { sharedFolder, testFolder } from '../support/folder.ts';
import { run, runDaemon } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

describe('the bundle, in a folder without node_modules', () => {
  const folder = sharedFolder();
  const main = join(folder, 'zonekeeper.js');
  beforeAll(() => buildBundle(folder));
  /** The program in a folder that lacks a file. */
  const without = (file: string) => {
    const copy = testFolder();
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, file));
    return join(copy, 'zonekeeper.js');
  };
  /** As far as the database, which is not there. */
  const start = (env: Record<string, string>, program: string) =>
    run(['run', '--database-url=postgres://a:b@127.0.0.1:1/c', '--cloudflare-api-token=t'], env, program);

  it('is one program with a source map and the migrations beside it', () => {
    const expected = ['licenses.txt', 'migrations', 'zonekeeper.js', 'zonekeeper.js.map'];
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(expected));
    expect(readdirSync(join(folder, 'migrations'))).toEqual(readdirSync('src/ledger/migrations'));
  });

  it('names its version, and its commands', async () => {
    expect(await run(['--version'], {}, main)).toEqual({ code: 0, output: `${manifest.version}\n` });
    const { code, output } = await run(['--help'], {}, main);
    expect(code).toBe(0);
    expect(output).toContain('migrate');
  });

  it('says that it needs a newer Node, instead of stopping at what an older one does not know', async () => {
    // One that lacks what the bundle begins with.
    const older = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.8'}});
      delete process.getBuiltinModule;`;
    const options = `--import=data:text/javascript,${encodeURIComponent(older)}`;
    expect(await run(['--help'], { NODE_OPTIONS: options }, main)).toEqual({
      code: 78,
      output: 'Zonekeeper needs Node 24 or newer; this is Node 18.20.8.\n',
    });
    expect(manifest.engines.node).toBe('>=24');
  });

  it('prepares a database, keeps its records, and stops', async () => {
    const [database, simulator] = [await testDatabase(), await testSimulator()];
    const env = {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'any-token',
      CLOUDFLARE_BASE_URL: simulator.url,
    };
    expect(await run(['migrate'], env, main)).toMatchObject({ code: 0 });
    await database.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
    const daemon = await runDaemon(env, main);
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await waitFor('the record', () => simulator.records().some(({ name }) => name === 'app.example.com'));
    const address = new URL(daemon.url).host;
    expect(await run(['health', '--ready'], { ZONEKEEPER_LISTEN: address }, main)).toMatchObject({ code: 0 });
    expect((await fetch(`${daemon.url}/openapi.json`)).status).toBe(200);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('loads OpenTelemetry only where traces are wanted', async () => {
    const less = without('opentelemetry.js');
    const wanted = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    expect((await start({}, less)).output).toContain('ECONNREFUSED');
    expect((await start(wanted, less)).output).toMatch(/Cannot find module .*opentelemetry/);
    expect((await start(wanted, main)).output).toContain('ECONNREFUSED');
  });

  it("loads Kubernetes' client only where it is used", async () => {
    const less = without('kubernetes-client.js');
    expect((await start({}, less)).output).toContain('ECONNREFUSED');
    const lease = { ZONEKEEPER_LEADER_ELECTION: 'kubernetes', KUBECONFIG: '/nowhere/kubeconfig', HOME: folder };
    expect((await start(lease, less)).output).toMatch(/Cannot find module .*kubernetes-client/);
    expect((await start(lease, main)).output).toMatch(/The kubeconfig cannot be used|There is no Kubernetes here/);
  });

  it('is the same for every architecture: nothing in it is a program of one machine', () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(4);
    const native = files.filter((one) => {
      const begin = readFileSync(join(one.parentPath, one.name)).subarray(0, 4).toString('latin1');
      return one.name.endsWith('.node') || begin === '\x7fELF';
    });
    expect(native.map(({ name }) => name)).toEqual([]);
    // So the image needs no emulation: what is built is built on the builder's own, and the rest is copied.
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    const [last = ''] = dockerfile.split(/^FROM /m).slice(-1);
    expect(dockerfile).toMatch(/^FROM --platform=\$\{BUILDPLATFORM\} \$\{BUILD_IMAGE\} AS build$/m);
    expect(last).toMatch(/^\$\{RUNTIME_IMAGE\}$/m);
    expect(last).not.toMatch(/^RUN /m);
  });

  it('says for people what it logs', async () => {
    const { output } = await run(
      ['run', '--log-format=pretty', '--database-url=postgres://a:b@127.0.0.1:1/c', '--cloudflare-api-token=t'],
      {},
      main,
    );
    expect(output).toContain('what to do: Check host, port and database name');
  });

  it('holds the licenses of what it is made of', () => {
    const text = readFileSync(join(folder, 'licenses.txt'), 'utf8');
    for (const name of ['fastify', 'pg', 'zod', 'cloudflare', 'bottleneck'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  it('is the same, byte for byte, whenever it is built', async () => {
    const again = testFolder();
    await buildBundle(again);
    for (const file of ['zonekeeper.js', 'zonekeeper.js.map', 'licenses.txt']) {
      expect(readFileSync(join(again, file)).equals(readFileSync(join(folder, file)))).toBe(true);
    }
    expect(existsSync(join(again, 'node_modules'))).toBe(false);
  });
});
