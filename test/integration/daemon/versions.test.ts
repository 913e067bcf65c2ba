import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildBundle } from '../../../scripts/build.ts';
import { startDaemon, testSimulator } from '../../support/daemon.ts';
import { testDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/folder.ts';
import { run, runDaemon, zonekeeper } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

/** What the next version may do: it adds, and says nothing about older ones. */
const EXPAND = `-- As a next version would have it.
ALTER TABLE @.dns_records ADD COLUMN added_later text NOT NULL DEFAULT 'none';
ALTER TABLE @.intents ADD COLUMN added_later integer NOT NULL DEFAULT 0;
CREATE TABLE @.added_later (id bigint PRIMARY KEY);
`;

const NEXT = readdirSync('src/ledger/migrations').length + 1;
const MIGRATION = `${String(NEXT).padStart(4, '0')}_next.sql`;

describe('two versions of the daemon on one database', () => {
  const folder = sharedFolder();
  const [present, next] = [join(folder, 'present/zonekeeper.js'), join(folder, 'next/zonekeeper.js')];
  beforeAll(async () => {
    await buildBundle(join(folder, 'present'));
    cpSync(join(folder, 'present'), join(folder, 'next'), { recursive: true });
    writeFileSync(join(folder, 'next/migrations', MIGRATION), EXPAND);
  }, 180_000);

  it('change over to the next one and back again while changes come: each is made, once', async () => {
    const [database, simulator] = [await testDatabase(), await testSimulator()];
    const env = {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'a-token',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LISTEN: '127.0.0.1:0',
      ZONEKEEPER_LOG_FORMAT: 'json',
    };
    const names: string[] = [];
    const add = async (...added: string[]) => {
      names.push(...added);
      await database.query(
        `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 7 FROM unnest($1::text[]) n`,
        [added],
      );
    };
    const all = (when: string) =>
      waitFor(`all records, ${when}`, async () => {
        const there = simulator.records().map(({ name }) => name.split('.')[0]);
        const tracked = await database.query<{ fqdn: string }>('SELECT fqdn FROM zonekeeper.dns_records');
        const kept = tracked.map(({ fqdn }) => fqdn.split('.')[0]);
        return names.every((name) => there.includes(name) && kept.includes(name));
      });
    /** A second daemon, which stands by until the first is gone. */
    const standby = async (main: string) => {
      const daemon = zonekeeper(['run'], env, main);
      const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
      await waitFor('the standby to be ready', async () => (await fetch(`${url}/readyz`)).ok);
      expect(daemon.output()).not.toContain('"msg":"leads"');
      return { ...daemon, url };
    };

    expect(await run(['migrate'], env, present)).toMatchObject({ code: 0 });
    await database.query(`INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')`);
    const first = await runDaemon(env, present);
    await add('before');
    await all('by the present version');

    // The next version's init container, while the present one works on.
    expect((await run(['migrate'], env, next)).output).toContain(`Applied ${MIGRATION}`);
    await add('migrated');
    await all('by the present version on the next schema');
    const second = await standby(next);
    // Asked of the next version, carried out by the present one.
    const synced = await fetch(`${second.url}/api/dns/sync`, { method: 'POST' });
    expect([synced.status, await synced.json()]).toMatchObject([200, { already_synced: 2, failed: 0 }]);
    await add('side-by-side');
    first.signal('SIGTERM');
    await add('changing-over');
    expect(await first.ended).toBe(0);
    await second.printed(/"msg":"leads"/);
    await add('after');
    await all('by the next version');

    // The rollback: the present version's init container finds a schema of the next one.
    expect(await run(['migrate'], env, present)).toMatchObject({
      code: 0,
      output: expect.stringContaining(`is at version ${NEXT}`),
    });
    const third = await standby(present);
    await database.query(`UPDATE instances SET target = '192.0.2.9' WHERE subdomain = 'after'`);
    second.signal('SIGTERM');
    await add('going-back');
    expect(await second.ended).toBe(0);
    await third.printed(/"msg":"leads"/);
    await database.query(`DELETE FROM instances WHERE subdomain = 'before'`);
    names.splice(names.indexOf('before'), 1);
    await waitFor('the deletion', () => simulator.records({ name: 'before.example.com' }).length === 0);
    await all('after the rollback');
    await waitFor('the new target', () =>
      simulator.records({ name: 'after.example.com' }).some(({ content }) => content === '192.0.2.9'),
    );

    const { changes } = simulator.changes();
    const made = changes.filter(({ before }) => before === null).map(({ after }) => after?.name.split('.')[0]);
    expect(made.sort()).toEqual([...names, 'before'].sort());
    expect(changes.filter(({ after }) => after === null).map(({ before }) => before?.name)).toEqual([
      'before.example.com',
    ]);
    third.signal('SIGTERM');
    expect(await third.ended).toBe(0);
  }, 180_000);
});

describe('a daemon from under which a newer version has taken something', () => {
  it('does not come to lead, and is not ready; it says why', async () => {
    const leader = await startDaemon();
    const { database, simulator } = leader;
    const { daemon, get, log } = await startDaemon({ database, simulator, ready: false });
    await waitFor('the standby to be ready', () => daemon.ready);
    await database.query(
      `INSERT INTO zonekeeper.migrations (version, name, checksum, oldest) VALUES (9999, 'later', '', 9999)`,
    );
    await leader.daemon.stop();
    await waitFor('its refusal', () => log.some((line) => line.includes('cannot lead: The schema')));
    expect(daemon.leading).toBe(false);
    const ready = await get('/readyz');
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('[-]schema failed: ')]);
    await database.query('DELETE FROM zonekeeper.migrations WHERE version = 9999');
    await waitFor('it to lead after all', () => daemon.leading && daemon.ready);
  });
});
