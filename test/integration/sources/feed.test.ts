import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { install, lead, sourceOf } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

const RUNNING = `INSERT INTO instances (subdomain, status, npm_proxy_id)`;

describe('the triggers', () => {
  test('note the ids of changed consumers, and nothing when nothing that matters changed', async () => {
    const { test: database } = await install();
    const notes = () => database.query('SELECT kind, consumer_id FROM zonekeeper.changes ORDER BY id');
    await database.query('DELETE FROM zonekeeper.changes');
    await database.query(`${RUNNING} VALUES ('a', 'running', 1), ('b', 'running', 2)`);
    expect(await notes()).toEqual([
      { kind: 'instance', consumer_id: '1' },
      { kind: 'instance', consumer_id: '2' },
    ]);
    await database.query('DELETE FROM zonekeeper.changes');
    await database.query(`UPDATE instances SET name = 'heartbeat'`);
    expect(await notes()).toEqual([]);
    await database.query(`UPDATE instances SET status = 'stopped' WHERE id = 2`);
    await database.query('DELETE FROM instances WHERE id = 1');
    expect(await notes()).toEqual([
      { kind: 'instance', consumer_id: '2' },
      { kind: 'instance', consumer_id: '1' },
    ]);
  });

  test('50,000 rows in one transaction are one note and one notification', async () => {
    const { test: database } = await install();
    const notified: string[] = [];
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    onTestFinished(() => client.end());
    client.on('notification', ({ channel }) => notified.push(channel));
    await client.query('LISTEN zonekeeper_changes');
    await client.query('LISTEN after');
    await database.query('DELETE FROM zonekeeper.changes');
    await database.query(`${RUNNING} SELECT 'n' || g, 'running', 1 FROM generate_series(1, 50000) g`);
    await database.query('NOTIFY after');
    await waitFor('the notification behind', () => notified.includes('after'));
    expect(notified).toEqual(['zonekeeper_changes', 'after']);
    expect(await database.query('SELECT kind, consumer_id FROM zonekeeper.changes')).toEqual([
      { kind: 'instance', consumer_id: null },
    ]);
  });

  test("never fail the user's own statement", async () => {
    const { test: database } = await install();
    await database.query('DROP TABLE zonekeeper.changes');
    await database.query(`${RUNNING} VALUES ('a', 'running', 1)`);
    await database.query(`UPDATE settings SET target = '192.0.2.2'`);
    expect(await database.query('SELECT subdomain FROM instances')).toEqual([{ subdomain: 'a' }]);
  });

  test('work for a role that has no rights on our schema', async () => {
    const { test: database } = await install();
    const role = `${database.name}_app`;
    await database.query(`CREATE ROLE ${role}`);
    await database.query(`GRANT ALL ON instances TO ${role}`);
    await database.query('DELETE FROM zonekeeper.changes');
    await database.query(`SET ROLE ${role}; ${RUNNING} VALUES ('a', 'running', 1); RESET ROLE`);
    expect(await database.query('SELECT count(*)::int AS notes FROM zonekeeper.changes')).toEqual([{ notes: 1 }]);
    await database.query(`REVOKE ALL ON instances FROM ${role}`);
    await database.query(`DROP ROLE ${role}`);
  });
});

