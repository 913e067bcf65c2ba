import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import { runDaemon, zonekeeper } from '../support/process.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { requires } from '../support/requires.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { drawDashboard } from './picture.ts';
import { allQueries, dashboards, runbookQueries, selectorsIn } from './queries.ts';

/** For what goes through a scrape, a rule and a query, on a machine that does several things at once. */
const PATIENCE_MS = 180_000;

/** Panels that need not see a value other than 0: nothing need wait or be late, drift is repaired between two counts, and refusals are no failed runs. */
const MAY_SHOW_ZERO = new Set([
  'Drifted names',
  'Drifted names by zone',
  'Error budget burning',
  'Failed runs in an hour',
  'Names waiting',
  'Waiting names',
  'Waiting for a connection',
  'Without a leader',
]);

/** Our rules with the same expressions, but windows, thresholds and pauses of seconds instead of minutes. */
function quickRules() {
  const rules = readFileSync('charts/zonekeeper/files/rules/zonekeeper.yaml', 'utf8')
    .replace(/@@(\w+)Seconds@@/g, '4')
    .replace(/@@\w+For@@/g, '1s')
    .replaceAll('@@budgetShare@@', '50')
    .replaceAll('@@failureShare@@', '0.2');
  const { groups } = parse(rules) as {
    groups: { rules: { alert?: string; record?: string; for?: string; expr: string }[] }[];
  };
  for (const rule of groups.flatMap((group) => group.rules)) {
    if (rule.alert === undefined) continue;
    rule.expr = rule.expr.replace(/\[\d+m\]/g, '[6s]');
    if (rule.for !== undefined) rule.for = '1s';
  }
  return groups;
}

