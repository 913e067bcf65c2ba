import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const DOCUMENT = new URL('../../../docs/configuration.md', import.meta.url);
const PASSWORD = 'of-the-test';

/** The documentation's SQL for this database, with role names of its own: roles belong to the whole server. */
async function documented(database: TestDatabase, owner: string, daemon: string): Promise<string[]> {
  const text = await readFile(DOCUMENT, 'utf8');
  const blocks = [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql ?? '');
  return blocks.map((sql) =>
    sql
      .replaceAll('zonekeeper_daemon', daemon)
      .replace(/\b(ROLE|TO) zonekeeper\b/g, `$1 ${owner}`)
      .replace('DATABASE app', `DATABASE ${database.name}`)
      .replace("'...'", `'${PASSWORD}'`),
  );
}

describe('the grants that docs/configuration.md gives', () => {
  let database: TestDatabase;
  let simulator: Simulator;
  let owner: string;
  let daemon: string;

  beforeAll(async () => {
    [database, simulator] = await Promise.all([createDatabase(), startSimulator({ zones: [{ name: 'example.com' }] })]);
    [owner, daemon] = [`${database.name}_owner`, `${database.name}_daemon`];
    // As an application has them, with nothing for anybody else.
    for (const sql of [
      'REVOKE ALL ON SCHEMA public FROM PUBLIC',
      'CREATE TABLE settings (domain text, target text, proxied boolean NOT NULL DEFAULT false, ttl integer NOT NULL DEFAULT 1)',
      'CREATE TABLE instances (id integer PRIMARY KEY, name text, subdomain text, status text, npm_proxy_id integer)',
      'CREATE TABLE standalone_proxies (id integer PRIMARY KEY, domain text)',
      "INSERT INTO settings (domain, target) VALUES ('example.com', '192.0.2.1')",
      "INSERT INTO standalone_proxies VALUES (1, 'app.example.com')",
    ]) {
      await database.query(sql);
    }
  });

  afterAll(async () => {
    await simulator.close();
    for (const role of [owner, daemon]) {
      await database.query(`DROP OWNED BY ${role} CASCADE`).catch(() => undefined);
      await database.query(`DROP ROLE IF EXISTS ${role}`);
    }
    await database.drop();
  });

  async function zonekeeper(role: string, ...argv: string[]) {
    const url = new URL(database.url);
    [url.username, url.password] = [role, PASSWORD];
    let output = '';
    const writer = {
      write: (text: string) => {
        output += text;
      },
      width: null,
    };
    const code = await runProgram({
      argv,
      env: { DATABASE_URL: url.href, CLOUDFLARE_API_TOKEN: 'any-token', CLOUDFLARE_BASE_URL: simulator.url },
      stdout: writer,
      stderr: writer,
      onStop: () => () => undefined,
    });
    return { code, output };
  }

  it('are enough for one role to migrate, with triggers, and to do everything', async () => {
    const [sql = ''] = await documented(database, owner, daemon);
    await database.query(sql);
    const migrated = await zonekeeper(owner, 'migrate', '--json');
    expect(migrated, migrated.output).toMatchObject({ code: 0 });
    expect(JSON.parse(migrated.output)).toMatchObject({ triggers: true, created_tables: [] });
    expect(await zonekeeper(owner, 'plan')).toMatchObject({
      code: 2,
      output: expect.stringContaining('app.example.com'),
    });
  });

  it('are enough for a role that cannot change the schema to do the daemon’s work', async () => {
    const [, sql = ''] = await documented(database, owner, daemon);
    await database.query(`CREATE ROLE ${daemon} LOGIN PASSWORD '${PASSWORD}'`);
    await database.query(sql);
    const synced = await zonekeeper(daemon, 'sync', '--json');
    expect(synced, synced.output).toMatchObject({ code: 0, output: expect.stringContaining('"created":1') });
    expect(await zonekeeper(daemon, 'records')).toMatchObject({ code: 0, output: expect.stringContaining('in_sync') });
    expect(await zonekeeper(daemon, 'plan')).toMatchObject({ code: 0 });
    await database.query('DELETE FROM standalone_proxies');
    expect(await zonekeeper(daemon, 'migrate', '--check')).toMatchObject({ code: 0 });
  });
});
