import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { OBJECTIVE_SECONDS } from '../../deploy/monitoring/objectives.ts';
import { METRIC_DRIFTS, METRIC_STATES } from '../../src/observability/labels.ts';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import type { TestDatabase } from '../support/database.ts';
import { runDaemon, zonekeeper } from '../support/process.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { requires } from '../support/requires.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { drawDashboard } from './picture.ts';
import { allQueries, dashboards, runbookQueries, selectorsIn } from './queries.ts';
import { quickRules } from './quick-rules.ts';
import { startRehearsal } from './rehearsal.ts';
import { watch } from './watch.ts';

requires('prometheus')('against a live Prometheus', () => {
  it('every panel shows the state that it is for, and alerts fire and resolve', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator([{ name: 'example.com' }, { name: 'example.net' }]);
    const env = {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
      ZONEKEEPER_DRIFT_CHECK_MAX: '1s',
      ZONEKEEPER_DELETE_GUARD: '10%,min=2',
      // So few that names wait when Cloudflare does not answer.
      ZONEKEEPER_CONCURRENCY: '5',
    };
    const postgres = new URL(database.url);
    const way = await tcpProxy({ host: postgres.hostname, port: Number(postgres.port) });
    postgres.hostname = '127.0.0.1';
    postgres.port = String(way.port);
    const first = await runDaemon({ ...env, DATABASE_URL: postgres.href });
    const second = await startStandby(env);
    const rehearsal = await startRehearsal(['gone', 'edited', 'left']);
    await rehearsal.restart({ dry: true });
    const rules = quickRules();
    const pair = [first.url, second.url].map((url) => new URL(url).host);
    const targets = { dns: pair, rehearsal: [rehearsal.target] };
    const prometheus = await startPrometheus({ targets, rules: stringify({ groups: rules }) });
    const { fires, resolves, seen, shows, showsEach, hasFired, hasShown } = watch(prometheus);
    const start = (...names: string[]) =>
      database.query(
        `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 1 FROM unnest($1::text[]) n`,
        [names],
      );

    // In dry run nothing is repaired, so each way of drifting stays to be seen.
    rehearsal.simulator.remove({ name: 'gone.example.org' });
    rehearsal.simulator.edit({ name: 'edited.example.org' }, { content: '198.51.100.9' });
    await rehearsal.database.query(`DELETE FROM instances WHERE subdomain = 'left'`);
    for (const state of METRIC_DRIFTS) await seen(`zonekeeper_records{zone="example.org", state="${state}"} == 1`);
    await shows('Drifted names', 'Drifted names by zone');
    // The next leader cannot see the zone.
    const unseen = rehearsal.simulator.addFault({ operation: 'list_records', effect: { kind: 'limited', seconds: 2 } });
    await rehearsal.restart({ dry: false });
    await shows('Zones never seen', 'Longest not seen');
    rehearsal.simulator.clearFaults(unseen.id);
    await seen(`sum(zonekeeper_records{zone="example.org", state!="in_sync"}) == bool 0`);

    // The only daemon of an installation does not reach PostgreSQL.
    rehearsal.way.refuse();
    await fires('ZonekeeperNoLeader');
    await shows('Without a leader');
    rehearsal.way.mend();
    await resolves('ZonekeeperNoLeader');
    await resolves('ZonekeeperListenDown');

    // Names that are created, drift, and are repaired.
    const names = Array.from({ length: 30 }, (_, index) => `n${index}`);
    await start(...names);
    await waitFor('the records', () => simulator.records().length === names.length);
    await seen('zonekeeper_records{state="in_sync"} == 30');
    simulator.remove({ name: 'n0.example.com' });
    simulator.edit({ name: 'n1.example.com' }, { content: '198.51.100.9' });
    await seen('zonekeeper_drift_detected_total{namespace="dns", zone="example.com", kind="missing"}');
    await seen('zonekeeper_drift_detected_total{namespace="dns", zone="example.com", kind="modified"}');

    // A foreign record is in the way.
    const foreign = simulator.add({
      zone: 'example.com',
      name: 'held.example.com',
      type: 'A',
      content: '198.51.100.1',
    });
    await start('held');
    await fires('ZonekeeperConflict');
    await shows('Conflicts', 'Need a person', 'Zones by names that need a person');
    simulator.remove({ name: foreign.name });
    await resolves('ZonekeeperConflict');

    // More names vanish than the guard lets through.
    await database.query(`DELETE FROM instances WHERE subdomain LIKE 'n1%'`);
    await fires('ZonekeeperGuardBlocked');
    await shows('Held deletions');
    // A person asks for a sync, which finds them orphaned.
    expect((await fetch(`${first.url}/api/dns/sync`, { method: 'POST' })).status).toBe(200);
    await seen('zonekeeper_drift_detected_total{namespace="dns", zone="example.com", kind="orphaned"}');
    await seen('zonekeeper_sync_total{trigger="sync", result="done"}');
    await start(...names.filter((name) => name.startsWith('n1')));
    await resolves('ZonekeeperGuardBlocked');

    // A record that Cloudflare refuses; at first PostgreSQL has no room even for saying so, and the runs fail.
    const full = await noRoom(database);
    const refusing = simulator.addFault({ effect: { kind: 'refuse', code: 9003, name: 'bad.example.com' } });
    await start('bad');
    await shows('Failed runs in an hour');
    await full.end();
    await fires('ZonekeeperFailed');
    // Nobody holds it on purpose, so it is a drift that lasts.
    await fires('ZonekeeperDriftPersisting');
    await shows('Failed', 'Oldest drift', 'Age of the oldest drift by zone');
    simulator.clearFaults(refusing.id);
    await database.query(`UPDATE instances SET target = '192.0.2.9' WHERE subdomain = 'bad'`);
    await resolves('ZonekeeperFailed');
    await resolves('ZonekeeperDriftPersisting');

    // Cloudflare limits us.
    const limiting = simulator.addFault({ operation: 'list_records', effect: { kind: 'limited', seconds: 2 } });
    await fires('ZonekeeperRateLimited');
    await shows('Calls that failed, by answer');
    simulator.clearFaults(limiting.id);
    await resolves('ZonekeeperRateLimited');

    // The token is refused, so zones are not seen.
    simulator.setToken({ token: 'token', status: 'invalid' });
    await fires('ZonekeeperAuthFailing');
    await fires('ZonekeeperSyncStale');
    simulator.setToken({ token: 'token' });
    await resolves('ZonekeeperAuthFailing');
    await resolves('ZonekeeperSyncStale');

    // Cloudflare is seen, but takes no change.
    const writeless = simulator.addFault({ operation: 'batch', effect: { kind: 'status', status: 500 } });
    await start('late0', 'late1', 'late2');
    await fires('ZonekeeperWritesFailing');
    simulator.clearFaults(writeless.id);
    await resolves('ZonekeeperWritesFailing');

    // Work waits at Cloudflare for longer than the objective allows: each attempt hangs to its deadline, whoever leads by then.
    const since = Date.now() / 1_000;
    const hanging = simulator.addFault({ operation: 'batch', effect: { kind: 'hang' } });
    await start(...Array.from({ length: 20 }, (_, index) => `slow${index}`));
    await shows('Waiting names', 'Names waiting');
    await fires('ZonekeeperQueueStuck');
    await seen(`workqueue_longest_running_processor_seconds > ${OBJECTIVE_SECONDS}`);
    simulator.clearFaults(hanging.id);
    await resolves('ZonekeeperQueueStuck');
    // It lasts for no longer than the window, which may be over by now.
    await hasFired('ZonekeeperConvergeBudgetBurn', since);
    await hasShown('Error budget burning', since);
    await resolves('ZonekeeperConvergeBudgetBurn');

    // More people ask a process than it has connections, and PostgreSQL does not answer.
    const lock = await locked(database, 'zonekeeper.names');
    let asking = true;
    // Who has waited for ten seconds is sent away, and asks again.
    const people = Array.from({ length: 20 }, async () => {
      while (asking) await (await fetch(`${second.url}/api/dns/records`)).arrayBuffer();
    });
    await shows('Waiting for a connection');
    asking = false;
    await lock.end();
    await Promise.all(people);

    // The leader does not reach PostgreSQL: it hears of no changes, and the other takes over.
    way.refuse();
    await fires('ZonekeeperListenDown');
    await seen(`leader_election_master_status{instance="${pair[1]}"} == 1`);
    way.mend();
    await resolves('ZonekeeperListenDown');
    await showsEach('Leaders', 1, Object.keys(targets).length);

    const wrong: string[] = [];
    for (const { where, expr } of allQueries()) {
      const values = (await prometheus.range(expr)).flatMap((series) => series.values).filter(Number.isFinite);
      if (values.length === 0) wrong.push(`${where} has nothing: ${expr}`);
      else if (!values.some((value) => value !== 0)) wrong.push(`${where} shows only 0: ${expr}`);
    }
    for (const state of METRIC_STATES) {
      const series = await prometheus.range(`zonekeeper_records{state="${state}"}`);
      if (!series.some(({ values }) => values.some((value) => value > 0))) wrong.push(`no name was ever ${state}`);
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
      writeFileSync(`test-results/dashboards/${name}.svg`, await drawDashboard(dashboard, prometheus));
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

  /** PostgreSQL has no space left for states of names. */
  async function noRoom(database: TestDatabase) {
    await database.query(
      `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$`,
    );
    await database.query(
      'CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON zonekeeper.names FOR EACH ROW EXECUTE FUNCTION no_room()',
    );
    return { end: () => database.query('DROP TRIGGER no_room ON zonekeeper.names') };
  }

  /** Whoever reads the table waits. */
  async function locked(database: TestDatabase, table: string) {
    const client = await database.pool.connect();
    await client.query('BEGIN');
    await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    let ended: Promise<void> | undefined;
    const end = () => {
      ended ??= client.query('ROLLBACK').then(() => client.release());
      return ended;
    };
    // Also where the test fails: the database is not dropped before.
    onTestFinished(end);
    return { end };
  }
});
