import { describe, expect, test } from 'vitest';
import { migratedDatabase, startDaemon } from '../../support/daemon.ts';
import type { TestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait.ts';

interface State {
  readonly fqdn: string;
  readonly state: string;
  readonly code: string | null;
  readonly reason: string;
}
const states = (database: TestDatabase) =>
  database.query<State>('SELECT fqdn, state, code, reason FROM zonekeeper.names ORDER BY fqdn');
const instance = (database: TestDatabase, columns: Readonly<Record<string, unknown>>) => {
  const row: Record<string, unknown> = { status: 'running', npm_proxy_id: 1, ...columns };
  const names = Object.keys(row);
  return database.query(
    `INSERT INTO instances (${names.join(', ')}) VALUES (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
    Object.values(row),
  );
};

describe('a consumer that cannot be served says why, and stops no other', () => {
  test.each([
    ['an empty label', { subdomain: 'a..b' }, 'name_invalid', /label is empty/],
    ['64 characters', { subdomain: 'x'.repeat(64) }, 'name_invalid', /64/],
    ['bad punycode', { subdomain: 'xn--zzzzzz99999' }, 'name_invalid', /punycode/],
    ['white space', { subdomain: 'a b' }, 'name_invalid', /white space/],
    ['no name at all', { subdomain: null }, 'name_invalid', /instance 1/],
    ['a target that is none', { subdomain: 'a', target: 'not a host' }, 'target_invalid', /not a host/],
    ['an address with a zero too many', { subdomain: 'a', target: '192.0.2.01' }, 'target_invalid', /192\.0\.2\.01/],
    ['a TTL out of range', { subdomain: 'a', ttl: 5 }, 'ttl_invalid', /60/],
    ['a type that does not fit', { subdomain: 'a', record_type: 'AAAA' }, 'type_invalid', /AAAA/],
    ['a type that is not managed', { subdomain: 'a', record_type: 'MX' }, 'type_invalid', /MX/],
    ['a CNAME to itself', { subdomain: 'a', target: 'a.example.com' }, 'target_invalid', /itself/],
    ['a wildcard', { subdomain: '*' }, 'name_wildcard', /ZONEKEEPER_ALLOW_WILDCARD/],
  ])('%s', async (_, columns, code, reason) => {
    const { database, simulator } = await startDaemon();
    await instance(database, columns);
    await instance(database, { subdomain: 'good' });
    await waitFor('the good one', () => simulator.records().length === 1);
    const [state] = await waitFor('the reason', async () =>
      (await states(database)).length === 1 ? states(database) : null,
    );
    expect(state).toMatchObject({ state: 'failed', code });
    expect(state?.reason).toMatch(reason);
  });

  test('a name outside of every zone, and the apex of one', async () => {
    const { database } = await startDaemon();
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('www.elsewhere.net'), ('example.com')`);
    await waitFor('both reasons', async () => (await states(database)).length === 2);
    expect(await states(database)).toMatchObject([
      { fqdn: 'example.com', state: 'failed', code: 'name_apex' },
      {
        fqdn: 'www.elsewhere.net',
        state: 'failed',
        code: 'zone_unknown',
        reason: expect.stringContaining('example.com'),
      },
    ]);
  });

  test('upper case, a trailing dot and Unicode are no mistake', async () => {
    const { database, simulator } = await startDaemon();
    await instance(database, { subdomain: 'WWW' });
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('bücher.example.com.')`);
    await waitFor('both', () => simulator.records().length === 2);
    expect(
      simulator
        .records()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['www.example.com', 'xn--bcher-kva.example.com']);
  });

  test('a wrong row that had a record keeps it until somebody corrects the row', async () => {
    const { database, simulator } = await startDaemon();
    await instance(database, { subdomain: 'a' });
    await waitFor('the record', () => simulator.records().length === 1);
    await database.query(`UPDATE instances SET target = 'nonsense !'`);
    await waitFor('the reason', async () => (await states(database))[0]?.code === 'target_invalid');
    expect(simulator.records()).toHaveLength(1);
    await database.query(`UPDATE instances SET target = '192.0.2.9'`);
    await waitFor('the correction', () => simulator.records()[0]?.content === '192.0.2.9');
    await waitFor('the state', async () => (await states(database)).length === 0);
  });

  test('a target that the allow-list does not hold', async () => {
    const { database, simulator } = await startDaemon({ env: { ZONEKEEPER_TARGETS: '192.0.2.0/24, *.example.net' } });
    await instance(database, { subdomain: 'in' });
    await instance(database, { subdomain: 'alias', target: 'lb.example.net' });
    await instance(database, { subdomain: 'out', target: '203.0.113.1' });
    await waitFor('the two', () => simulator.records().length === 2);
    await waitFor('the reason', async () => (await states(database))[0]?.code === 'target_refused');
  });
});

describe('two consumers on one name', () => {
  test('that want the same share it: it goes with the last one', async () => {
    const { database, simulator } = await startDaemon();
    await instance(database, { subdomain: 'keep' });
    await instance(database, { subdomain: 'a' });
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a')`);
    await waitFor('both names', () => simulator.records().length === 2);
    await database.query(`DELETE FROM instances WHERE subdomain = 'a'`);
    await instance(database, { subdomain: 'after' });
    await waitFor('what came later', () => simulator.records({ name: 'after.example.com' }).length === 1);
    expect(simulator.records({ name: 'a.example.com' })).toHaveLength(1);
    expect(await states(database)).toEqual([]);
  });

  test('that want different things: the older is served, the name says so', async () => {
    const { database, simulator } = await startDaemon();
    await instance(database, { subdomain: 'a', target: '192.0.2.5' });
    await instance(database, { subdomain: 'a', target: '192.0.2.6' });
    await waitFor('the report', async () => (await states(database))[0]?.code === 'consumer_conflict');
    expect(simulator.records().map(({ content }) => content)).toEqual(['192.0.2.5']);
    expect((await states(database))[0]?.reason).toMatch(/instance 1[\s\S]*instance 2/);
    await database.query(`DELETE FROM instances WHERE id = 1`);
    await waitFor('the younger to be served', () => simulator.records()[0]?.content === '192.0.2.6');
    await waitFor('the end of the conflict', async () => (await states(database)).length === 0);
  });
});

