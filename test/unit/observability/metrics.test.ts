import { describe, expect, it, vi } from 'vitest';
import { PRIORITY } from '../../../src/controller/priority.ts';
import { NAME_STATES } from '../../../src/dns/record.ts';
import {
  METRIC_CHANGE_RESULTS,
  METRIC_PRIORITIES,
  METRIC_STATES,
  METRIC_TRIGGERS,
} from '../../../src/observability/labels.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { TRIGGERS } from '../../../src/reconcile/context.ts';
import type { ChangeResult } from '../../../src/reconcile/outcome.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const BUILD = { version: '1.2.3', node_version: 'v24.0.0' };

const fresh = (runtime = false) => new Metrics({ build: BUILD, runtime });

/** As `nodejs_version_info` has them. */
function versionLabels(): string {
  const [major, minor, patch] = process.versions.node.split('.');
  return `version="${process.version}",major="${major}",minor="${minor}",patch="${patch}"`;
}

/** The value of every series by its text, such as `zonekeeper_records{zone="a",state="missing"}`. */
async function series(metrics: Metrics): Promise<Map<string, number>> {
  const { body } = await metrics.scrape();
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('the metrics', () => {
  it('have the names, types, labels and help texts that dashboards and alerts rely on', async () => {
    const lines = fresh().described.map(
      ({ type, name, labels, help }) => `${type} ${name}{${labels.join(',')}} ${help}`,
    );
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "gauge zonekeeper_records{zone,state} Names by zone and state.
      gauge zonekeeper_drift_oldest_timestamp_seconds{zone} Unix time since when the longest-drifted name of the zone differs that nobody holds; 0 when none does.
      counter zonekeeper_drift_detected_total{zone,kind} Times that a look found desired and actual to differ.
      counter zonekeeper_changes_total{zone,action,result} Changes of single records, by what became of them.
      histogram zonekeeper_converge_duration_seconds{zone,trigger} From the commit or the detection to Cloudflare having confirmed the change.
      counter zonekeeper_converge_late_total{zone,trigger} Changes that Cloudflare had not confirmed 5 seconds after the commit or the detection, counted as soon as that is known.
      gauge zonekeeper_drift_check_interval_seconds{} Pause between two looks at one zone, as the number of zones and the budget allow it; 0 while this process does not lead.
      gauge zonekeeper_last_check_timestamp_seconds{zone} Unix time when a look at the zone last ended, well or not; 0 when none has.
      gauge zonekeeper_last_success_timestamp_seconds{zone} Unix time when a look at the zone last ended well; 0 when none has.
      gauge zonekeeper_guard_blocked{zone} Names of the zone whose deletion the guard holds until somebody confirms it.
      counter zonekeeper_sync_total{trigger,result} Operations that were asked for and have ended.
      counter zonekeeper_cloudflare_requests_total{operation,code} Calls of Cloudflare's API, by HTTP status or kind of failure.
      histogram zonekeeper_cloudflare_request_duration_seconds{operation} Duration of calls of Cloudflare's API, without the wait for the budget.
      histogram zonekeeper_cloudflare_batch_operations{} Operations in one batch call.
      gauge zonekeeper_api_budget_remaining{} Calls that may still leave in the present 5 minutes, by our own count.
      gauge zonekeeper_api_budget_limit{} Calls that may leave in 5 minutes, as the settings say.
      gauge zonekeeper_source_connected{source} 1 while changes are announced by the source (LISTEN), 0 while only the resync finds them.
      histogram zonekeeper_postgres_statement_duration_seconds{} Duration of statements, the wait for a connection included.
      gauge zonekeeper_postgres_connections{state} Connections of the pool, by whether they work on something.
      gauge zonekeeper_postgres_waiting{} Statements and transactions that wait for a connection of the pool.
      gauge leader_election_master_status{name} 1 while this process leads, 0 otherwise.
      gauge zonekeeper_build_info{version,node_version} Always 1; says the version.
      gauge workqueue_depth{name,priority} Keys that wait for a worker.
      counter workqueue_adds_total{name} Keys put on the queue.
      counter workqueue_retries_total{name} Keys put back after a failure.
      histogram workqueue_queue_duration_seconds{name} How long keys waited for a worker.
      histogram workqueue_work_duration_seconds{name} How long workers had a key.
      gauge workqueue_unfinished_work_seconds{name} Time spent so far on all keys in process.
      gauge workqueue_longest_running_processor_seconds{name} Age of the longest run in process.
      counter controller_runtime_reconcile_total{controller,result} Runs by result.
      counter controller_runtime_reconcile_errors_total{controller} Runs that failed.
      histogram controller_runtime_reconcile_time_seconds{controller} Duration of runs.
      gauge controller_runtime_active_workers{controller} Keys in process.
      gauge controller_runtime_max_concurrent_reconciles{controller} Keys in process at most."
    `);
  });

  it('include those of process and Node.js, by the names that everybody gives them', async () => {
    const metrics = fresh(true);
    const before = await series(metrics);
    const found = await series(metrics);
    const usage = process.memoryUsage();
    // Exposed in whole seconds, so up to half of one later than it was.
    const started = Date.now() / 1_000 - process.uptime();
    for (const [name, least, most] of [
      ['process_resident_memory_bytes', usage.rss / 3, usage.rss * 3],
      ['nodejs_heap_size_total_bytes', 1, usage.rss * 3],
      ['nodejs_heap_size_used_bytes', 1, usage.rss * 3],
      ['nodejs_external_memory_bytes', 1, usage.rss],
      ['process_cpu_user_seconds_total', 0.001, process.uptime() * 100],
      ['process_cpu_system_seconds_total', 0.001, process.uptime() * 100],
      ['process_cpu_seconds_total', before.get('process_cpu_seconds_total'), process.uptime() * 100],
      ['process_start_time_seconds', started - 2, started + 2],
      ['nodejs_active_resources_total', 0, 10_000],
      ['nodejs_heap_space_size_used_bytes{space="old"}', 1, usage.rss],
      [`nodejs_version_info{${versionLabels()}}`, 1, 1],
    ] as const) {
      expect(found.get(name), name).toBeGreaterThanOrEqual(least ?? 0);
      expect(found.get(name), name).toBeLessThanOrEqual(most);
    }
    const { body } = await metrics.scrape();
    for (const name of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'])
      expect(body).toContain(`# TYPE nodejs_eventloop_lag_${name}_seconds gauge`);
    expect(body).toContain('# TYPE nodejs_gc_duration_seconds histogram');
  });

  it('include the delay of the event loop, without the time between two looks at it', async () => {
    const metrics = fresh(true);
    const lag = async (figure: string) => (await series(metrics)).get(`nodejs_eventloop_lag_${figure}_seconds`) ?? 0;
    // Looks come every 100 ms: the smallest delay is that of an idle loop.
    await vi.waitFor(async () => {
      const [least, median] = [await lag('min'), await lag('p50')];
      expect(least).toBeLessThan(0.05);
      expect(median).toBeGreaterThanOrEqual(0);
    });
    expect(await lag('max')).toBeLessThan(1_000_000);
  });

  it.runIf(process.platform === 'linux')('include what only Linux tells of a process', async () => {
    const found = await series(fresh(true));
    expect(found.get('process_open_fds')).toBeGreaterThan(3);
    expect(found.get('process_max_fds')).toBeGreaterThanOrEqual(found.get('process_open_fds') ?? 0);
    expect(found.get('process_virtual_memory_bytes')).toBeGreaterThan(found.get('process_resident_memory_bytes') ?? 0);
    expect(found.get('process_heap_bytes')).toBeGreaterThan(0);
  });

  it('start with every series that alerts ask for', async () => {
    const found = await series(fresh());
    expect(found.get('zonekeeper_build_info{version="1.2.3",node_version="v24.0.0"}')).toBe(1);
    expect(found.get('leader_election_master_status{name="zonekeeper"}')).toBe(0);
    expect(found.get('zonekeeper_source_connected{source="postgres"}')).toBe(0);
    expect(found.get('zonekeeper_cloudflare_requests_total{operation="list",code="429"}')).toBe(0);
    expect(found.get('zonekeeper_sync_total{trigger="sync",result="failed"}')).toBe(0);
    expect(found.get('workqueue_retries_total{name="names"}')).toBe(0);
    expect(found.get('workqueue_depth{name="names",priority="person"}')).toBe(0);
    expect(found.get('controller_runtime_reconcile_total{controller="dns",result="error"}')).toBe(0);
  });

  it('speak of a zone from the moment it is managed until it is not', async () => {
    const metrics = fresh();
    const before = await series(metrics);
    metrics.addZone('example.com');
    metrics.addZone('example.org');
    const during = await series(metrics);
    for (const name of ['last_check_timestamp_seconds', 'last_success_timestamp_seconds', 'guard_blocked']) {
      expect(during.get(`zonekeeper_${name}{zone="example.com"}`)).toBe(0);
    }
    expect(during.get('zonekeeper_records{zone="example.com",state="conflict"}')).toBe(0);
    expect(during.get('zonekeeper_drift_detected_total{zone="example.com",kind="orphaned"}')).toBe(0);
    expect(during.get('zonekeeper_changes_total{zone="example.com",action="delete",result="refused"}')).toBe(0);
    for (const trigger of ['change', 'drift'])
      expect(during.get(`zonekeeper_converge_duration_seconds_count{zone="example.com",trigger="${trigger}"}`)).toBe(0);
    // Also what came later by itself.
    metrics.changes.inc({ zone: 'example.com', action: 'create', result: 'unknown' });
    metrics.converge.observe({ zone: 'example.com', trigger: 'drift' }, 3);
    metrics.removeZone('example.com');
    const after = await series(metrics);
    expect([...after.keys()].filter((key) => key.includes('example.com'))).toEqual([]);
    metrics.removeZone('example.org');
    expect([...(await series(metrics)).keys()]).toEqual([...before.keys()]);
  });

  it('keep what a zone has when it is added again', async () => {
    const metrics = fresh();
    metrics.addZone('a');
    metrics.lastCheck.set({ zone: 'a' }, 17);
    metrics.changes.inc({ zone: 'a', action: 'create', result: 'done' });
    metrics.converge.observe({ zone: 'a', trigger: 'change' }, 1);
    metrics.addZone('a');
    const found = await series(metrics);
    expect(found.get('zonekeeper_last_check_timestamp_seconds{zone="a"}')).toBe(17);
    expect(found.get('zonekeeper_changes_total{zone="a",action="create",result="done"}')).toBe(1);
    expect(found.get('zonekeeper_converge_duration_seconds_count{zone="a",trigger="change"}')).toBe(1);
  });

  it('follow queue and workers as they tell and as they are found at a scrape', async () => {
    const metrics = fresh();
    metrics.queue.queueObserver.added();
    metrics.queue.queueObserver.taken(2, 1_500);
    metrics.queue.queueObserver.finished(250);
    metrics.queue.queueObserver.retried();
    metrics.queue.poolObserver.ran('error', 2_000);
    metrics.onScrape(() =>
      metrics.queue.read(
        { depthOf: (priority) => priority * 10, unfinishedMs: 1_234, longestRunningMs: 1_000 },
        { active: 3, concurrency: 100 },
      ),
    );
    const found = await series(metrics);
    expect(found.get('workqueue_adds_total{name="names"}')).toBe(1);
    expect(found.get('workqueue_queue_duration_seconds_sum{name="names"}')).toBe(1.5);
    expect(found.get('workqueue_work_duration_seconds_sum{name="names"}')).toBe(0.25);
    expect(found.get('workqueue_retries_total{name="names"}')).toBe(1);
    expect(found.get('workqueue_depth{name="names",priority="event"}')).toBe(20);
    expect(found.get('workqueue_unfinished_work_seconds{name="names"}')).toBe(1.234);
    expect(found.get('controller_runtime_reconcile_errors_total{controller="dns"}')).toBe(1);
    expect(found.get('controller_runtime_active_workers{controller="dns"}')).toBe(3);
  });

  it('are scraped although a callback fails or hangs', async () => {
    const errors: unknown[] = [];
    const clock = new VirtualClock();
    const metrics = new Metrics({ build: BUILD, runtime: false, onScrapeError: (error) => errors.push(error), clock });
    metrics.onScrape(() => Promise.reject(new Error('the database is away')));
    metrics.onScrape(() => {
      throw new Error('at once');
    });
    const stop = metrics.onScrape(() => new Promise(() => undefined));
    const scraped = metrics.scrape();
    await clock.advance(2_999);
    expect(errors).toHaveLength(2);
    await clock.advance(1);
    expect((await scraped).body).toContain('zonekeeper_build_info');
    expect(errors).toHaveLength(3);
    stop();
    await metrics.scrape();
    expect(errors).toHaveLength(5);
  });

  it('are ours alone where the process cannot be read', async () => {
    const errors: unknown[] = [];
    const metrics = new Metrics({ build: BUILD, onScrapeError: (error) => errors.push(error) });
    using _ = vi.spyOn(process, 'cpuUsage').mockImplementation(() => {
      throw new Error('no such system call');
    });
    const { body } = await metrics.scrape();
    expect(body).toContain('zonekeeper_build_info');
    expect(body).not.toContain('process_cpu');
    expect(errors).toEqual([new Error('no such system call')]);
  });

  it('do not share anything with another instance', async () => {
    const [one, other] = [fresh(), fresh()];
    one.addZone('one');
    expect((await other.scrape()).body).not.toContain('zone="one"');
  });
});

describe('the words of the labels', () => {
  it('are those of the core', () => {
    expect(METRIC_STATES).toEqual(NAME_STATES);
    expect(METRIC_TRIGGERS).toEqual(TRIGGERS);
    const results: readonly ChangeResult['result'][] = METRIC_CHANGE_RESULTS;
    expect(results).toHaveLength(5);
    for (const [name, number] of Object.entries(PRIORITY)) expect(METRIC_PRIORITIES[number]).toBe(name);
  });

  it('never include a FQDN', async () => {
    for (const { name, labels } of fresh().described) expect([name, ...labels].join()).not.toMatch(/fqdn/);
    const { body } = await fresh().scrape();
    expect(body).not.toMatch(/fqdn=/);
  });
});
