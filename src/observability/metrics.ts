import { type Clock, systemClock } from '../controller/clock.ts';
import { ZonekeeperError } from '../errors.ts';
import * as labels from './labels.ts';
import { CounterMetric, type ExposedMetric, Exposition, GaugeMetric, HistogramMetric, type Labels } from './metric.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { RuntimeMetrics } from './runtime-metrics.ts';

/** Who we are, as `zonekeeper_build_info` says it. */
export type BuildInfo = {
  readonly version: string;
  readonly node_version: string;
};

export interface MetricsOptions {
  readonly build: BuildInfo;
  /** Also the metrics of process and Node.js, which install observers; once per process. Default true. */
  readonly runtime?: boolean;
  /** Told of a scrape callback that failed; the scrape goes on with what the gauges held before. */
  readonly onScrapeError?: (error: unknown) => void;
  /** For how long a scrape waits for its callbacks. */
  readonly clock?: Clock;
}

/** Bounds of histograms, in seconds: from one round trip to what a spent API budget makes one wait. */
const CONVERGE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600];
const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a look-up beside the server to what the statement timeout cuts off. */
const STATEMENT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Operations in a batch call: 200 and 3,500 are the limits of Cloudflare's plans. */
const BATCH_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 200, 500, 1_000, 2_000, 3_500];
/** A scrape callback that takes longer is left behind. Milliseconds; Prometheus itself gives up after 10 s. */
const SCRAPE_TIMEOUT_MS = 3_000;
/** Prometheus' text format. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** The name of the lease, as kube-state-metrics and others show it. */
const LEASE = 'zonekeeper';

type Zone = { readonly zone: string };

/**
 * All metrics of a process, in an exposition of its own. Durations are given in seconds. Series that alerts look at exist
 * with 0 from the start, or since `addZone`; those of a zone end with `removeZone` or `removeZones`.
 */
export class Metrics {
  readonly #exposition = new Exposition();
  /** Those of process and Node.js. */
  readonly #runtime: RuntimeMetrics | null;

