import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { migratedDatabase, startDaemon, testSimulator } from '../../support/daemon.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';
import { run, runDaemon } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

const envOf = (database: TestDatabase, simulator: Simulator) => ({
  DATABASE_URL: database.url,
  CLOUDFLARE_API_TOKEN: 'test-token',
  CLOUDFLARE_BASE_URL: simulator.url,
  ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
});
const MANY = `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT 'n' || g, 'running', 1 FROM generate_series(1, 1000) g`;

/** What must hold once everything is quiet: every marked record is tracked, and no row points at nothing. */
async function agreed(database: TestDatabase, simulator: Simulator): Promise<boolean> {
  const rows = await database.query<{ record_id: string }>('SELECT record_id FROM zonekeeper.dns_records');
  const tracked = new Set(rows.map(({ record_id }) => record_id));
  const marked = simulator.records().filter(({ comment }) => comment?.startsWith('zonekeeper/'));
  return marked.length === tracked.size && marked.every(({ id }) => tracked.has(id));
}

describe('kill -9', () => {
  test.each([0, 1, 2])(
    'in the middle of creating 1,000 (after %i calls): nothing is leaked, doubled or forgotten',
    async (calls) => {
      const database = await migratedDatabase();
      const simulator = await testSimulator();
      simulator.configure({ latencyMs: 30 });
      const first = await runDaemon(envOf(database, simulator));
      simulator.resetCounters();
      await database.query(MANY);
      await waitFor('some calls', () => simulator.counters().by_operation.batch > calls);
      first.signal('SIGKILL');
      await first.ended;
      simulator.configure({ latencyMs: 0 });
      await database.query(`UPDATE zonekeeper.leader SET renewed = renewed - interval '1 hour'`);
      await database.query(`UPDATE zonekeeper.intents SET deadline = deadline - interval '1 hour'`);
      await runDaemon(envOf(database, simulator));
      await waitFor('a thousand', () => simulator.records().length === 1_000);
      await waitFor('database and Cloudflare to agree', () => agreed(database, simulator));
      expect(new Set(simulator.records().map(({ name }) => name)).size).toBe(1_000);
      expect(simulator.changes().changes.filter(({ after }) => after === null)).toEqual([]);
    },
  );

  test('then nobody wants them: not one is left', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    simulator.configure({ latencyMs: 30 });
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('keep')`);
    const first = await runDaemon(envOf(database, simulator));
    await database.query(MANY);
    await waitFor('some calls', () => simulator.counters().by_operation.batch > 2);
    first.signal('SIGKILL');
    await first.ended;
    await database.query('DELETE FROM instances');
    await database.query(`UPDATE zonekeeper.leader SET renewed = renewed - interval '1 hour'`);
    await database.query(`UPDATE zonekeeper.intents SET deadline = deadline - interval '1 hour'`);
    const { url } = await runDaemon(envOf(database, simulator));
    await waitFor('database and Cloudflare to agree', () => agreed(database, simulator));
    await waitFor('all to be deleted', async () => {
      const { hash } = (await (await fetch(`${url}/api/dns/plan`)).json()) as { hash: string };
      await fetch(`${url}/api/dns/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ confirm: hash }),
      });
      return simulator.records().length === 1;
    });
    expect(simulator.records().map(({ name }) => name)).toEqual(['keep.example.com']);
  });
});

describe('a predecessor that was killed while its call was on the way', () => {
  test('is waited for: nothing is done for its names before its deadline', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    const first = await runDaemon(envOf(database, simulator));
    simulator.addFault({ operation: 'batch', count: 1, effect: { kind: 'hang', applied: false } });
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a')`);
    await waitFor('the call', () => simulator.counters().by_operation.batch === 1);
    first.signal('SIGKILL');
    await first.ended;
    await database.query(`UPDATE zonekeeper.leader SET renewed = renewed - interval '1 hour'`);
    await runDaemon(envOf(database, simulator));
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('b')`);
    await waitFor('another name', () => simulator.records().length === 1);
    expect(simulator.records().map(({ name }) => name)).toEqual(['b.example.com']);
    // The late call takes effect; the deadline passes; the record is found by its mark.
    simulator.clearFaults();
    await database.query(`UPDATE zonekeeper.intents SET deadline = now()`);
    await waitFor('both', () => simulator.records().length === 2);
  });
});

describe('stopping', () => {
  test('SIGTERM ends the call under way, gives the leadership back and exits with 0', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    const daemon = await runDaemon(envOf(database, simulator));
    simulator.configure({ latencyMs: 200 });
    await database.query(MANY);
    await waitFor('a call', () => simulator.counters().by_operation.batch > 0);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect(await database.query('SELECT holder FROM zonekeeper.leader')).toEqual([{ holder: null }]);
    expect(await database.query(`SELECT id FROM zonekeeper.intents WHERE state = 'open'`)).toEqual([]);
    expect(await agreed(database, simulator)).toBe(true);
    expect(await database.query(`SELECT fqdn FROM zonekeeper.names WHERE state = 'failed'`)).toEqual([]);
  });

  test('a second signal ends it at once', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    const daemon = await runDaemon(envOf(database, simulator));
    simulator.addFault({ operation: 'batch', effect: { kind: 'hang' } });
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a')`);
    await waitFor('the call', () => simulator.counters().by_operation.batch === 1);
    daemon.signal('SIGTERM');
    await waitFor('it to stop', () => daemon.output().includes('"msg":"stopping"'));
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(143);
  });
});