requires('prometheus')('against a live Prometheus', () => {
  it('every panel has data, and alerts fire and resolve', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator([{ name: 'example.com' }, { name: 'example.net' }]);
    const env = {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
      ZONEKEEPER_DRIFT_CHECK_MAX: '1s',
      ZONEKEEPER_DELETE_GUARD: '10%,min=2',
    };
    const postgres = new URL(database.url);
    const way = await tcpProxy({ host: postgres.hostname, port: Number(postgres.port) });
    postgres.hostname = '127.0.0.1';
    postgres.port = String(way.port);
    const first = await runDaemon({ ...env, DATABASE_URL: postgres.href });
    const second = await startStandby(env);
    const rules = quickRules();
    const targets = [first.url, second.url].map((url) => new URL(url).host);
    const prometheus = await startPrometheus({ targets, rules: stringify({ groups: rules }) });
    const fires = (name: string) =>
      waitFor(`${name} to fire`, async () => (await prometheus.firing()).includes(name), PATIENCE_MS);
    const resolves = (name: string) =>
      waitFor(`${name} to resolve`, async () => !(await prometheus.firing()).includes(name), PATIENCE_MS);
    const seen = (expr: string) =>
      waitFor(expr, async () => (await prometheus.now(expr)).some(({ values }) => (values[0] ?? 0) > 0), PATIENCE_MS);
    const start = (...names: string[]) =>
      database.query(
        `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 1 FROM unnest($1::text[]) n`,
        [names],
      );

    // Names that are created, drift in each way, and are repaired.
    await seen('zonekeeper_build_info');
    const names = Array.from({ length: 30 }, (_, index) => `n${index}`);
    await start(...names);
    await waitFor('the records', () => simulator.records().length === names.length);
    await seen('zonekeeper_records{state="in_sync"} == 30');
    simulator.remove({ name: 'n0.example.com' });
    simulator.edit({ name: 'n1.example.com' }, { content: '198.51.100.9' });
    await seen('zonekeeper_drift_detected_total{kind="missing"}');
    await seen('zonekeeper_drift_detected_total{kind="modified"}');

    // A foreign record is in the way.
    const foreign = simulator.add({
      zone: 'example.com',
      name: 'held.example.com',
      type: 'A',
      content: '198.51.100.1',
    });
    await start('held');
    await fires('ZonekeeperConflict');
    simulator.remove({ name: foreign.name });
    await resolves('ZonekeeperConflict');

    // More names vanish than the guard lets through.
    await database.query(`DELETE FROM instances WHERE subdomain LIKE 'n1%'`);
    await fires('ZonekeeperGuardBlocked');
    await fires('ZonekeeperDriftPersisting');
    // A person asks for a sync, which finds them orphaned.
    expect((await fetch(`${first.url}/api/dns/sync`, { method: 'POST' })).status).toBe(200);
    await seen('zonekeeper_drift_detected_total{kind="orphaned"}');
    await seen('zonekeeper_sync_total{trigger="sync", result="done"}');
    await start(...names.filter((name) => name.startsWith('n1')));
    await resolves('ZonekeeperGuardBlocked');
    await resolves('ZonekeeperDriftPersisting');

    // A record that Cloudflare refuses.
    const refusing = simulator.addFault({ effect: { kind: 'refuse', code: 9003, name: 'bad.example.com' } });
    await start('bad');
    await fires('ZonekeeperFailed');
    simulator.clearFaults(refusing.id);
    await database.query(`UPDATE instances SET target = '192.0.2.9' WHERE subdomain = 'bad'`);
    await resolves('ZonekeeperFailed');

    // Cloudflare limits us.
    const limiting = simulator.addFault({ operation: 'list_records', effect: { kind: 'limited', seconds: 2 } });
    await fires('ZonekeeperRateLimited');
    simulator.clearFaults(limiting.id);
    await resolves('ZonekeeperRateLimited');

    // The token is refused, so zones are not seen.
    simulator.setToken({ token: 'token', status: 'invalid' });
    await fires('ZonekeeperAuthFailing');
    await fires('ZonekeeperSyncStale');
    simulator.setToken({ token: 'token' });
    await resolves('ZonekeeperAuthFailing');
    await resolves('ZonekeeperSyncStale');

    // Work waits at Cloudflare until the alert has fired: each attempt hangs to its deadline, whoever leads by then.
    const hanging = simulator.addFault({ operation: 'batch', effect: { kind: 'hang' } });
    await start('slow');
    await fires('ZonekeeperQueueStuck');
    simulator.clearFaults(hanging.id);
    await resolves('ZonekeeperQueueStuck');

    // The leader does not reach PostgreSQL: it hears of no changes, and the other takes over.
    way.refuse();
    await fires('ZonekeeperListenDown');
    await seen(`leader_election_master_status{instance="${targets[1]}"} == 1`);
    way.mend();
    await resolves('ZonekeeperListenDown');

    const wrong: string[] = [];
    for (const { where, expr } of allQueries()) {
      const values = (await prometheus.range(expr)).flatMap((series) => series.values).filter(Number.isFinite);
      const panel = where.slice(where.indexOf(': ') + 2);
      if (values.length === 0) wrong.push(`${where} has nothing: ${expr}`);
      else if (!values.some((value) => value !== 0) && !MAY_SHOW_ZERO.has(panel))
        wrong.push(`${where} shows only 0: ${expr}`);
    }
    // Rules as they are used, and what runbooks ask: no series that is asked for is misspelt.
    const ruled = rules.flatMap((group) =>
      group.rules.map(({ alert, record, expr }) => ({ where: alert ?? record, expr })),
    );
    expect(ruled.length).toBeGreaterThan(25);
    expect(runbookQueries().length).toBeGreaterThan(25);
    for (const { where, expr } of [...ruled, ...runbookQueries()]) {
      await prometheus.range(expr);
      for (const selector of selectorsIn(expr))
        if ((await prometheus.range(selector)).length === 0) wrong.push(`${where}: nothing is ${selector}`);
    }
    expect(wrong).toEqual([]);
    // To be looked at, and for docs/monitoring.md.
    mkdirSync('test-results/dashboards', { recursive: true });
    for (const dashboard of dashboards()) {
      const name = dashboard.title.split(' / ')[1]?.toLowerCase();
      writeFileSync(`test-results/dashboards/${name}.svg`, await drawDashboard(dashboard, prometheus.range));
    }
    for (const { templating } of dashboards()) {
      for (const { definition } of templating.list) {
        const [, match, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
        if (match === undefined || label === undefined) continue;
        const values = await prometheus.labelValues(label, match.replace(/\$\w+/g, '.*'));
        expect(values, definition).not.toEqual([]);
      }
    }
  }, 900_000);

  async function startStandby(env: Readonly<Record<string, string>>) {
    const daemon = zonekeeper(['run'], { ...env, ZONEKEEPER_LISTEN: '127.0.0.1:0', ZONEKEEPER_LOG_FORMAT: 'json' });
    const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
    onTestFinished(() => daemon.signal('SIGKILL'));
    return { ...daemon, url };
  }
});
