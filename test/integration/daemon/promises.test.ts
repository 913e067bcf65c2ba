import { describe, expect, test } from 'vitest';
import type { Report } from '../../../src/reconcile/report.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { migratedDatabase, startDaemon, testSimulator } from '../../support/daemon.ts';
import type { TestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait.ts';

const start = (database: TestDatabase, ...subdomains: string[]) =>
  database.query(
    `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 1 FROM unnest($1::text[]) n`,
    [subdomains],
  );
const contents = (simulator: Simulator, subdomain: string) =>
  simulator.records({ name: `${subdomain}.example.com` }).map(({ content }) => content);
const stateOf = async (database: TestDatabase, subdomain: string) =>
  (
    await database.query<{ state: string; code: string; reason: string }>(
      'SELECT state, code, reason FROM zonekeeper.names WHERE fqdn = $1',
      [`${subdomain}.example.com`],
    )
  )[0];
const firstOf = async (items: readonly string[], holds: (item: string) => Promise<boolean>) => {
  for (const item of items) if (await holds(item)) return item;
  throw new Error(`It holds for none of ${items.join(', ')}.`);
};
const many = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`);

describe('a commit becomes a record', () => {
  test('an instance starts, moves, stops', async () => {
    const { database, simulator } = await startDaemon();
    await start(database, 'app', 'other');
    await waitFor(
      'the records',
      () => contents(simulator, 'app')[0] === '192.0.2.1' && contents(simulator, 'other').length === 1,
    );
    await database.query(`UPDATE instances SET target = '2001:DB8::0:1' WHERE subdomain = 'app'`);
    await waitFor('the new type', () => contents(simulator, 'app')[0] === '2001:db8::1');
    await database.query(`DELETE FROM instances WHERE subdomain = 'app'`);
    await waitFor('the deletion', () => contents(simulator, 'app').length === 0);
    await waitFor('the row to go', async () => (await database.query('SELECT 1 FROM dns_records')).length === 1);
    expect(await database.query('SELECT fqdn FROM dns_records')).toEqual([{ fqdn: 'other.example.com' }]);
  });

  test('a record set is made and kept as a set', async () => {
    const database = await migratedDatabase();
    await database.query('CREATE TABLE hosts (address text)');
    await database.query(`INSERT INTO hosts VALUES ('192.0.2.6'), ('192.0.2.7')`);
    await database.query('DROP VIEW zonekeeper.desired');
    await database.query(`CREATE VIEW zonekeeper.desired AS SELECT 'set.example.com' AS fqdn, NULL::text AS type, address AS content, 1 AS ttl,
      false AS proxied, 'service' AS consumer_kind, '1' AS consumer_id, NULL::timestamptz AS since FROM hosts`);
    await database.query(`SELECT zonekeeper.watch('hosts')`);
    const { simulator } = await startDaemon({ database });
    await waitFor('both records', () => contents(simulator, 'set').length === 2);
    await database.query(`UPDATE hosts SET address = '192.0.2.8' WHERE address = '192.0.2.6'`);
    await waitFor('the new set', () => contents(simulator, 'set').sort().join() === '192.0.2.7,192.0.2.8');
    await database.query(`DELETE FROM hosts WHERE address = '192.0.2.8'`);
    await waitFor('the smaller set', () => contents(simulator, 'set').join() === '192.0.2.7');
  });

  test('what happened while no daemon ran is made up for', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    await start(database, 'early');
    const first = await startDaemon({ database, simulator });
    await waitFor('early', () => contents(simulator, 'early').length === 1);
    await first.daemon.stop();
    await start(database, 'meanwhile');
    simulator.edit({ name: 'early.example.com' }, { content: '203.0.113.9' });
    await startDaemon({ database, simulator });
    await waitFor(
      'both',
      () => contents(simulator, 'meanwhile').length === 1 && contents(simulator, 'early')[0] === '192.0.2.1',
    );
  });

  test('a change of settings.domain with 1,000 instances makes the new names and holds the old ones', async () => {
    const { database, simulator } = await startDaemon({
      zones: [
        { name: 'example.com', quota: 5_000 },
        { name: 'example.org', quota: 5_000 },
      ],
    });
    await start(database, ...many(1_000));
    await waitFor('a thousand', () => simulator.records({ zone: 'example.com' }).length === 1_000);
    await database.query(`UPDATE settings SET domain = 'example.org'`);
    await waitFor('a thousand others', () => simulator.records({ zone: 'example.org' }).length === 1_000);
    await waitFor(
      'the hold',
      async () => (await database.query(`SELECT 1 FROM zonekeeper.names WHERE state = 'blocked'`)).length === 1_000,
    );
    expect(simulator.records({ zone: 'example.com' })).toHaveLength(1_000);
  });
});

describe('a foreign record', () => {
  test('is never changed: not when it is in the way, not when the consumer goes, not by a sync', async () => {
    const foreign = ['mine', 'same'].map((name, n) => ({
      name,
      type: 'A',
      content: n === 0 ? '198.51.100.1' : '192.0.2.1',
    }));
    const { database, simulator, post } = await startDaemon({ zones: [{ name: 'example.com', records: foreign }] });
    await start(database, 'mine', 'same', 'keep');
    await waitFor('the conflict', async () => (await stateOf(database, 'mine'))?.state === 'conflict');
    expect(await (await post('/api/dns/sync', {})).json()).toMatchObject({ conflicts: 1, failed: 0 });
    expect(await stateOf(database, 'same')).toBeUndefined();
    await database.query(`DELETE FROM instances WHERE subdomain <> 'keep'`);
    await waitFor('the end of the conflict', async () => (await stateOf(database, 'mine')) === undefined);
    expect(contents(simulator, 'mine')).toEqual(['198.51.100.1']);
    expect(contents(simulator, 'same')).toEqual(['192.0.2.1']);
    expect(simulator.changes().changes.filter(({ before }) => before !== null)).toEqual([]);
  });

  test('is ours once it is adopted', async () => {
    const foreign = [{ name: 'mine', type: 'A', content: '198.51.100.1' }];
    const { database, simulator, post } = await startDaemon({ zones: [{ name: 'example.com', records: foreign }] });
    await start(database, 'mine', 'keep');
    await waitFor('the conflict', async () => (await stateOf(database, 'mine'))?.state === 'conflict');
    const response = await post('/api/dns/records/mine.example.com/adopt');
    expect(await response.json()).toMatchObject({ updated: 1 });
    expect(contents(simulator, 'mine')).toEqual(['192.0.2.1']);
    expect(await database.query(`SELECT adopted FROM zonekeeper.dns_records WHERE fqdn = 'mine.example.com'`)).toEqual([
      { adopted: true },
    ]);
  });
});

describe('drift', () => {
  test('a record that was changed, deleted or doubled is repaired', async () => {
    const { database, simulator } = await startDaemon();
    await start(database, 'a', 'b');
    await waitFor('both', () => simulator.records().length === 2);
    simulator.edit({ name: 'a.example.com' }, { content: '203.0.113.1', ttl: 300 });
    simulator.remove({ name: 'b.example.com' });
    await waitFor(
      'the repair',
      () => contents(simulator, 'a')[0] === '192.0.2.1' && contents(simulator, 'b')[0] === '192.0.2.1',
    );
    expect(simulator.records({ name: 'a.example.com' })[0]).toMatchObject({ ttl: 1 });
  });

  test('the comment is never fought over', async () => {
    const { database, simulator } = await startDaemon();
    await start(database, 'a');
    await waitFor('a', () => simulator.records().length === 1);
    simulator.edit({ name: 'a.example.com' }, { comment: 'a note of mine' });
    simulator.edit({ name: 'a.example.com' }, { content: '203.0.113.1' });
    await waitFor('the repair', () => contents(simulator, 'a')[0] === '192.0.2.1');
    expect(simulator.records()[0]?.comment).toBe('a note of mine');
  });
});

describe('a sync', () => {
  test('counts what it repairs, although its own look finds it', async () => {
    const { database, simulator, post } = await startDaemon({ env: { ZONEKEEPER_DRIFT_CHECK_MIN: '10m' } });
    await start(database, ...many(20));
    await waitFor('the records', () => simulator.records().length === 20);
    await waitFor('them to be in sync', async () => (await database.query('SELECT 1 FROM dns_records')).length === 20);
    for (const gone of many(20)) {
      simulator.remove({ name: `${gone}.example.com` });
      const report = (await (await post('/api/dns/sync', {})).json()) as Report;
      expect(report).toMatchObject({ created: 1, already_synced: 19 });
    }
  });

  test('takes no change away from names that it is not about, or only looks at', async () => {
    const { database, simulator, post } = await startDaemon();
    // As if the notification were lost.
    const unnoticed = async (subdomain: string) => {
      await database.query('ALTER TABLE instances DISABLE TRIGGER USER');
      await start(database, subdomain);
      await database.query('ALTER TABLE instances ENABLE TRIGGER USER');
    };
    // A name may be read by the daemon itself, which has only just begun: then the next one is left to the dry run.
    const found = await firstOf(many(10), async (subdomain) => {
      await unnoticed(subdomain);
      const report = (await (await post('/api/dns/sync', { dry_run: true })).json()) as Report;
      return report.created === 1;
    });
    await waitFor('the one', () => contents(simulator, found).length === 1);
    await unnoticed('two');
    await post('/api/dns/sync', { fqdns: [`${found}.example.com`] });
    await waitFor('the other', () => contents(simulator, 'two').length === 1);
  });
});

describe('few calls', () => {
  test('a burst over many zones, of more names than can be in flight, fills their batches', async () => {
    const zones = Array.from({ length: 20 }, (_, n) => ({ name: `z${n}.example` }));
    const { database, simulator } = await startDaemon({ zones, env: { ZONEKEEPER_CONCURRENCY: '100' } });
    await database.query(
      `INSERT INTO standalone_proxies (domain) SELECT 'n' || g || '.z' || g % 20 || '.example' FROM generate_series(1, 1000) g`,
    );
    await waitFor('all', () => simulator.records().length === 1_000);
    // One for each zone would do; a zone that the limit cuts in two takes one more.
    expect(simulator.counters().by_operation.batch).toBeLessThanOrEqual(40);
  });
});

describe('what Cloudflare refuses', () => {
  test('one record among 200 does not hold the others up, backs off alone and says why', async () => {
    const { database, simulator } = await startDaemon();
    simulator.addFault({
      operation: 'batch',
      effect: { kind: 'refuse', code: 9005, chained: true, name: 'n77.example.com' },
    });
    await start(database, ...many(200));
    await waitFor('the others', () => simulator.records().length === 199);
    await waitFor('its state', async () => (await stateOf(database, 'n77'))?.state === 'failed');
    expect((await stateOf(database, 'n77'))?.code).toBe('cloudflare_validation');
    expect(simulator.counters().by_operation.batch).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(200)) + 2);
    simulator.clearFaults();
    await waitFor('it, too', () => simulator.records().length === 200);
  });

  test('an answer that is lost after the effect leaves exactly one record, tracked', async () => {
    const { database, simulator } = await startDaemon();
    simulator.addFault({ operation: 'batch', count: 1, effect: { kind: 'lost', applied: true } });
    await start(database, 'a');
    await waitFor(
      'the record to be tracked',
      async () => (await database.query('SELECT 1 FROM dns_records')).length === 1,
    );
    expect(simulator.records()).toHaveLength(1);
    await waitFor(
      'no open intent',
      async () => (await database.query('SELECT 1 FROM zonekeeper.intents')).length === 0,
    );
    await waitFor('the state', async () => (await stateOf(database, 'a')) === undefined);
  });

  test('an answer that is lost before the effect leads to one record as well', async () => {
    const { database, simulator } = await startDaemon();
    simulator.addFault({ operation: 'batch', count: 1, effect: { kind: 'lost', applied: false } });
    await start(database, 'a');
    await waitFor(
      'the record to be tracked',
      async () => (await database.query('SELECT 1 FROM dns_records')).length === 1,
    );
    expect(simulator.records()).toHaveLength(1);
  });

  test('a zone that cannot be seen stops no other, and its names say why', async () => {
    const zones = [{ name: 'example.com', quota: 100 }, { name: 'broken.org' }];
    const simulator = await testSimulator(zones);
    simulator.addFault({ zone: 'broken.org', effect: { kind: 'html', status: 502 } });
    const { database } = await startDaemon({ simulator });
    await start(database, 'fine');
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a.broken.org')`);
    await waitFor('the good zone', () => contents(simulator, 'fine').length === 1);
    await waitFor(
      'the reason',
      async () =>
        (
          await database.query(
            `SELECT 1 FROM zonekeeper.names WHERE fqdn = 'a.broken.org' AND code = 'cloudflare_unavailable'`,
          )
        ).length === 1,
    );
    simulator.clearFaults();
    await waitFor('the other zone', () => simulator.records({ zone: 'broken.org' }).length === 1);
    await waitFor('the state', async () => (await database.query(`SELECT 1 FROM zonekeeper.names`)).length === 0);
  });

  test('a 429 closes the gate for all, and everything goes on when it opens', async () => {
    const { database, simulator } = await startDaemon({
      env: { ZONEKEEPER_DRIFT_CHECK_MIN: '1h', ZONEKEEPER_DRIFT_CHECK_MAX: '2h' },
    });
    simulator.addFault({ operation: 'batch', count: 1, effect: { kind: 'limited', seconds: 1 } });
    await start(database, ...many(300));
    await waitFor('all', () => simulator.records().length === 300);
    expect(simulator.counters().limited).toBe(1);
  });
});