describe('the source', () => {
  test('tells the names of what changed, and forgets the notes', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await source.refresh('everything');
    await database.query(`${RUNNING} VALUES ('a', 'running', 1), ('b', 'stopped', 1), ('c', 'running', 0)`);
    expect(await source.refresh('changes')).toMatchObject({
      names: ['a.example.com'],
      vanished: [],
      since: expect.any(Number),
    });
    expect(await source.refresh('changes')).toEqual({ names: [], vanished: [], since: null });
    await database.query(`UPDATE instances SET subdomain = 'z' WHERE subdomain = 'a'`);
    expect(await source.refresh('changes')).toMatchObject({
      names: ['a.example.com', 'z.example.com'],
      vanished: ['a.example.com'],
    });
    await database.query(`DELETE FROM instances`);
    expect(await source.refresh('changes')).toMatchObject({ names: ['z.example.com'], vanished: ['z.example.com'] });
  });

  test('a change of settings.domain touches every name, from one note', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await database.query(`${RUNNING} SELECT 'n' || g, 'running', 1 FROM generate_series(1, 1000) g`);
    await source.refresh('everything');
    await database.query(`UPDATE settings SET domain = 'example.org'`);
    expect(await database.query('SELECT count(*)::int AS notes FROM zonekeeper.changes')).toEqual([{ notes: 1 }]);
    const { names, vanished } = await source.refresh('changes');
    expect(names).toHaveLength(2000);
    expect(vanished).toHaveLength(1000);
    expect(vanished.every((name) => name.endsWith('.example.com'))).toBe(true);
  });

  test('a change counts from its commit as nearly as can be known, however long its transaction lasts', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    const slow = await database.pool.connect();
    await slow.query('BEGIN');
    await slow.query(`${RUNNING} VALUES ('slow', 'running', 1)`);
    const now = async () => (await db.rows('SELECT clock_timestamp()'))[0]?.[0] as number;
    const uncommitted = await now();
    // What was noted later is committed before.
    await database.query(`${RUNNING} VALUES ('fast', 'running', 1)`);
    expect((await source.refresh('changes')).names).toEqual(['fast.example.com']);
    await slow.query('COMMIT');
    slow.release();
    const { names, since } = await source.refresh('changes');
    expect(names).toEqual(['slow.example.com']);
    expect(since).toBeGreaterThanOrEqual(uncommitted);
    expect(since).toBeLessThanOrEqual(await now());
    expect((await source.refresh('changes')).names).toEqual([]);
  });

  test('a resync finds what no trigger noted', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await source.refresh('everything');
    await database.query(
      `SET session_replication_role = replica; ${RUNNING} VALUES ('silent', 'running', 1); RESET session_replication_role`,
    );
    expect(await source.refresh('changes')).toMatchObject({ names: [] });
    expect(await source.refresh('everything')).toMatchObject({ names: ['silent.example.com'] });
    expect(await source.refresh('everything')).toMatchObject({ names: [] });
  });

  test('rows with NULL everywhere are read like any other', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await database.query(`UPDATE settings SET domain = NULL, target = NULL`);
    await database.query(`${RUNNING} VALUES (NULL, 'running', 1), ('a', NULL, NULL)`);
    await database.query('INSERT INTO standalone_proxies (domain) VALUES (NULL), (NULL)');
    const { names } = await source.refresh('everything');
    expect([...names].sort()).toEqual(['instance/1', 'standalone_proxy/1', 'standalone_proxy/2']);
  });

  test.each([
    ['missing', 'DELETE FROM settings', 'settings_row_missing'],
    ['doubled', `INSERT INTO settings (domain, target) VALUES ('x.org', '192.0.2.3')`, 'settings_row_doubled'],
  ])('a settings row that is %s leaves everything as it was', async (_, statement, code) => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await database.query(`${RUNNING} VALUES ('a', 'running', 1)`);
    await source.refresh('everything');
    await database.query(statement);
    await expect(source.refresh('changes')).rejects.toMatchObject({ code });
    await expect(source.stillWanted(['a.example.com'])).rejects.toMatchObject({ code });
    expect(await db.rows('SELECT fqdn FROM @.wanted')).toEqual([['a.example.com']]);
  });

  test('a view that cannot be read leaves everything as it was', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await database.query(`${RUNNING} VALUES ('a', 'running', 1)`);
    await source.refresh('everything');
    await database.query('DROP VIEW zonekeeper.desired');
    await expect(source.refresh('everything')).rejects.toMatchObject({ code: 'desired_unreadable' });
    expect(await db.rows('SELECT fqdn FROM @.wanted')).toEqual([['a.example.com']]);
  });

  test('asked before a deletion, it knows what was committed a moment ago', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db));
    await database.query(`${RUNNING} VALUES ('a', 'running', 1), ('b', 'running', 2)`);
    await source.refresh('everything');
    await database.query(`DELETE FROM instances`);
    await source.refresh('changes');
    // Another consumer takes the name over; nobody has read its note yet.
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a')`);
    expect([...(await source.stillWanted(['a.example.com', 'b.example.com']))]).toEqual(['a.example.com']);
  });

  test('in an epoch that is over, it writes nothing', async () => {
    const { test: database, db } = await install();
    const source = await sourceOf(db, await lead(db, 'first'));
    await lead(db, 'second');
    await database.query(`${RUNNING} VALUES ('a', 'running', 1)`);
    await expect(source.refresh('changes')).rejects.toMatchObject({ code: 'not_leader' });
    expect(await db.rows('SELECT fqdn FROM @.wanted')).toEqual([]);
    expect(await db.rows('SELECT count(*) > 0 FROM @.changes')).toEqual([[true]]);
  });

  test.each([
    ['finer than a millisecond', 'clock_timestamp()', null],
    ['before any consumer', `'-infinity'`, Date.UTC(1700, 0)],
    ['of nobody who set it', `'0001-01-01 00:00:00.123+00'`, Date.UTC(1700, 0)],
    ['without end', `'infinity'`, null],
    ['far ahead', `'9999-12-31 23:59:59.999+00'`, null],
  ])('times %s do not look like a change for ever', async (_, time, since) => {
    const { test: database, db } = await install();
    await database.query(`ALTER TABLE instances ADD COLUMN created_at timestamptz DEFAULT ${time}`);
    const { prepareConsumers } = await import('../../../src/sources/postgres/prepare.ts');
    await prepareConsumers(db);
    const source = await sourceOf(db, await lead(db));
    await database.query(`${RUNNING} VALUES ('a', 'running', 1)`);
    await source.refresh('everything');
    expect(await source.refresh('everything')).toMatchObject({ names: [] });
    if (!time.includes('clock')) expect(await db.rows('SELECT since FROM @.wanted')).toEqual([[since]]);
  });

  test.each([`''::text`, 'NULL::text'])('in a view of its own, a consumer may be of the kind %s', async (kind) => {
    const { test: database, db } = await install();
    await database.query('DROP VIEW zonekeeper.desired');
    await database.query(`CREATE VIEW zonekeeper.desired AS
      SELECT 'a.example.com' AS fqdn, 'A' AS type, '192.0.2.1' AS content, 1 AS ttl, false AS proxied,
             ${kind} AS consumer_kind, '0' AS consumer_id, NULL::timestamptz AS since`);
    const source = await sourceOf(db, await lead(db));
    expect(await source.refresh('everything')).toMatchObject({ names: ['a.example.com'], vanished: [] });
    expect(await source.refresh('everything')).toMatchObject({ names: [] });
    expect([...(await source.stillWanted(['a.example.com', 'b.example.com']))]).toEqual(['a.example.com']);
  });
});