describe('policies', () => {
  test('a dry run decides and reports, and changes nothing', async () => {
    const { database, simulator, get } = await startDaemon({ env: { ZONEKEEPER_DRY_RUN: 'true' } });
    await instance(database, { subdomain: 'a' });
    await waitFor('the state', async () => (await states(database))[0]?.state === 'missing');
    expect(await (await get('/api/dns/plan')).json()).toMatchObject({ created: 1 });
    expect(simulator.records()).toEqual([]);
    expect(simulator.counters().by_operation.batch).toBe(0);
  });

  test('upsert-only deletes nothing, create-only changes nothing', async () => {
    const upsert = await startDaemon({ env: { ZONEKEEPER_POLICY: 'upsert-only' } });
    await instance(upsert.database, { subdomain: 'a' });
    await instance(upsert.database, { subdomain: 'b' });
    await waitFor('both', () => upsert.simulator.records().length === 2);
    await upsert.database.query(`DELETE FROM instances WHERE subdomain = 'a'`);
    await waitFor('the hold', async () => (await states(upsert.database))[0]?.code === 'policy_held');
    await upsert.database.query(`UPDATE settings SET target = '192.0.2.8'`);
    await waitFor('the update', () => upsert.simulator.records({ name: 'b.example.com' })[0]?.content === '192.0.2.8');
    expect(upsert.simulator.records()).toHaveLength(2);
    const create = await startDaemon({ database: await migratedDatabase(), env: { ZONEKEEPER_POLICY: 'create-only' } });
    await instance(create.database, { subdomain: 'a' });
    await waitFor('the record', () => create.simulator.records().length === 1);
    await create.database.query(`UPDATE settings SET target = '192.0.2.8'`);
    await waitFor('the hold', async () => (await states(create.database))[0]?.code === 'policy_held');
    expect(create.simulator.records()[0]?.content).toBe('192.0.2.1');
  });

  test('a record outlives its consumer for the grace time', async () => {
    const { database, simulator } = await startDaemon({ env: { ZONEKEEPER_DELETE_GRACE: '1h' } });
    await instance(database, { subdomain: 'a' });
    await instance(database, { subdomain: 'b' });
    await waitFor('both', () => simulator.records().length === 2);
    await database.query(`DELETE FROM instances WHERE subdomain = 'a'`);
    await waitFor('the state', async () => (await states(database))[0]?.state === 'orphaned');
    expect(simulator.records()).toHaveLength(2);
    await instance(database, { subdomain: 'a' });
    await waitFor('the return', async () => (await states(database)).length === 0);
    expect(simulator.changes().changes.filter(({ after }) => after === null)).toEqual([]);
  });
});

test('100,000 rows in one transaction are taken like any other', async () => {
  const { database, simulator, get } = await startDaemon({ zones: [{ name: 'example.com', plan: 'enterprise' }] });
  await database.query(
    `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT 'n' || g, 'running', 1 FROM generate_series(1, 100000) g`,
  );
  await waitFor('all of them', () => simulator.zones()[0]?.records === 100_000, 240_000);
  expect(simulator.counters().by_operation.batch).toBeLessThanOrEqual(40);
  await waitFor(
    'every outcome',
    async () => (await database.query<{ n: number }>('SELECT count(*)::int AS n FROM dns_records'))[0]?.n === 100_000,
  );
  const page = (await (await get('/api/dns/records?q=n99999&limit=5')).json()) as { records: { state: string }[] };
  expect(page.records).toMatchObject([{ state: 'in_sync' }]);
}, 300_000);
