/** Labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** How a metric is told to be. */
export interface MetricOptions<L extends Labels> {
  readonly exposition: Exposition;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly (keyof L & string)[];
}

/** A metric as Prometheus is told of it. */
export interface ExposedMetric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** The lines of all its series, each with its end. */
  text(): string;
}

/** Series of one metric, at most. Beyond it new ones are dropped: a scrape must stay possible. */
const MAX_SERIES = 100_000;

/**
 * Metrics in the order in which they were made, as Prometheus' text format 0.0.4. Written here, and not by the library that
 * also writes those of the runtime: what is the same in every scrape (names, labels) is put into words once per series, so
 * that a scrape of tens of thousands of series takes milliseconds of the event loop.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export class Exposition {
  readonly #metrics: ExposedMetric[] = [];

  add(metric: ExposedMetric): void {
    this.#metrics.push(metric);
  }

  get metrics(): readonly ExposedMetric[] {
    return this.#metrics;
  }

  text(): string {
    return this.#metrics
      .map((metric) => {
        const help = metric.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
        return `# HELP ${metric.name} ${help}\n# TYPE ${metric.name} ${metric.type}\n${metric.text()}`;
      })
      .join('\n');
  }
}

/** The series of one metric by their labels. */
class SeriesSet<L extends Labels, S> {
  readonly #series = new Map<string, { readonly labels: L; readonly state: S }>();
  readonly #names: readonly (keyof L & string)[];
  readonly #make: (labels: string) => S;

  /** `make` is given the labels as they stand between braces. */
  constructor(names: readonly (keyof L & string)[], make: (labels: string) => S) {
    this.#names = names;
    this.#make = make;
  }

  find(labels: L): S | undefined {
    return this.#series.get(this.#key(labels))?.state;
  }

  /** Undefined: there are too many, and this one must not be added. */
  admit(labels: L): S | undefined {
    const key = this.#key(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known.state;
    if (this.#series.size >= MAX_SERIES) return undefined;
    const words = this.#names.map((name) => `${name}="${escaped(labels[name] ?? '')}"`);
    const state = this.#make(words.join(','));
    this.#series.set(key, { labels, state });
    return state;
  }

  removeWhere(matches: (labels: L) => boolean): void {
    for (const [key, { labels }] of this.#series) if (matches(labels)) this.#series.delete(key);
  }

  *states(): Iterable<S> {
    for (const { state } of this.#series.values()) yield state;
  }

  #key(labels: L): string {
    return this.#names.map((name) => labels[name]).join('\u0000');
  }
}

/** One number. */
interface Scalar {
  /** All of the line before the value. */
  readonly words: string;
  value: number;
}

abstract class ScalarMetric<L extends Labels> implements ExposedMetric {
  abstract readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  protected readonly series: SeriesSet<L, Scalar>;

  constructor({ exposition, name, help, labels }: MetricOptions<L>) {
    this.name = name;
    this.help = help;
    this.labels = labels;
    this.series = new SeriesSet(labels, (words) => ({ words: `${name}${braced(words)} `, value: 0 }));
    exposition.add(this);
  }

  removeWhere(matches: (labels: L) => boolean): void {
    this.series.removeWhere(matches);
  }

  text(): string {
    let text = '';
    for (const { words, value } of this.series.states()) text += `${words}${shown(value)}\n`;
    return text;
  }
}

/** A number that only grows. */
export class CounterMetric<L extends Labels> extends ScalarMetric<L> {
  readonly type = 'counter';

  inc(labels: L, by = 1): void {
    const series = this.series.admit(labels);
    if (series !== undefined) series.value += by;
  }

  /** Makes the series appear with 0, so that its first increase is seen as one. */
  zero(labels: L): void {
    this.inc(labels, 0);
  }
}

/** A number that goes up and down. */
export class GaugeMetric<L extends Labels> extends ScalarMetric<L> {
  readonly type = 'gauge';

  set(labels: L, value: number): void {
    const series = this.series.admit(labels);
    if (series !== undefined) series.value = value;
  }

  /** Makes the series appear with 0 where it does not exist. */
  ensure(labels: L): void {
    if (this.series.find(labels) === undefined) this.set(labels, 0);
  }
}

/** How often a number was how large. */
interface Distribution {
  /** The labels, as they stand between braces. */
  readonly labels: string;
  /** What lies within each bound and beyond the one before; the last has none. */
  readonly counts: number[];
  sum: number;
}

/** Counts how often a number was how large. */
export class HistogramMetric<L extends Labels> implements ExposedMetric {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly #bounds: readonly number[];
  readonly #ends: readonly string[];
  readonly #series: SeriesSet<L, Distribution>;

  /** `buckets`: the bounds, the lowest first. */
  constructor({ exposition, name, help, labels, buckets }: MetricOptions<L> & { readonly buckets: readonly number[] }) {
    this.name = name;
    this.help = help;
    this.labels = labels;
    this.#bounds = buckets;
    this.#ends = [...buckets.map(String), '+Inf'].map((bound) => `le="${bound}"} `);
    this.#series = new SeriesSet(labels, (words) => ({ labels: words, counts: this.#ends.map(() => 0), sum: 0 }));
    exposition.add(this);
  }

  observe(labels: L, value: number): void {
    const series = this.#series.admit(labels);
    if (series === undefined) return;
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const place = found === -1 ? this.#bounds.length : found;
    series.counts[place] = (series.counts[place] ?? 0) + 1;
    series.sum += value;
  }

  /** Makes the series appear with 0. */
  zero(labels: L): void {
    this.#series.admit(labels);
  }

  removeWhere(matches: (labels: L) => boolean): void {
    this.#series.removeWhere(matches);
  }

  text(): string {
    let text = '';
    for (const { labels, counts, sum } of this.#series.states()) {
      const words = `${this.name}_bucket{${labels}${labels === '' ? '' : ','}`;
      let within = 0;
      for (const [place, end] of this.#ends.entries()) {
        within += counts[place] ?? 0;
        text += `${words}${end}${within}\n`;
      }
      text += `${this.name}_sum${braced(labels)} ${shown(sum)}\n${this.name}_count${braced(labels)} ${within}\n`;
    }
    return text;
  }
}

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function shown(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
