import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { testFolder } from '../../support/folder.ts';
import { runDaemon } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

/** A connection that is ended between intent and outcome leaves a call whose end is unknown: it is settled after its deadline. */
const SETTLED_MS = 90_000;

/** Secrets as Kubernetes mounts them: files are links through `..data`, which is swapped for another folder at once. */
function mountedSecrets(first: Readonly<Record<string, string>>) {
  const folder = testFolder();
  let version = 0;
  const swap = (secrets: Readonly<Record<string, string>>) => {
    const data = `..v${++version}`;
    mkdirSync(join(folder, data));
    for (const [name, value] of Object.entries(secrets)) writeFileSync(join(folder, data, name), `${value}\n`);
    symlinkSync(data, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  swap(first);
  for (const name of Object.keys(first)) symlinkSync(join('..data', name), join(folder, name));
  return { path: (name: string) => join(folder, name), swap };
}

describe('secrets that change while the daemon runs', () => {
  it('are gone over to when they work, and no change is lost meanwhile', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    const role = `rotating_${database.url.split('/').at(-1)}`.replace(/\W/g, '_').slice(0, 60);
    await database.query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'first-password'`);
    const url = (password: string) => {
      const own = new URL(database.url);
      own.username = role;
      own.password = password;
      return own.href;
    };
    const first = {
      'database-url': url('first-password'),
      'cloudflare-api-token': 'token-one',
      'api-token': 'api-one',
    };
    const secrets = mountedSecrets(first);
    simulator.setToken({ token: 'token-one' });
    const daemon = await runDaemon({
      DATABASE_URL_FILE: secrets.path('database-url'),
      CLOUDFLARE_API_TOKEN_FILE: secrets.path('cloudflare-api-token'),
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_API_TOKEN_FILE: secrets.path('api-token'),
    });
    const names = () => simulator.records().map(({ name }) => name.split('.')[0]);
    const add = (name: string) =>
      database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ($1, 'running', 7)`, [name]);
    await add('before');
    await waitFor('the first record', () => names().includes('before'));

    // A token that Cloudflare does not know yet: the one before goes on.
    simulator.setToken({ token: 'token-two', status: 'invalid' });
    secrets.swap({ ...first, 'cloudflare-api-token': 'token-two', 'api-token': 'api-two' });
    await daemon.printed(/the new value does not work, the one before stays in use/);
    await add('meanwhile');
    await waitFor('a record by the old token', () => names().includes('meanwhile'));
    simulator.setToken({ token: 'token-two' });
    simulator.setToken({ token: 'token-one', status: 'invalid' });
    await add('after');
    await waitFor('a record by the new token', () => names().includes('after'));

    const asked = async (token: string) =>
      (await fetch(`${daemon.url}/api/status`, { headers: { authorization: `Bearer ${token}` } })).status;
    await waitFor('the new API token', async () => (await asked('api-two')) === 200);
    expect(await asked('api-one')).toBe(401);

    // The database: the new password is known there first, as it should be; the old connections are ended.
    await database.query(`ALTER ROLE ${role} PASSWORD 'second-password'`);
    // One change after the other, each waited for: one that is lost on the way would be waited for in vain.
    let gone = false;
    let streamed = 0;
    const stream = (async () => {
      do {
        const name = `during-${streamed++}`;
        await add(name);
        await waitFor(`the record of ${name}`, () => names().includes(name), SETTLED_MS);
      } while (!gone);
    })();
    await waitFor('the stream to flow', () => streamed > 2);
    secrets.swap({
      'database-url': url('second-password'),
      'cloudflare-api-token': 'token-two',
      'api-token': 'api-two',
    });
    await daemon.printed(/"setting":"databaseUrl"/);
    await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, [role]);
    gone = true;
    await stream;
    // Neither pool nor listener has anything of the old one: its password would be refused by now.
    await add('at-last');
    await waitFor('the last record', () => names().includes('at-last'), SETTLED_MS);

    for (const secret of ['first-password', 'second-password', 'token-one', 'token-two', 'api-one', 'api-two'])
      expect(daemon.output()).not.toContain(secret);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    await database.query(`DROP ROLE ${role}`);
  }, 240_000);
});
