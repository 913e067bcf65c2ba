import { readdirSync, readFileSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { CounterMetric, type Exposition, GaugeMetric, HistogramMetric } from './metric.ts';

type None = Record<never, string>;
type Delays = ReturnType<typeof monitorEventLoopDelay>;

/** Between two looks at the event loop's delay. Each wakes the process: at 10 ms that is most of what an idle daemon does. */
const EVENT_LOOP_PRECISION_MS = 100;
/** Bounds in seconds: collections take microseconds to, when something is wrong, seconds. */
const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];
const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);
/** What is shown of the event loop's delay since the scrape before, from the histogram's nanoseconds. */
const LAGS: readonly (readonly [name: string, help: string, read: (delay: Delays) => number])[] = [
  ['min', 'The least', (delay) => delay.min],
  ['max', 'The largest', (delay) => delay.max],
  ['mean', 'The mean', (delay) => delay.mean],
  ['stddev', 'The standard deviation', (delay) => delay.stddev],
  ['p50', 'The 50th percentile', (delay) => delay.percentile(50)],
  ['p90', 'The 90th percentile', (delay) => delay.percentile(90)],
  ['p99', 'The 99th percentile', (delay) => delay.percentile(99)],
];
/** Lines of /proc/self/status that tell memory in kilobytes, and what they are called in metrics. */
const OF_LINUX = [
  ['VmSize', 'process_virtual_memory_bytes', 'Virtual memory.'],
  ['VmData', 'process_heap_bytes', 'Data segments of the process.'],
] as const;

/**
 * Metrics of the process and of Node.js, with the names that everybody's have, so that common dashboards know them. Installs
 * observers that stay: one of these in a process.
 */
export class RuntimeMetrics {
  readonly #exposition: Exposition;
  readonly #reads: (() => void)[] = [];

  constructor(exposition: Exposition) {
    this.#exposition = exposition;
    this.#processor();
    this.#memory();
    this.#descriptors();
    this.#eventLoop();
    this.#heapSpaces();
    this.#collections();
    const started = Math.floor(Date.now() - process.uptime() * 1_000) / 1_000;
    this.#gauge('process_start_time_seconds', 'Unix time of the start.').set({}, started);
    const [major = '', minor = '', patch = ''] = process.versions.node.split('.');
    new GaugeMetric({
      exposition,
      name: 'nodejs_version_info',
      help: 'Always 1; says the version of Node.js.',
      labels: ['version', 'major', 'minor', 'patch'],
    }).set({ version: process.version, major, minor, patch }, 1);
  }

  /** Reads the values; to be called at a scrape. */
  read(): void {
    for (const read of this.#reads) read();
  }

  #processor(): void {
    const counter = (name: string, help: string) =>
      new CounterMetric<None>({ exposition: this.#exposition, name, help, labels: [] });
    const user = counter('process_cpu_user_seconds_total', 'CPU time spent in the process itself.');
    const system = counter('process_cpu_system_seconds_total', 'CPU time spent in the system for it.');
    const both = counter('process_cpu_seconds_total', 'CPU time spent, both.');
    let before = { user: 0, system: 0 };
    this.#reads.push(() => {
      const now = process.cpuUsage();
      user.inc({}, (now.user - before.user) / 1e6);
      system.inc({}, (now.system - before.system) / 1e6);
      both.inc({}, (now.user + now.system - before.user - before.system) / 1e6);
      before = now;
    });
  }