describe('starting with something that is wrong', () => {
  const failing = async (env: Record<string, string>, args: readonly string[] = ['run']) => {
    const { code, output } = await run(args, { CLOUDFLARE_API_TOKEN: 't', ZONEKEEPER_LISTEN: '127.0.0.1:0', ...env });
    return `${code}: ${output}`;
  };

  test('no database, an unreachable one, an unprepared one', async () => {
    const database = await testDatabase();
    expect(await failing({})).toMatch(/^78: [\s\S]*DATABASE_URL/);
    expect(await failing({ DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/x' })).toMatch(
      /^1: error: PostgreSQL: connect ECONNREFUSED 127.0.0.1:1\n {2}what to do: /,
    );
    expect(await failing({ DATABASE_URL: database.url })).toMatch(
      /^1: error: The database has no schema [\s\S]*zonekeeper migrate/,
    );
  });

  test('a password never shows', async () => {
    expect(await failing({ DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/x' })).not.toContain('s3cret');
  });

  test('settings that are not known: the nearest one is named', async () => {
    expect(await failing({ DATABASE_URL: 'postgres://x/y', ZONEKEEPER_ZONE: 'example.com' })).toMatch(
      /^78: [\s\S]*ZONEKEEPER_ZONE\b[\s\S]*ZONEKEEPER_ZONES/,
    );
  });

  test('an address that others can reach, without a token', async () => {
    const database = await migratedDatabase();
    expect(await failing({ DATABASE_URL: database.url, ZONEKEEPER_LISTEN: '0.0.0.0:0' })).toMatch(
      /^78: error: [\s\S]*ZONEKEEPER_API_TOKEN/,
    );
  });
});

describe('the token', () => {
  test.each([
    ['invalid', { token: 'test-token', status: 'invalid' as const }, 'cloudflare_auth'],
    ['expired', { token: 'test-token', status: 'expired' as const }, 'cloudflare_auth'],
  ])('that is %s: not ready, says why, and goes on once it is good', async (_, rule, code) => {
    const simulator = await testSimulator();
    simulator.setToken(rule);
    const { daemon, get, log } = await startDaemon({ simulator, ready: false });
    await waitFor('the refusal', () => log.some((line) => line.includes(code)));
    const ready = await get('/readyz');
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('[-]cloudflare failed: ')]);
    simulator.setToken({ token: 'test-token', status: 'active' });
    await waitFor('readiness', () => daemon.ready);
  });

  test('is read anew when its file changes, as Kubernetes swaps it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'zonekeeper-secret-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'v1'), 'old-token\n');
    writeFileSync(join(directory, 'v2'), 'new-token\n');
    symlinkSync('v1', join(directory, 'token'));
    const simulator = await testSimulator();
    const { database, log } = await startDaemon({
      simulator,
      env: { CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_TOKEN_FILE: join(directory, 'token') },
    });
    simulator.setToken({ token: 'old-token', status: 'invalid' });
    symlinkSync('v2', join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, 'token'));
    await waitFor('it to be read', () => log.some((line) => line.includes('a secret was read anew')));
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a')`);
    await waitFor('the record', () => simulator.records().length === 1);
    expect(log.join('')).not.toMatch(/old-token|new-token/);
  });
});

describe('the command line', () => {
  test('without a daemon, plan and sync do the work themselves', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    const env = envOf(database, simulator);
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a'), ('b')`);
    const plan = await run(['plan'], env);
    expect(plan).toMatchObject({ code: 2, output: expect.stringContaining('2 created') });
    expect(simulator.records()).toEqual([]);
    const sync = await run(['sync', '--json'], env);
    expect(sync.code).toBe(0);
    expect(JSON.parse(sync.output)).toMatchObject({ created: 2, failed: 0 });
    expect(simulator.records()).toHaveLength(2);
    expect((await run(['plan'], env)).code).toBe(0);
    const records = await run(['records'], env);
    expect(records.output).toMatch(/a\.example\.com +in_sync +A 192\.0\.2\.1 +standalone_proxy 1/);
  });

  test('with a daemon, they go through it: no token is needed', async () => {
    const { database, simulator } = await startDaemon();
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a'), ('b')`);
    await waitFor('both', () => simulator.records().length === 2);
    const env = { DATABASE_URL: database.url };
    expect(JSON.parse((await run(['sync', '--json'], env)).output)).toMatchObject({ already_synced: 2 });
    const wanted = await run(['delete', 'a.example.com', '--yes'], env);
    expect(wanted).toMatchObject({ code: 1, output: expect.stringContaining('still wants a.example.com') });
    await database.query(`DELETE FROM zonekeeper.changes`);
    expect((await run(['delete', 'a.example.com', '--yes', '--force'], env)).output).toContain('1 deleted');
    await waitFor('its return', () => simulator.records().length === 2);
    expect((await run(['delete', 'nothing.example.com', '--yes'], env)).output).toContain(
      'No record of nothing.example.com is tracked',
    );
  });
});
