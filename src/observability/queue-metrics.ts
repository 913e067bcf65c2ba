import { METRIC_PRIORITIES, METRIC_RUN_RESULTS, type MetricPriority, type MetricRunResult } from './labels.ts';
import { CounterMetric, type Exposition, GaugeMetric, HistogramMetric } from './metric.ts';

/** What is read of a queue at each scrape. `WorkQueue` has it. */
export interface ObservedQueue {
  depthOf(priority: 0 | 1 | 2 | 3): number;
  readonly unfinishedMs: number;
  readonly longestRunningMs: number;
}

/** What is read of a worker pool at each scrape. `WorkerPool` has it. */
export interface ObservedPool {
  readonly active: number;
  readonly concurrency: number;
}

type Queue = { readonly name: 'names' };
type Controller = { readonly controller: 'dns' };

const QUEUE: Queue = { name: 'names' };
const CONTROLLER: Controller = { controller: 'dns' };
/** Seconds. A key may wait for its turn as long as the API budget is spent. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900];

/** The metrics of queue and workers under the names that client-go and controller-runtime give them. */
export class QueueMetrics {
  readonly depth: GaugeMetric<Queue & { readonly priority: MetricPriority }>;
  readonly adds: CounterMetric<Queue>;
  readonly retries: CounterMetric<Queue>;
  readonly waited: HistogramMetric<Queue>;
  readonly worked: HistogramMetric<Queue>;
  readonly unfinished: GaugeMetric<Queue>;
  readonly longestRunning: GaugeMetric<Queue>;
  readonly runs: CounterMetric<Controller & { readonly result: MetricRunResult }>;
  readonly runErrors: CounterMetric<Controller>;
  readonly runTime: HistogramMetric<Controller>;
  readonly active: GaugeMetric<Controller>;
  readonly concurrency: GaugeMetric<Controller>;

  /** A `QueueObserver` that feeds these metrics. */
  readonly queueObserver = {
    added: (): void => this.adds.inc(QUEUE),
    taken: (_priority: number, queuedMs: number): void => this.waited.observe(QUEUE, queuedMs / 1_000),
    finished: (workMs: number): void => this.worked.observe(QUEUE, workMs / 1_000),
    retried: (): void => this.retries.inc(QUEUE),
  };

  /** A `PoolObserver` that feeds these metrics. */
  readonly poolObserver = {
    ran: (result: MetricRunResult, ms: number): void => {
      this.runs.inc({ ...CONTROLLER, result });
      if (result === 'error') this.runErrors.inc(CONTROLLER);
      this.runTime.observe(CONTROLLER, ms / 1_000);
    },
  };

  constructor(exposition: Exposition) {
    const queue = { exposition, labels: ['name'] } as const;
    const controller = { exposition, labels: ['controller'] } as const;
    this.depth = new GaugeMetric({
      exposition,
      name: 'workqueue_depth',
      help: 'Keys that wait for a worker.',
      labels: ['name', 'priority'],
    });
    this.adds = new CounterMetric({ ...queue, name: 'workqueue_adds_total', help: 'Keys put on the queue.' });
    this.retries = new CounterMetric({
      ...queue,
      name: 'workqueue_retries_total',
      help: 'Keys put back after a failure.',
    });
    this.waited = new HistogramMetric({
      ...queue,
      name: 'workqueue_queue_duration_seconds',
      help: 'How long keys waited for a worker.',
      buckets: BUCKETS,
    });
    this.worked = new HistogramMetric({
      ...queue,
      name: 'workqueue_work_duration_seconds',
      help: 'How long workers had a key.',
      buckets: BUCKETS,
    });
    this.unfinished = new GaugeMetric({
      ...queue,
      name: 'workqueue_unfinished_work_seconds',
      help: 'Time spent so far on all keys in process.',
    });
    this.longestRunning = new GaugeMetric({
      ...queue,
      name: 'workqueue_longest_running_processor_seconds',
      help: 'Age of the longest run in process.',
    });
    this.runs = new CounterMetric({
      exposition,
      name: 'controller_runtime_reconcile_total',
      help: 'Runs by result.',
      labels: ['controller', 'result'],
    });
    this.runErrors = new CounterMetric({
      ...controller,
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Runs that failed.',
    });
    this.runTime = new HistogramMetric({
      ...controller,
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of runs.',
      buckets: BUCKETS,
    });
    this.active = new GaugeMetric({
      ...controller,
      name: 'controller_runtime_active_workers',
      help: 'Keys in process.',
    });
    this.concurrency = new GaugeMetric({
      ...controller,
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Keys in process at most.',
    });
    this.#zero();
  }

  /** Reads queue and pool into the gauges; to be called at a scrape. Null while this process does not lead. */
  read(queue: ObservedQueue | null, pool: ObservedPool | null): void {
    for (const [number, priority] of METRIC_PRIORITIES.entries()) {
      this.depth.set({ ...QUEUE, priority }, queue?.depthOf(number as 0 | 1 | 2 | 3) ?? 0);
    }
    this.unfinished.set(QUEUE, (queue?.unfinishedMs ?? 0) / 1_000);
    this.longestRunning.set(QUEUE, (queue?.longestRunningMs ?? 0) / 1_000);
    this.active.set(CONTROLLER, pool?.active ?? 0);
    this.concurrency.set(CONTROLLER, pool?.concurrency ?? 0);
  }

  #zero(): void {
    this.adds.zero(QUEUE);
    this.retries.zero(QUEUE);
    this.waited.zero(QUEUE);
    this.worked.zero(QUEUE);
    for (const result of METRIC_RUN_RESULTS) this.runs.zero({ ...CONTROLLER, result });
    this.runErrors.zero(CONTROLLER);
    this.runTime.zero(CONTROLLER);
    this.read(null, null);
  }
}