  #memory(): void {
    const resident = this.#gauge('process_resident_memory_bytes', 'Resident memory.');
    const total = this.#gauge('nodejs_heap_size_total_bytes', 'Heap that V8 holds.');
    const used = this.#gauge('nodejs_heap_size_used_bytes', 'Heap that is used.');
    const external = this.#gauge('nodejs_external_memory_bytes', 'Memory of objects outside of the heap.');
    this.#reads.push(() => {
      const usage = process.memoryUsage();
      resident.set({}, usage.rss);
      total.set({}, usage.heapTotal);
      used.set({}, usage.heapUsed);
      external.set({}, usage.external);
    });
    if (fromProc(() => readFileSync('/proc/self/status')) === null) return;
    const gauges = OF_LINUX.map(
      ([line, name, help]) => [new RegExp(`^${line}:\\s*(\\d+) kB$`, 'm'), this.#gauge(name, help)] as const,
    );
    this.#reads.push(() => {
      const status = fromProc(() => readFileSync('/proc/self/status', 'utf8')) ?? '';
      for (const [line, gauge] of gauges) {
        const kilobytes = line.exec(status)?.[1];
        if (kilobytes !== undefined) gauge.set({}, Number(kilobytes) * 1_024);
      }
    });
  }

  /** Where /proc tells. */
  #descriptors(): void {
    const open = () => fromProc(() => readdirSync('/proc/self/fd').length);
    if (open() === null) return;
    const limits = fromProc(() => readFileSync('/proc/self/limits', 'utf8')) ?? '';
    const most = /^Max open files +(\d+)/m.exec(limits)?.[1];
    if (most !== undefined) this.#gauge('process_max_fds', 'File descriptors that may be open.').set({}, Number(most));
    const gauge = this.#gauge('process_open_fds', 'File descriptors that are open.');
    // Not the one by which they are read.
    this.#reads.push(() => gauge.set({}, Math.max(0, (open() ?? 0) - 1)));
  }

  #eventLoop(): void {
    const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_PRECISION_MS });
    delay.enable();
    const gauges = LAGS.map(([name, help, value]) => {
      const of = `${help} of the event loop's delays since the scrape before.`;
      return [this.#gauge(`nodejs_eventloop_lag_${name}_seconds`, of), value] as const;
    });
    this.#reads.push(() => {
      // Two scrapes at once: the second keeps what the first has read.
      if (delay.count === 0) return;
      for (const [gauge, value] of gauges) gauge.set({}, value(delay) / 1e9);
      delay.reset();
    });
    const resources = new GaugeMetric<{ readonly type: string }>({
      exposition: this.#exposition,
      name: 'nodejs_active_resources',
      help: 'What keeps the event loop alive, by type.',
      labels: ['type'],
    });
    const all = this.#gauge('nodejs_active_resources_total', 'What keeps the event loop alive.');
    this.#reads.push(() => {
      const active = process.getActiveResourcesInfo();
      const counts = new Map<string, number>();
      for (const type of active) counts.set(type, (counts.get(type) ?? 0) + 1);
      resources.removeWhere(({ type }) => !counts.has(type));
      for (const [type, count] of counts) resources.set({ type }, count);
      all.set({}, active.length);
    });
  }

  #heapSpaces(): void {
    const gauge = (what: string) =>
      new GaugeMetric<{ readonly space: string }>({
        exposition: this.#exposition,
        name: `nodejs_heap_space_size_${what}_bytes`,
        help: `Memory of V8's heap spaces: ${what}.`,
        labels: ['space'],
      });
    const [total, used, available] = [gauge('total'), gauge('used'), gauge('available')];
    this.#reads.push(() => {
      for (const one of getHeapSpaceStatistics()) {
        const space = one.space_name.replace(/_space$/, '');
        total.set({ space }, one.space_size);
        used.set({ space }, one.space_used_size);
        available.set({ space }, one.space_available_size);
      }
    });
  }

  #collections(): void {
    const duration = new HistogramMetric<{ readonly kind: string }>({
      exposition: this.#exposition,
      name: 'nodejs_gc_duration_seconds',
      help: 'Garbage collections by kind.',
      labels: ['kind'],
      buckets: GC_BUCKETS,
    });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail } = entry as typeof entry & { readonly detail?: { readonly kind?: number } };
        duration.observe({ kind: GC_KINDS.get(detail?.kind ?? -1) ?? 'other' }, entry.duration / 1_000);
      }
    }).observe({ entryTypes: ['gc'] });
  }

  #gauge(name: string, help: string): GaugeMetric<None> {
    return new GaugeMetric<None>({ exposition: this.#exposition, name, help, labels: [] });
  }
}

/** Null where the system has no such file. */
function fromProc<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
