import type { Gauge, Registry as PromRegistry } from 'prom-client';
import Counter from 'prom-client/lib/counter.js';
import eventLoopLag from 'prom-client/lib/metrics/eventLoopLag.js';
import gc from 'prom-client/lib/metrics/gc.js';
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js';
import heapSpacesSizeAndUsed from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js';
import osMemoryHeap from 'prom-client/lib/metrics/osMemoryHeap.js';
import processHandles from 'prom-client/lib/metrics/processHandles.js';
import processMaxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js';
import processOpenFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js';
import processRequests from 'prom-client/lib/metrics/processRequests.js';
import processResources from 'prom-client/lib/metrics/processResources.js';
import processStartTime from 'prom-client/lib/metrics/processStartTime.js';
import version from 'prom-client/lib/metrics/version.js';
import Registry from 'prom-client/lib/registry.js';

/** Between two looks at the event loop's delay. Each wakes the process: at the library's 10 ms that is most of what an idle daemon does. */
const EVENT_LOOP_PRECISION_MS = 100;
/** The smallest of no values is some 292 years. */
const NONSENSE_S = 86_400;
/** All of the library's default metrics but those of CPU time. */
const PARTS = [
  processStartTime,
  osMemoryHeap,
  processOpenFileDescriptors,
  processMaxFileDescriptors,
  eventLoopLag,
  processResources,
  processHandles,
  processRequests,
  heapSizeAndUsed,
  heapSpacesSizeAndUsed,
  version,
  gc,
];

/**
 * Metrics of the process and of Node.js, with the names that everybody's have, so that common dashboards know them. Installs
 * observers that stay: one of these in a process.
 *
 * They are prom-client's, loaded part by part: its main module, and of the parts the one for CPU time, load OpenTelemetry's
 * API for exemplars that we do not have, and nothing of that is to be loaded where nobody traces.
 */
export class RuntimeMetrics {
  readonly #registry: PromRegistry = new Registry();

  constructor() {
    for (const part of PARTS) part(this.#registry, { eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
    for (const figure of ['min', 'max', 'mean', 'p50', 'p90', 'p99']) {
      this.#withoutInterval(`nodejs_eventloop_lag_${figure}_seconds`);
    }
    this.#processor();
  }

  /** The present values, for Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /**
   * The library tells the time between two looks, which is the interval and the delay. What is wanted is the delay: at an
   * interval as long as ours, an idle loop would seem to be busy. Where there was no look, it tells nonsense or nothing.
   */
  #withoutInterval(name: string): void {
    const gauge = this.#registry.getSingleMetric(name) as Gauge;
    const set = gauge.set.bind(gauge) as (labels: object, seconds: number) => void;
    gauge.set = (labels: unknown, seconds?: unknown) => {
      if (typeof seconds === 'number' && seconds < NONSENSE_S) {
        set(labels as object, Math.max(0, seconds - EVENT_LOOP_PRECISION_MS / 1_000));
      }
    };
  }

  #processor(): void {
    const registers = [this.#registry];
    const counters = [
      ['process_cpu_user_seconds_total', 'User CPU time.', ({ user }: NodeJS.CpuUsage) => user],
      ['process_cpu_system_seconds_total', 'System CPU time.', ({ system }: NodeJS.CpuUsage) => system],
      ['process_cpu_seconds_total', 'User and system CPU time.', ({ user, system }: NodeJS.CpuUsage) => user + system],
    ] as const;
    for (const [name, help, microseconds] of counters) {
      let before = 0;
      new Counter({
        name,
        help,
        registers,
        collect() {
          const now = microseconds(process.cpuUsage());
          this.inc(Math.max(0, now - before) / 1e6);
          before = now;
        },
      });
    }
  }
}
