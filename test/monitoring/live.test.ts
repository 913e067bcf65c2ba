import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import { runDaemon, zonekeeper } from '../support/process.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { requires } from '../support/requires.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { allQueries, dashboards } from './queries.ts';

/** Seconds for what goes through a scrape, a rule and a query. */
const PATIENCE_MS = 90_000;

/** Our rules with the same expressions, but windows, thresholds and pauses of seconds instead of minutes. */
function quickRules(): string {
  const rules = readFileSync('charts/zonekeeper/files/rules/zonekeeper.yaml', 'utf8')
    .replace(/@@(\w+)Seconds@@/g, '4')
    .replace(/@@\w+For@@/g, '1s')
    .replaceAll('@@budgetShare@@', '50')
    .replaceAll('@@failureShare@@', '0.2');
  const { groups } = parse(rules) as { groups: { rules: { alert?: string; for?: string; expr: string }[] }[] };
  for (const rule of groups.flatMap((group) => group.rules)) {
    if (rule.alert === undefined) continue;
    rule.expr = rule.expr.replace(/\[\d+m\]/g, '[6s]');
    if (rule.for !== undefined) rule.for = '1s';
  }
  return stringify({ groups });
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
    const targets = [first.url, second.url].map((url) => new URL(url).host);
    const prometheus = await startPrometheus({ targets, rules: quickRules() });
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

    // Work waits at Cloudflare.
    const hanging = simulator.addFault({ operation: 'batch', effect: { kind: 'delay', ms: 8_000 } });
    await start('slow');
    await fires('ZonekeeperQueueStuck');
    simulator.clearFaults(hanging.id);
    await resolves('ZonekeeperQueueStuck');

    // A person asks for a sync.
    await fetch(`${first.url}/api/dns/sync`, { method: 'POST' });
    await seen('zonekeeper_sync_total{trigger="sync", result="done"}');

    // The leader does not reach PostgreSQL: it hears of no changes, and the other takes over.
    way.refuse();
    await fires('ZonekeeperListenDown');
    await seen(`leader_election_master_status{instance="${targets[1]}"} == 1`);
    way.mend();
    await resolves('ZonekeeperListenDown');

    const nothing: string[] = [];
    for (const { where, expr } of allQueries()) {
      const data = await prometheus.range(expr);
      if (!data.some(({ values }) => values.some((value) => Number.isFinite(value)))) nothing.push(`${where}: ${expr}`);
    }
    expect(nothing).toEqual([]);
    for (const { templating } of dashboards()) {
      for (const { definition } of templating.list) {
        const [, match, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
        if (match === undefined || label === undefined) continue;
        const values = await prometheus.labelValues(label, match.replace(/\$\w+/g, '.*'));
        // A Prometheus alone knows neither clusters nor namespaces.
        if (!['cluster', 'namespace'].includes(label)) expect(values, definition).not.toEqual([]);
      }
    }
  }, 600_000);

  async function startStandby(env: Readonly<Record<string, string>>) {
    const daemon = zonekeeper(['run'], { ...env, ZONEKEEPER_LISTEN: '127.0.0.1:0', ZONEKEEPER_LOG_FORMAT: 'json' });
    const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
    onTestFinished(() => daemon.signal('SIGKILL'));
    return { ...daemon, url };
  }
});
