/**
 * What Zonekeeper promises, as figures that rules and dashboards are made from. Objectives first; thresholds follow from them
 * or from the daemon's own settings.
 */
import { OBJECTIVE_MS } from '../../src/reconcile/objective.ts';

/** Share of changes that are to meet an objective. */
export const OBJECTIVE = 0.999;
/**
 * A change is at Cloudflare this long after its commit; a drift is repaired this long after it was seen. Seconds; a bound of
 * the histogram, and what the daemon counts late changes by.
 */
export const OBJECTIVE_SECONDS = OBJECTIVE_MS / 1_000;

/**
 * The histogram's bound as a matcher: Prometheus 3 stores `5` as `5.0`.
 * Source: https://prometheus.io/docs/prometheus/latest/migration/
 */
export const WITHIN_OBJECTIVE = `le=~"${OBJECTIVE_SECONDS}|${OBJECTIVE_SECONDS}.0"`;

/** One pair of windows in which the error budget burns too quickly, after the Site Reliability Workbook, chapter 5. */
export interface BurnRate {
  readonly severity: 'critical' | 'warning';
  readonly long: string;
  readonly short: string;
  /** How many times quicker than would use up the budget of 30 days in 30 days. */
  readonly factor: number;
}

/** 2 % of the budget within an hour, 5 % within six, 10 % within three days. */
export const BURN_RATES: readonly BurnRate[] = [
  { severity: 'critical', long: '1h', short: '5m', factor: 14.4 },
  { severity: 'critical', long: '6h', short: '30m', factor: 6 },
  { severity: 'warning', long: '3d', short: '6h', factor: 1 },
];

/** Windows for which the share of late changes is recorded. */
export const WINDOWS: readonly string[] = [...new Set(BURN_RATES.flatMap(({ short, long }) => [short, long]))];

/** What an operator may want otherwise; the chart takes them as values. Durations as Prometheus writes them. */
export const THRESHOLDS = {
  objective: { value: String(OBJECTIVE), doc: 'Share of changes, and of repairs, that are to be in time.' },
  /**
   * Where little changes, one late change is a large share: of six it is 17 %, and would be over every burn rate. One that
   * comes late is an accident that nobody has to be woken for. Three within one window are none; so many are enough for all
   * windows, since a share of a long one that is over its burn rate means more than that wherever there is much traffic.
   */
  lateMin: { value: '3', doc: 'Late changes in the long window below which no error budget burns.' },
  /** Three of the longest intervals between two looks by default (ZONEKEEPER_DRIFT_CHECK_MAX, 10 minutes). */
  syncStaleSeconds: {
    value: '1800',
    doc: 'Seconds without a successful look at a zone; where looks are rarer, three of their intervals.',
  },
  driftSeconds: { value: '900', doc: 'Seconds for which a name may differ that nobody holds.' },
  conflictFor: { value: '15m', doc: 'How long a conflict may stand.' },
  failedFor: { value: '15m', doc: 'How long a name may fail.' },
  guardFor: { value: '5m', doc: 'How long the guard may hold deletions before somebody is told.' },
  queueStuckSeconds: { value: '600', doc: 'Seconds that one name may be in process.' },
  queueStuckFor: { value: '5m', doc: 'How long the queue may stand still.' },
  budgetShare: { value: '0.05', doc: 'Share of the API budget that is left below which work waits.' },
  budgetFor: { value: '15m', doc: 'How long the API budget may be nearly used up.' },
  failureShare: { value: '0.2', doc: 'Share of calls to Cloudflare, of one kind, that may fail.' },
  failureFor: { value: '10m', doc: 'How long more of them than that may fail.' },
  writesFor: {
    value: '10m',
    doc: 'How long no write may come through, after ten minutes without one that did.',
  },
  authFor: { value: '2m', doc: 'How long Cloudflare may refuse the token.' },
  listenFor: { value: '2m', doc: 'How long a process may not hear of changes.' },
  absentFor: { value: '5m', doc: 'How long nothing may be heard of Zonekeeper.' },
  absentWithin: { value: '1d', doc: 'For how long an installation that is gone is missed, where others are left.' },
  leaderFor: { value: '1m', doc: 'How long nobody, or two, may lead.' },
} as const;

export type Threshold = keyof typeof THRESHOLDS;

/** Stands for a threshold in an expression; {@link filled} puts the value there, the chart its own. */
export const threshold = (name: Threshold): string => `@@${name}@@`;

/** Stands for what tells the series of one installation from those of others. The chart puts namespace and job of the release there. */
const SELECTOR = '@@selector@@';

/** The series of a metric, of the installation that the rules are for, with further matchers such as `state="failed"`. */
export function series(metric: string, matchers = ''): string {
  return `${metric}{${[SELECTOR, ...(matchers === '' ? [] : [matchers])].join(', ')}}`;
}

/** A text with the default of every threshold, for all installations that a Prometheus knows. */
export function filled(text: string): string {
  return text
    .replaceAll(`{${SELECTOR}}`, '')
    .replaceAll(`${SELECTOR}, `, '')
    .replace(/@@(\w+)@@/g, (_, name: Threshold) => THRESHOLDS[name].value);
}
