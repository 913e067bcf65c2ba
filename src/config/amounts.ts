import { bad, good, type Parsed, type ValueType } from './value.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
/** Node's timers end here; nothing of ours waits longer. */
const MAX_DURATION_MS = 24 * 86_400_000;

/** Bounds of an amount, both included. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A duration in milliseconds: `500ms`, `5s`, `10m`, `1h30m`, `2d`. The bounds are texts of the same form. */
export function duration(min: string, max: string): ValueType<number> {
  const bounds = { min: durationMs(min) ?? 0, max: durationMs(max) ?? MAX_DURATION_MS };
  return {
    kind: 'duration',
    parse: (text) => {
      const ms = durationMs(text);
      if (ms === null) return bad('is not a duration; write one like 500ms, 5s, 10m or 1h30m');
      return ms < bounds.min || ms > bounds.max ? bad(`must be between ${min} and ${max}`) : good(ms);
    },
  };
}

/** The milliseconds of a duration text; null when it is none. Every part needs a unit, but for a plain 0. */
export function durationMs(text: string): number | null {
  if (text === '0') return 0;
  if (text.length > 40 || !DURATION.test(text)) return null;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  return Number.isFinite(sum) ? Math.round(sum) : null;
}

/** Milliseconds as the shortest duration text: `90000` is `1m30s`. */
export function durationText(ms: number): string {
  let rest = Math.round(ms);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

/** A whole number. */
export function integer(bounds: Bounds): ValueType<number> {
  return { kind: 'number', parse: (text) => within(text, bounds) };
}

/** A whole number, or `auto`, which is null. */
export function integerOrAuto(bounds: Bounds): ValueType<number | null> {
  return {
    kind: 'number|auto',
    parse: (text) => (text === 'auto' ? good(null) : within(text, bounds, ' or auto')),
  };
}

function within(text: string, { min, max }: Bounds, also = ''): Parsed<number> {
  if (!/^\d{1,15}$/.test(text)) return bad(`is not a whole number${also}`);
  const value = Number(text);
  return value < min || value > max ? bad(`must be between ${min} and ${max}${also}`) : good(value);
}

/** A share from 0 to 1, written as `25%`, `2.5%` or `0.25`. */
export const share: ValueType<number> = {
  kind: 'share',
  parse: (text) => {
    const value = shareOf(text);
    return value === null ? bad('is not a share; write one like 25% (0% to 100%)') : good(value);
  },
};

function shareOf(text: string): number | null {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  const value = match ? Number(match[1]) / 100 : /^[01](?:\.\d{1,6})?$/.test(text) ? Number(text) : null;
  return value === null || value > 1 ? null : value;
}

/** How much may be deleted: whichever of the two is more. */
export interface GuardLimit {
  /** Share of what there is, from 0 to 1. */
  readonly share: number;
  /** Number that may always go. */
  readonly min: number;
}

const MAX_GUARD_MIN = 1_000_000;

/** A guard: `25%,min=10`; `25%` alone has the minimum 0, `min=10` alone the share 0. */
export const guard: ValueType<GuardLimit> = {
  kind: 'guard',
  parse: (text) => {
    const problem = bad('is not a guard; write one like 25%,min=10');
    const limit: { share?: number; min?: number } = {};
    for (const part of text.split(',').map((word) => word.trim())) {
      const min = /^min=(\d{1,7})$/.exec(part)?.[1];
      const portion = min === undefined ? shareOf(part) : null;
      if (min !== undefined && limit.min === undefined && Number(min) <= MAX_GUARD_MIN) limit.min = Number(min);
      else if (portion !== null && limit.share === undefined) limit.share = portion;
      else return problem;
    }
    return good({ share: limit.share ?? 0, min: limit.min ?? 0 });
  },
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1_000,
  M: 1_000_000,
  G: 1_000_000_000,
  Ki: 1_024,
  Mi: 1_048_576,
  Gi: 1_073_741_824,
};

/** A size in bytes, as Kubernetes writes it: `512`, `64k`, `16Mi`, with or without a trailing B. */
export function size(bounds: Bounds): ValueType<number> {
  return {
    kind: 'size',
    parse: (text) => {
      const match = /^(\d{1,15})([kMG]|[KMG]i)?B?$/.exec(text);
      if (match === null) return bad('is not a size; write one like 512, 64k or 16Mi');
      const bytes = Number(match[1]) * (SIZE_UNITS[match[2] ?? ''] ?? Number.NaN);
      return bytes < bounds.min || bytes > bounds.max
        ? bad(`must be between ${bounds.min} and ${bounds.max} bytes`)
        : good(bytes);
    },
  };
}