  readonly records = this.#gauge<Zone & { readonly state: labels.MetricState }>(
    'zonekeeper_records',
    'Names by zone and state.',
    ['zone', 'state'],
  );
  readonly driftOldest = this.#gauge<Zone>(
    'zonekeeper_drift_oldest_timestamp_seconds',
    'Unix time since when the longest-drifted name of the zone differs that nobody holds; 0 when none does.',
    ['zone'],
  );
  readonly driftDetected = this.#counter<Zone & { readonly kind: labels.MetricDrift }>(
    'zonekeeper_drift_detected_total',
    'Times that a look found desired and actual to differ.',
    ['zone', 'kind'],
  );
  readonly changes = this.#counter<
    Zone & { readonly action: labels.MetricAction; readonly result: labels.MetricChangeResult }
  >('zonekeeper_changes_total', 'Changes of single records, by what became of them.', ['zone', 'action', 'result']);
  readonly converge = this.#histogram<Zone & { readonly trigger: labels.MetricTrigger }>(
    'zonekeeper_converge_duration_seconds',
    'From the commit or the detection to Cloudflare having confirmed the change.',
    ['zone', 'trigger'],
    CONVERGE_BUCKETS,
  );
  readonly late = this.#counter<Zone & { readonly trigger: labels.MetricTrigger }>(
    'zonekeeper_converge_late_total',
    'Changes that Cloudflare had not confirmed 5 seconds after the commit or the detection, counted as soon as that is known.',
    ['zone', 'trigger'],
  );
  readonly checkInterval = this.#gauge<Record<never, string>>(
    'zonekeeper_drift_check_interval_seconds',
    'Pause between two looks at one zone, as the number of zones and the budget allow it; 0 while this process does not lead.',
    [],
  );
  readonly lastCheck = this.#gauge<Zone>(
    'zonekeeper_last_check_timestamp_seconds',
    'Unix time when a look at the zone last ended, well or not; 0 when none has.',
    ['zone'],
  );
  readonly lastSuccess = this.#gauge<Zone>(
    'zonekeeper_last_success_timestamp_seconds',
    'Unix time when a look at the zone last ended well; 0 when none has.',
    ['zone'],
  );
  readonly guardBlocked = this.#gauge<Zone>(
    'zonekeeper_guard_blocked',
    'Names of the zone whose deletion the guard holds until somebody confirms it.',
    ['zone'],
  );
  readonly syncs = this.#counter<{
    readonly trigger: labels.MetricOperation;
    readonly result: labels.MetricOperationResult;
  }>('zonekeeper_sync_total', 'Operations that were asked for and have ended.', ['trigger', 'result']);
  readonly cloudflareRequests = this.#counter<{
    readonly operation: labels.MetricCall;
    readonly code: labels.MetricCode;
  }>('zonekeeper_cloudflare_requests_total', "Calls of Cloudflare's API, by HTTP status or kind of failure.", [
    'operation',
    'code',
  ]);
  readonly cloudflareDuration = this.#histogram<{ readonly operation: labels.MetricCall }>(
    'zonekeeper_cloudflare_request_duration_seconds',
    "Duration of calls of Cloudflare's API, without the wait for the budget.",
    ['operation'],
    CALL_BUCKETS,
  );
  readonly batchOperations = this.#histogram<Record<never, string>>(
    'zonekeeper_cloudflare_batch_operations',
    'Operations in one batch call.',
    [],
    BATCH_BUCKETS,
  );
  readonly apiBudgetRemaining = this.#gauge<Record<never, string>>(
    'zonekeeper_api_budget_remaining',
    'Calls that may still leave in the present 5 minutes, by our own count.',
    [],
  );
  readonly apiBudgetLimit = this.#gauge<Record<never, string>>(
    'zonekeeper_api_budget_limit',
    'Calls that may leave in 5 minutes, as the settings say.',
    [],
  );
  readonly sourceConnected = this.#gauge<{ readonly source: labels.MetricSource }>(
    'zonekeeper_source_connected',
    '1 while changes are announced by the source (LISTEN), 0 while only the resync finds them.',
    ['source'],
  );
  readonly postgresDuration = this.#histogram<Record<never, string>>(
    'zonekeeper_postgres_statement_duration_seconds',
    'Duration of statements, the wait for a connection included.',
    [],
    STATEMENT_BUCKETS,
  );
  readonly postgresConnections = this.#gauge<{ readonly state: labels.MetricConnection }>(
    'zonekeeper_postgres_connections',
    'Connections of the pool, by whether they work on something.',
    ['state'],
  );
  readonly postgresWaiting = this.#gauge<Record<never, string>>(
    'zonekeeper_postgres_waiting',
    'Statements and transactions that wait for a connection of the pool.',
    [],
  );
  readonly leader = this.#gauge<{ readonly name: string }>(
    'leader_election_master_status',
    '1 while this process leads, 0 otherwise.',
    ['name'],
  );
  readonly buildInfo = this.#gauge<BuildInfo>('zonekeeper_build_info', 'Always 1; says the version.', [
    'version',
    'node_version',
  ]);
  /** `workqueue_*` and `controller_runtime_*`. */
  readonly queue = new QueueMetrics(this.#exposition);

  readonly #scrapers = new Set<() => void | Promise<void>>();
  readonly #onScrapeError: (error: unknown) => void;
  readonly #clock: Clock;

  constructor(options: MetricsOptions) {
    const { build, runtime = true, onScrapeError = () => undefined, clock = systemClock } = options;
    this.#onScrapeError = onScrapeError;
    this.#clock = clock;
    this.#runtime = runtime ? new RuntimeMetrics() : null;
    const { version, node_version } = build;
    this.buildInfo.set({ version, node_version }, 1);
    this.setLeading(false);
    this.sourceConnected.set({ source: 'postgres' }, 0);
    this.apiBudgetRemaining.set({}, 0);
    this.apiBudgetLimit.set({}, 0);
    this.checkInterval.set({}, 0);
    this.batchOperations.zero({});
    this.postgresDuration.zero({});
    this.postgresWaiting.set({}, 0);
    for (const state of labels.METRIC_CONNECTIONS) this.postgresConnections.set({ state }, 0);
    for (const trigger of labels.METRIC_OPERATIONS) {
      for (const result of labels.METRIC_OPERATION_RESULTS) this.syncs.zero({ trigger, result });
    }
    for (const operation of labels.METRIC_CALLS) {
      this.cloudflareDuration.zero({ operation });
      // What alerts ask for: all is well, refused, limited, and failing.
      for (const code of ['200', '400', '401', '403', '429', '500', '502', 'timeout', 'connection'])
        this.cloudflareRequests.zero({ operation, code });
    }
  }

  /** The zone is managed since now. Idempotent. */
  addZone(zone: string): void {
    for (const state of labels.METRIC_STATES) this.records.ensure({ zone, state });
    for (const kind of labels.METRIC_DRIFTS) this.driftDetected.zero({ zone, kind });
    for (const action of labels.METRIC_ACTIONS) {
      for (const result of ['done', 'refused'] as const) this.changes.zero({ zone, action, result });
    }
    // The objectives count changes and repairs; the other triggers appear with their first run, which keeps 500 zones small.
    for (const trigger of ['change', 'drift'] as const) {
      this.converge.zero({ zone, trigger });
      this.late.zero({ zone, trigger });
    }
    for (const gauge of [this.driftOldest, this.lastCheck, this.lastSuccess, this.guardBlocked]) gauge.ensure({ zone });
  }

  /** This process leads no more: the series of all zones end, and of names without a zone. */
  removeZones(): void {
    for (const metric of this.#zoned()) metric.removeWhere(() => true);
  }

  /** The zone is managed no more: its series end. */
  removeZone(zone: string): void {
    const ofZone = (series: Zone) => series.zone === zone;
    for (const metric of this.#zoned()) metric.removeWhere(ofZone);
  }

  setLeading(leading: boolean): void {
    this.leader.set({ name: LEASE }, leading ? 1 : 0);
  }

  /** Calls `run` at each scrape, before the values are read; returns how to end that. */
  onScrape(run: () => void | Promise<void>): () => void {
    this.#scrapers.add(run);
    return () => this.#scrapers.delete(run);
  }

  /** The text for Prometheus. Never fails because of a callback. */
  async scrape(): Promise<{ readonly contentType: string; readonly body: string }> {
    await Promise.all([...this.#scrapers].map((run) => this.#collect(run)));
    let runtime = '';
    await this.#collect(async () => {
      runtime = (await this.#runtime?.text()) ?? '';
    });
    return { contentType: CONTENT_TYPE, body: `${this.#exposition.text()}\n${runtime}` };
  }

  /** Our metrics, without those of process and Node.js, in the order in which they are exposed. */
  get described(): readonly ExposedMetric[] {
    return this.#exposition.metrics;
  }

  async #collect(run: () => void | Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.after(SCRAPE_TIMEOUT_MS, () =>
      late.reject(new ZonekeeperError('timeout', 'It took too long.')),
    );
    try {
      await Promise.race([run(), late.promise]);
    } catch (error) {
      this.#onScrapeError(error);
    } finally {
      timer.cancel();
    }
  }

  #zoned(): readonly { removeWhere(matches: (series: Zone) => boolean): void }[] {
    const gauges = [this.records, this.driftOldest, this.lastCheck, this.lastSuccess, this.guardBlocked];
    return [...gauges, this.driftDetected, this.changes, this.converge, this.late];
  }

  #counter<L extends Labels>(name: string, help: string, names: readonly (keyof L & string)[]): CounterMetric<L> {
    return new CounterMetric<L>({ exposition: this.#exposition, name, help, labels: names });
  }

  #gauge<L extends Labels>(name: string, help: string, names: readonly (keyof L & string)[]): GaugeMetric<L> {
    return new GaugeMetric<L>({ exposition: this.#exposition, name, help, labels: names });
  }

  #histogram<L extends Labels>(
    name: string,
    help: string,
    names: readonly (keyof L & string)[],
    buckets: readonly number[],
  ): HistogramMetric<L> {
    return new HistogramMetric<L>({ exposition: this.#exposition, name, help, labels: names, buckets });
  }
}
