import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { knownMigrations, migrateSchema, requireSchema, schemaStatus } from '../../../src/ledger/migrate.ts';
import { inspectConsumers, prepareConsumers } from '../../../src/sources/postgres/prepare.ts';
import { testDatabase } from '../../support/database.ts';
import { testFolder } from '../../support/folder.ts';
import { connect, install } from '../../support/installation.ts';
import { run } from '../../support/process.ts';

describe('migrate', () => {
  test('prepares an empty database, and finds nothing to do the second time', async () => {
    const database = await testDatabase();
    const db = connect(database);
    expect(await migrateSchema(db)).toHaveLength(knownMigrations().length);
    expect(await prepareConsumers(db)).toMatchObject({
      created: ['settings', 'instances', 'standalone_proxies'],
      view: 'generated',
      withoutTriggers: null,
    });
    expect(await migrateSchema(db)).toEqual([]);
    expect(await prepareConsumers(db)).toMatchObject({ created: [], view: 'generated' });
    expect(await inspectConsumers(db)).toMatchObject({ triggers: true, view: { mode: 'generated' } });
  });

  test('run by several processes at once, is done once', async () => {
    const database = await testDatabase();
    const results = await Promise.all([1, 2, 3].map(() => migrateSchema(connect(database))));
    expect(results.map((applied) => applied.length).sort()).toEqual([0, 0, knownMigrations().length]);
  });

  test('two installations share a database, each in its own schema', async () => {
    const { test: database } = await install();
    const other = connect(database, 'second');
    await migrateSchema(other);
    await prepareConsumers(other);
    expect(await inspectConsumers(other)).toMatchObject({ triggers: true });
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 1)`);
    expect(await other.rows('SELECT fqdn FROM @.desired')).toEqual([['app.example.com']]);
    expect(await other.rows('SELECT count(*) FROM @.changes')).toEqual([[1]]);
  });

  test('installations whose schemas begin alike know their own triggers', async () => {
    const { test: database, db } = await install();
    const other = connect(database, 'zonekeeper_b');
    await migrateSchema(other);
    await prepareConsumers(other);
    for (const one of [db, other]) expect(await inspectConsumers(one)).toMatchObject({ triggers: true });
    await database.query('ALTER TABLE instances DISABLE TRIGGER zonekeeper_zonekeeper_b_update');
    expect(await inspectConsumers(db)).toMatchObject({ triggers: true });
    expect(await inspectConsumers(other)).toMatchObject({ triggers: false });
  });

  test('two installations watch one table, and each is told', async () => {
    const { test: database, db } = await install();
    const other = connect(database, 'second');
    await migrateSchema(other);
    await prepareConsumers(other);
    await database.query('CREATE TABLE services (id integer)');
    for (const schema of ['zonekeeper', 'second']) {
      await database.query(`DROP VIEW ${schema}.desired`);
      await database.query(`CREATE VIEW ${schema}.desired AS SELECT NULL::text AS fqdn, NULL::text AS type, NULL::text AS content,
        1 AS ttl, false AS proxied, 'service' AS consumer_kind, id AS consumer_id, NULL::timestamptz AS since FROM services`);
      await database.query(`SELECT ${schema}.watch('services')`);
      await database.query(`DELETE FROM ${schema}.changes`);
    }
    await database.query('INSERT INTO services VALUES (1)');
    for (const one of [db, other]) {
      expect(await one.rows('SELECT kind, consumer_id FROM @.changes')).toEqual([['services', null]]);
      expect(await inspectConsumers(one)).toMatchObject({ triggers: true, view: { mode: 'custom' } });
    }
    await database.query('DROP TRIGGER zonekeeper_second_watch ON services');
    expect(await inspectConsumers(db)).toMatchObject({ triggers: true });
    expect(await inspectConsumers(other)).toMatchObject({ triggers: false });
  });

  test('dns_records is found beside the consumer tables', async () => {
    const { test: database } = await install();
    expect(await database.query('SELECT * FROM dns_records')).toEqual([]);
  });

  test('leaves a table dns_records of somebody else alone', async () => {
    const database = await testDatabase();
    await database.query('CREATE TABLE dns_records (mine text)');
    const db = connect(database);
    await migrateSchema(db);
    expect(await prepareConsumers(db)).toMatchObject({ recordsView: false });
    expect(await database.query('SELECT mine FROM dns_records')).toEqual([]);
  });

  test('keeps consumer tables as they are, and reads their optional columns', async () => {
    const database = await testDatabase();
    await database.query('CREATE TABLE settings (domain text, target text, proxied boolean, ttl integer)');
    await database.query(`INSERT INTO settings VALUES ('example.com', '192.0.2.1', true, 300)`);
    await database.query(
      'CREATE TABLE instances (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), subdomain varchar(63), status varchar(9), npm_proxy_id bigint, target inet, created_at timestamp)',
    );
    await database.query(
      `INSERT INTO instances (subdomain, status, npm_proxy_id, target, created_at) VALUES ('own', 'running', 7, '192.0.2.7', now()), ('other', 'running', 8, NULL, NULL)`,
    );
    const db = connect(database);
    await migrateSchema(db);
    await prepareConsumers(db);
    const rows = await database.query(
      `SELECT fqdn, content, ttl, proxied, since IS NOT NULL AS dated FROM zonekeeper.desired ORDER BY fqdn`,
    );
    expect(rows).toEqual([
      { fqdn: 'other.example.com', content: '192.0.2.1', ttl: 300, proxied: true, dated: false },
      { fqdn: 'own.example.com', content: '192.0.2.7', ttl: 300, proxied: true, dated: true },
    ]);
  });

  test('names every missing column and table at once', async () => {
    const database = await testDatabase();
    await database.query('CREATE TABLE settings (domain text)');
    await database.query('CREATE TABLE instances (id integer PRIMARY KEY, npm_proxy_id text)');
    const db = connect(database);
    await migrateSchema(db);
    await expect(prepareConsumers(db)).rejects.toMatchObject({
      code: 'consumer_tables',
      facts: {
        problems: [
          'column settings.target is missing',
          'column settings.proxied is missing',
          'column settings.ttl is missing',
          'column instances.subdomain is missing',
          'column instances.status is missing',
          'column instances.npm_proxy_id is text instead of integer',
        ],
      },
    });
  });

  test('never touches a view that the user replaced', async () => {
    const { db, test: database } = await install();
    await database.query('CREATE TABLE services (host text)');
    await database.query('DROP VIEW zonekeeper.desired');
    await database.query(`CREATE VIEW zonekeeper.desired AS SELECT host AS fqdn, NULL::text AS type, '192.0.2.9' AS content, 1 AS ttl,
      false AS proxied, 'service' AS consumer_kind, host AS consumer_id, NULL::timestamptz AS since FROM services`);
    await database.query(`SELECT zonekeeper.watch('services')`);
    expect(await prepareConsumers(db)).toMatchObject({ view: 'custom' });
    expect(await inspectConsumers(db)).toMatchObject({ view: { mode: 'custom' }, triggers: true });
    await database.query(`INSERT INTO services VALUES ('a.example.com')`);
    expect(await db.rows('SELECT kind, consumer_id FROM @.changes WHERE kind = $1', ['services'])).toContainEqual([
      'services',
      null,
    ]);
  });

  test('names the columns that a replaced view lacks', async () => {
    const { db, test: database } = await install();
    await database.query('DROP VIEW zonekeeper.desired');
    await database.query(`CREATE VIEW zonekeeper.desired AS SELECT 'a' AS fqdn, 'b' AS content`);
    await expect(inspectConsumers(db)).rejects.toMatchObject({
      code: 'consumer_tables',
      message: 'The view "desired" lacks type, ttl, proxied, consumer_kind, consumer_id, since.',
    });
  });
});

describe('the schema version', () => {
  test('an unprepared database is refused with what to do', async () => {
    const db = connect(await testDatabase());
    await expect(requireSchema(db, 'zonekeeper')).rejects.toMatchObject({
      code: 'schema_missing',
      todo: 'Run `zonekeeper migrate`.',
    });
  });

  test('a schema to which a newer version has added is worked on, and left as it is', async () => {
    const { db, test: database } = await install();
    await database.query(`INSERT INTO zonekeeper.migrations (version, name, checksum) VALUES (9999, 'later', '')`);
    await requireSchema(db, 'zonekeeper');
    expect(await migrateSchema(db)).toEqual([]);
    const migrated = await run(['migrate'], { DATABASE_URL: database.url });
    expect(migrated).toEqual({ code: 0, output: expect.stringMatching(/is at version 9999, .* nothing to do\./) });
    expect(await run(['migrate', '--check'], { DATABASE_URL: database.url })).toMatchObject({ code: 0 });
  });

  test('a schema from which a newer version has taken away is refused, by migrate as well', async () => {
    const { db, test: database } = await install();
    await database.query(
      `INSERT INTO zonekeeper.migrations (version, name, checksum, oldest) VALUES (9999, 'later', '', 9998)`,
    );
    await expect(requireSchema(db, 'zonekeeper')).rejects.toMatchObject({ code: 'schema_too_new' });
    await expect(migrateSchema(db)).rejects.toMatchObject({ code: 'schema_too_new' });
    for (const args of [['migrate'], ['migrate', '--check']]) {
      const { code, output } = await run(args, { DATABASE_URL: database.url });
      expect(code).toBe(1);
      expect(output).toContain('needs a Zonekeeper that knows 9998');
    }
  });

  test('a migration says in its text what a program must know after it', () => {
    const folder = pathToFileURL(`${testFolder()}/`);
    writeFileSync(new URL('0001_first.sql', folder), 'SELECT 1;');
    writeFileSync(new URL('0002_contract.sql', folder), '-- Nobody reads this any more.\n-- oldest: 0001\nSELECT 2;');
    expect(knownMigrations(folder).map(({ version, oldest }) => [version, oldest])).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  test('a schema of before anything was told about older versions fits, and learns to tell', async () => {
    const { db, test: database } = await install();
    await database.query('ALTER TABLE zonekeeper.migrations DROP COLUMN oldest');
    await requireSchema(db, 'zonekeeper');
    expect(await schemaStatus(db)).toMatchObject({ oldest: 0, pending: [] });
  });

  test.each(['LATIN1', 'SQL_ASCII'])('a database in %s is refused before anything is made in it', async (encoding) => {
    const database = await testDatabase(`ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`);
    const db = connect(database);
    const refused = { code: 'database_encoding', message: expect.stringContaining(encoding) };
    await expect(migrateSchema(db)).rejects.toMatchObject(refused);
    await expect(requireSchema(db, 'zonekeeper')).rejects.toMatchObject(refused);
    for (const args of [['migrate'], ['migrate', '--check'], ['records']]) {
      const { code, output } = await run(args, { DATABASE_URL: database.url });
      expect(code).toBe(1);
      expect(output).toContain(`The database is in ${encoding}; Zonekeeper needs one in UTF8.`);
    }
    expect(await database.query(`SELECT FROM pg_namespace WHERE nspname = 'zonekeeper'`)).toEqual([]);
  });

  test('pending migrations are told without applying them', async () => {
    const db = connect(await testDatabase());
    const status = await schemaStatus(db);
    expect(status).toMatchObject({ current: 0, known: knownMigrations().length });
    expect(status.pending).toHaveLength(knownMigrations().length);
  });
});

describe('a database that cannot be used', () => {
  test('is told apart: no server, no such database, wrong password', async () => {
    const database = await testDatabase();
    const at = async (change: (url: URL) => unknown) => {
      const url = new URL(database.url);
      change(url);
      const db = connect({ ...database, url: url.href });
      return db.rows('SELECT 1').catch((error) => error.code);
    };
    expect(await at((url) => Object.assign(url, { port: '1' }))).toBe('database_unreachable');
    expect(await at((url) => Object.assign(url, { pathname: '/nowhere' }))).toBe('database_unreachable');
    expect(await at((url) => Object.assign(url, { password: 'wrong' }))).toBe('database_auth');
  });
});
