/**
 * What Zonekeeper promises, as figures that rules and dashboards are made from. Objectives first; thresholds follow from them
 * or from the daemon's own settings.
 */

/** Share of changes that are to meet an objective. */
export const OBJECTIVE = 0.999;
/** A change is at Cloudflare this long after its commit; a drift is repaired this long after it was seen. Seconds; a bound of the histogram. */
export const OBJECTIVE_SECONDS = 5;

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
  /** Three of the longest intervals between two looks (ZONEKEEPER_DRIFT_CHECK_MAX, 10 minutes). */
  syncStaleSeconds: { value: '1800', doc: 'Seconds without a successful look at a zone.' },
  driftSeconds: { value: '900', doc: 'Seconds for which a name may differ.' },
  conflictFor: { value: '15m', doc: 'How long a conflict may stand.' },
  failedFor: { value: '15m', doc: 'How long a name may fail.' },
  guardFor: { value: '5m', doc: 'How long the guard may hold deletions before somebody is told.' },
  queueStuckSeconds: { value: '600', doc: 'Seconds that one name may be in process.' },
  budgetShare: { value: '50', doc: 'Calls left of the API budget below which work waits.' },
  failureShare: { value: '0.2', doc: 'Share of calls to Cloudflare that may fail.' },
  absentFor: { value: '5m', doc: 'How long nothing may be heard of Zonekeeper.' },
  leaderFor: { value: '1m', doc: 'How long nobody, or two, may lead.' },
} as const;

export type Threshold = keyof typeof THRESHOLDS;

/** Stands for a threshold in an expression; {@link filled} puts the value there, the chart its own. */
export const threshold = (name: Threshold): string => `@@${name}@@`;

/** A text with the default of every threshold. */
export function filled(text: string): string {
  return text.replace(/@@(\w+)@@/g, (_, name: Threshold) => THRESHOLDS[name].value);
}
