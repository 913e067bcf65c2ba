import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** How a metric is told to be. */
export interface MetricOptions<L extends Labels> {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly (keyof L & string)[];
}

/** Series of one metric, at most. Beyond it new ones are dropped: a scrape must stay possible. */
const MAX_SERIES = 100_000;

/**
 * The series that a metric has. The library removes a series only by all of its labels, so they are remembered here, to
 * remove all series of a zone.
 */
class SeriesSet<L extends Labels> {
  readonly #series = new Map<string, L>();
  readonly #names: readonly (keyof L & string)[];

  constructor(names: readonly (keyof L & string)[]) {
    this.#names = names;
  }

  has(labels: L): boolean {
    return this.#series.has(this.#key(labels));
  }

  /** False: there are too many, and this one must not be added. */
  admit(labels: L): boolean {
    const key = this.#key(labels);
    if (this.#series.has(key)) return true;
    if (this.#series.size >= MAX_SERIES) return false;
    this.#series.set(key, labels);
    return true;
  }

  take(matches: (labels: L) => boolean): L[] {
    const taken: L[] = [];
    for (const [key, labels] of this.#series) {
      if (!matches(labels)) continue;
      taken.push(labels);
      this.#series.delete(key);
    }
    return taken;
  }

  #key(labels: L): string {
    return this.#names.map((name) => labels[name]).join('\u0000');
  }
}

/** A number that only grows. */
export class CounterMetric<L extends Labels> {
  readonly #metric: Counter;
  readonly #series: SeriesSet<L>;

  constructor({ registry, name, help, labels }: MetricOptions<L>) {
    this.#metric = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
    this.#series = new SeriesSet(labels);
  }

  inc(labels: L, by = 1): void {
    if (this.#series.admit(labels)) this.#metric.inc(labels, by);
  }

  /** Makes the series appear with 0, so that its first increase is seen as one. */
  zero(labels: L): void {
    this.inc(labels, 0);
  }

  removeWhere(matches: (labels: L) => boolean): void {
    for (const labels of this.#series.take(matches)) this.#metric.remove(labels);
  }
}

/** A number that goes up and down. */
export class GaugeMetric<L extends Labels> {
  readonly #metric: Gauge;
  readonly #series: SeriesSet<L>;

  constructor({ registry, name, help, labels }: MetricOptions<L>) {
    this.#metric = new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
    this.#series = new SeriesSet(labels);
  }

  set(labels: L, value: number): void {
    if (this.#series.admit(labels)) this.#metric.set(labels, value);
  }

  /** Makes the series appear with 0 where it does not exist. */
  ensure(labels: L): void {
    if (!this.#series.has(labels)) this.set(labels, 0);
  }

  removeWhere(matches: (labels: L) => boolean): void {
    for (const labels of this.#series.take(matches)) this.#metric.remove(labels);
  }
}

/** How often a number was how large. */
export class HistogramMetric<L extends Labels> {
  readonly #metric: Histogram;
  readonly #series: SeriesSet<L>;

  constructor({ registry, name, help, labels, buckets }: MetricOptions<L> & { readonly buckets: readonly number[] }) {
    this.#metric = new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [registry],
    });
    this.#series = new SeriesSet(labels);
  }

  observe(labels: L, value: number): void {
    if (this.#series.admit(labels)) this.#metric.observe(labels, value);
  }

  /** Makes the series appear with 0. */
  zero(labels: L): void {
    if (!this.#series.has(labels) && this.#series.admit(labels)) this.#metric.zero(labels);
  }

  removeWhere(matches: (labels: L) => boolean): void {
    for (const labels of this.#series.take(matches)) this.#metric.remove(labels);
  }
}