describe('the delete guard', () => {
  test.each([
    ['emptied', 'DELETE FROM instances'],
    ['halved', `DELETE FROM instances WHERE id % 2 = 0`],
    ['truncated', 'TRUNCATE instances'],
    ['without settings', 'DELETE FROM settings'],
  ])('a database that is %s deletes nothing', async (_, statement) => {
    const { database, simulator, post } = await startDaemon();
    await start(database, ...many(60));
    await waitFor('sixty', () => simulator.records().length === 60);
    await database.query(statement);
    const response = await post('/api/dns/sync', {});
    if (response.ok) expect(await response.json()).toMatchObject({ deleted: 0 });
    else expect(await response.json()).toMatchObject({ code: 'settings_row_missing' });
    expect(simulator.records()).toHaveLength(60);
  });

  test('a confirmation releases exactly the plan that was seen, once', async () => {
    const { database, simulator, post, get } = await startDaemon();
    await start(database, ...many(60));
    await waitFor('sixty', () => simulator.records().length === 60);
    await database.query(`DELETE FROM instances WHERE id <= 40`);
    await waitFor(
      'the hold',
      async () => (await database.query(`SELECT 1 FROM zonekeeper.names WHERE state = 'blocked'`)).length === 40,
    );
    const plan = (await (await get('/api/dns/plan')).json()) as Report;
    expect(plan).toMatchObject({ held: 40, deleted: 0, release: `zonekeeper sync --confirm ${plan.hash}` });
    await database.query(`DELETE FROM instances WHERE id = 41`);
    await waitFor(
      'one more',
      async () => (await database.query(`SELECT 1 FROM zonekeeper.names WHERE state = 'blocked'`)).length === 41,
    );
    const stale = await post('/api/dns/sync', { confirm: plan.hash });
    expect([stale.status, await stale.json()]).toMatchObject([409, { code: 'plan_changed' }]);
    expect(simulator.records()).toHaveLength(60);
    const seen = (await (await get('/api/dns/plan')).json()) as Report;
    expect(await (await post('/api/dns/sync', { confirm: seen.hash })).json()).toMatchObject({
      deleted: 41,
      failed: 0,
    });
    expect(simulator.records()).toHaveLength(19);
    expect(await (await post('/api/dns/sync', { confirm: seen.hash })).json()).toMatchObject({ code: 'plan_changed' });
    // A plan that deletes nothing has one hash for ever, and releases nothing.
    const harmless = (await (await get('/api/dns/plan')).json()) as Report;
    for (const _ of ['once', 'once more'])
      expect((await post('/api/dns/sync', { confirm: harmless.hash })).status).toBe(200);
  });
});

describe('many processes', () => {
  test('two daemons: one acts, the other takes over when it stops', async () => {
    const first = await startDaemon();
    const { database, simulator } = first;
    const second = await startDaemon({ database, simulator, ready: false });
    await waitFor('the standby to be ready', () => second.daemon.ready);
    expect([first.daemon.leading, second.daemon.leading]).toEqual([true, false]);
    await start(database, 'a');
    await waitFor('a', () => contents(simulator, 'a').length === 1);
    expect(await (await second.post('/api/dns/sync', {})).json()).toMatchObject({ already_synced: 1, failed: 0 });
    await first.daemon.stop();
    await waitFor('the take-over', () => second.daemon.leading);
    await start(database, 'b');
    await waitFor('b', () => contents(simulator, 'b').length === 1);
  });

  test('the database goes away and comes back: nothing is lost', async () => {
    const { database, simulator } = await startDaemon();
    await start(database, 'a');
    await waitFor('a', () => contents(simulator, 'a').length === 1);
    await database.disconnectAll();
    await start(database, 'b').catch(() => start(database, 'b'));
    await waitFor('b', () => contents(simulator, 'b').length === 1);
  });
});
