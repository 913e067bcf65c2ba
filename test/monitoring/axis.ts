/** Values that an axis reaches from and to, and where it is labelled. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** What a panel says of its values. */
export interface Limits {
  readonly unit?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

const DECIMAL = [1, 2, 2.5, 5, 10];
const BINARY = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];
/** Steps between times that one reads at a glance, in seconds. */
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const TICKS = 4;
/** Of a step: what floating-point leaves over when steps are counted. */
const NEARLY = 1e-6;

/** A vertical axis that holds all finite values, with a few round labels. */
export function valueAxis(values: readonly number[], { unit, min, max }: Limits): Axis {
  const finite = values.filter(Number.isFinite);
  let high = max ?? finite.reduce((a, b) => Math.max(a, b), min ?? Number.NEGATIVE_INFINITY);
  let low = min ?? finite.reduce((a, b) => Math.min(a, b), high);
  if (!Number.isFinite(high)) [low, high] = [0, 1];
  // A line that is level still wants a scale: up from it, or down where it is at its most.
  if (high <= low && max === undefined) high = low + (Math.abs(low) * 0.1 || 1);
  if (high <= low) low = high - (Math.abs(high) * 0.1 || 1);
  const step = stepOf((high - low) / TICKS, unit);
  const first = Math.floor(low / step + NEARLY);
  const last = Math.ceil(high / step - NEARLY);
  // Multiplied rather than added up: 3 times 0.1 ten times over is no round number.
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => round((first + at) * step));
  return { low: ticks[0] ?? low, high: ticks.at(-1) ?? high, ticks };
}

/** Round times within a span, in seconds, about one each `every`. */
export function timeTicks(from: number, to: number, every: number): number[] {
  const step = TIMES.find((one) => one >= every) ?? every;
  const first = Math.ceil(from / step);
  const count = Math.max(0, Math.floor(to / step) - first + 1);
  return Array.from({ length: count }, (_, at) => (first + at) * step);
}

/** A time of day, in UTC, as under a graph. */
export const clock = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(11, 19);

/** A value in a panel's unit, as one reads it. */
export function shown(value: number, unit?: string): string {
  if (Number.isNaN(value)) return '—';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (unit === 'percentunit') return `${digits(value * 100)} %`;
  if (unit === 's') return duration(value);
  if (unit === 'ops') return `${digits(value)}/s`;
  if (unit?.startsWith('suffix:')) return `${shown(value)} ${unit.slice('suffix:'.length)}`;
  if (unit === 'bytes') {
    const power = Math.min(BYTES.length - 1, Math.floor(Math.log2(Math.max(1, Math.abs(value))) / 10));
    return `${digits(value / 1_024 ** power)} ${BYTES[power]}`;
  }
  if (Math.abs(value) >= 1e6) return `${digits(value / 1e6)} M`;
  return Math.abs(value) >= 1e3 ? `${digits(value / 1e3)} k` : digits(value);
}

function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (size < 1) return `${digits(seconds * 1_000)} ms`;
  if (size < 120) return `${digits(seconds)} s`;
  if (size < 7_200) return `${digits(seconds / 60)} min`;
  return size < 172_800 ? `${digits(seconds / 3_600)} h` : `${digits(seconds / 86_400)} d`;
}

/** Three digits that count, and no zeros that do not. */
function digits(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value * 10) / 10) : String(Number(value.toPrecision(3)));
}

/** The least round step that is no smaller than `least`. */
function stepOf(least: number, unit: string | undefined): number {
  if (unit === 's' && least > 10)
    return TIMES.find((one) => one >= least) ?? 86_400 * stepOf(least / 86_400, undefined);
  const bytes = unit === 'bytes' && least >= 1;
  const base = bytes ? 1_024 : 10;
  const power = base ** Math.floor(Math.log(least) / Math.log(base) + NEARLY);
  return power * ((bytes ? BINARY : DECIMAL).find((one) => one * power >= least * (1 - NEARLY)) ?? base);
}

const round = (value: number): number => Number(value.toPrecision(12));
