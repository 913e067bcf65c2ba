import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit.ts';
import { loadConfig } from '../../src/config/config.ts';
import { attempt, command } from '../support/command.ts';
import { testSimulator } from '../support/daemon.ts';
import { testDatabase } from '../support/database.ts';
import { testFolder } from '../support/folder.ts';
import { run, runDaemon } from '../support/process.ts';
import { requires } from '../support/requires.ts';
import { waitFor } from '../support/wait.ts';

const UNIT = 'deploy/systemd/zonekeeper.service';
/** Of 10; what systemd calls "OK" ends at 5. Versions of systemd differ a little. */
const MAX_EXPOSURE = 1.5;

/** Every value of a key, in order. */
const values = (key: string): string[] =>
  [...readFileSync(UNIT, 'utf8').matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

/** What stands in a file of `NAME=value` lines. */
const variables = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s, 2) as [string, string]),
  );

requires('systemd-analyze')('the unit, by systemd', () => {
  it('is valid, without a word', async () => {
    const file = join(testFolder(), 'zonekeeper.service');
    // systemd asks whether the program is there: Node is elsewhere on this machine.
    writeFileSync(file, readFileSync(UNIT, 'utf8').replaceAll('/usr/bin/node', process.execPath));
    const { code, stdout, stderr } = await attempt('systemd-analyze', ['verify', file]);
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('zonekeeper'));
    expect({ code, said }).toEqual({ code: 0, said: [] });
  });

  it('exposes little of the machine, as the docs say', async () => {
    const told = await command('systemd-analyze', ['security', '--offline=true', UNIT]);
    const exposure = Number(/Overall exposure level for zonekeeper\.service: ([\d.]+)/.exec(told)?.[1]);
    expect(exposure).toBeLessThanOrEqual(MAX_EXPOSURE);
    const documented = /exposure at ([\d.]+) of 10/.exec(readFileSync('docs/install-systemd.md', 'utf8'))?.[1];
    expect(Math.abs(exposure - Number(documented))).toBeLessThanOrEqual(0.2);
  });
});

describe('the unit', () => {
  it('runs the daemon with its environment file and its credentials, and lets it stop', async () => {
    const [database, simulator] = [await testDatabase(), await testSimulator()];
    const credentials = join(testFolder(), 'credentials');
    mkdirSync(credentials);
    for (const credential of values('LoadCredential')) {
      const [name = ''] = credential.split(':');
      const secrets: Record<string, string> = {
        'database-url': database.url,
        'cloudflare-api-token': 'a-token',
        'api-token': 'canary-api-token',
      };
      writeFileSync(join(credentials, name), `${secrets[name]}\n`);
    }
    // As systemd makes it: the unit's own variables, with the folder of the credentials, and the file.
    const env = {
      ...variables(values('Environment').map((line) => line.replace('%d', credentials))),
      ...variables(readFileSync('deploy/systemd/zonekeeper.env', 'utf8').split('\n')),
    };
    expect(env.ZONEKEEPER_DRY_RUN).toBe('true');
    const local = { ...env, CLOUDFLARE_BASE_URL: simulator.url, ZONEKEEPER_LISTEN: '127.0.0.1:0' };

    expect(values('ExecStartPre')).toEqual([expect.stringMatching(/^\S*node \S*zonekeeper\.js migrate$/)]);
    expect(values('ExecStart')).toEqual([expect.stringMatching(/^\S*node --\S+ \S*zonekeeper\.js run$/)]);
    expect(await run(['migrate'], local)).toMatchObject({ code: 0 });
    const daemon = await runDaemon(local);
    await database.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    const headers = { authorization: 'Bearer canary-api-token' };
    await waitFor('the plan of a dry run', async () => {
      const plan = await (await fetch(`${daemon.url}/api/dns/plan`, { headers })).text();
      return plan.includes('app.example.com');
    });
    expect((await fetch(`${daemon.url}/api/dns/plan`)).status).toBe(401);
    expect(simulator.records()).toEqual([]);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('is not started again and again with what cannot work, and has time to stop', async () => {
    expect(values('RestartPreventExitStatus')).toEqual([`${EXIT.usage} ${EXIT.config}`]);
    const config = await loadConfig({
      needs: 'run',
      env: { DATABASE_URL: 'postgres://a/b', CLOUDFLARE_API_TOKEN: 'x' },
    });
    const [limit = ''] = values('TimeoutStopSec');
    expect(Number(limit.replace('s', '')) * 1_000).toBeGreaterThan(config.shutdownGraceMs);
  });
});
