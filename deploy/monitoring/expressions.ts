/** What alerts ask Prometheus, where it takes more than one line to say. */
import { type BurnRate, series, threshold, WITHIN_OBJECTIVE } from './objectives.ts';

/** One installation: what Prometheus and its operator call it. Labels that are not there are as if empty. */
export const INSTALLATION = 'cluster, namespace, job';
/** Who leads. */
export const LEADER = series('leader_election_master_status', 'name="zonekeeper"');

const CALLS = 'zonekeeper_cloudflare_requests_total';
/** Cloudflare is down, or the way to it. */
const FAILED = 'code=~"5..|timeout|connection"';
const DONE = 'code="200"';

/** A zone's series, whoever exposes it: only the leader does. */
export const byZone = (metric: string, matchers?: string): string =>
  `max by (${INSTALLATION}, zone) (${series(metric, matchers)})`;

/** Changes and repairs that came late, or are late and not yet there: the record of their share over a window. */
export const lateness = (window: string): string => `zonekeeper:converge_late:ratio_rate${window}`;

/**
 * Late are those that the daemon counts as soon as they are; in time, those that Cloudflare confirmed within the objective.
 * `trigger` stays: `change` or `drift`.
 */
export function lateShare(window: string): string {
  const rate = (metric: string, matchers: string) =>
    `sum by (${INSTALLATION}, trigger) (rate(${series(metric, `trigger=~"change|drift"${matchers}`)}[${window}]))`;
  const late = rate('zonekeeper_converge_late_total', '');
  return `${late} / (${late} + ${rate('zonekeeper_converge_duration_seconds_bucket', `, ${WITHIN_OBJECTIVE}`)} > 0)`;
}

/** Both windows say that it burns, and it is not one or two changes that say it. */
export function burning(trigger: 'change' | 'drift', { long, short, factor }: BurnRate): string {
  const over = (window: string) =>
    `${series(lateness(window), `trigger="${trigger}"`)} > ${factor} * (1 - ${threshold('objective')})`;
  // What increase() says of a count is not whole: it reckons with what it did not see at the ends of the window.
  const late = `round(sum by (${INSTALLATION}, trigger) (increase(${series('zonekeeper_converge_late_total', `trigger="${trigger}"`)}[${long}])))`;
  return `${over(long)} and ${over(short)} and ${late} >= ${threshold('lateMin')}`;
}

/**
 * An installation that was there and is not. Where no other is left either, there may be nothing to remember it by: then it is
 * the absence of all that is seen, for as long as it lasts.
 */
export function gone(): string {
  const info = series('zonekeeper_build_info');
  const was = `group by (${INSTALLATION}) (present_over_time(${info}[${threshold('absentWithin')}]))`;
  return `(${was} unless group by (${INSTALLATION}) (${info})) or on () absent(${info})`;
}

/**
 * A zone that was not seen for too long, by how long; or, by 0, one that was never seen since its leader leads. Looks may be
 * rare on purpose, or because the budget allows no more.
 */
export function stale(): string {
  const seen = byZone('zonekeeper_last_success_timestamp_seconds');
  const pause = `max by (${INSTALLATION}) (${series('zonekeeper_drift_check_interval_seconds')})`;
  const age = `time() - (${seen} > 0)`;
  return `(${age} > ${threshold('syncStaleSeconds')} unless ${age} <= on (${INSTALLATION}) group_left () 3 * ${pause}) or ${seen} == 0`;
}

/** For so long a call is remembered. */
const LOOKED_BACK = '10m';
/**
 * A name that fails is tried again after a quarter of an hour at most. Where it is the only one, its last try is forgotten
 * before the next: until that, what was so still is. A scrape and a call that hangs have room in it.
 */
export const UNTIL_NEXT_TRY = '8m';

/** How many of some calls there were, by installation. */
const calls = (matchers: string, window: string): string =>
  `round(sum by (${INSTALLATION}) (increase(${series(CALLS, matchers)}[${window}])))`;

/** Some calls failed, and none of others was done. */
const fruitless = (failed: string, done: string): string =>
  `(${calls(failed, LOOKED_BACK)} > 0 unless ${calls(done, LOOKED_BACK)} > 0)`;

/** The token does not read, or reads and does not write. 400 is what Cloudflare says of a token that is none; of a batch, it means the records. */
export function authFailing(): string {
  const read = fruitless('operation=~"zones|list", code=~"400|401|403"', `operation=~"zones|list", ${DONE}`);
  return `${read} or ${fruitless('operation="batch", code=~"401|403"', `operation="batch", ${DONE}`)}`;
}

/**
 * No write comes through: batches fail, or the look-ups that settle what became of them. One failure is enough, because it
 * must last for longer than one is remembered: a lost answer, which a look-up settled, is none.
 */
export const writesFailing = (): string =>
  fruitless('operation=~"batch|lookup", code=~"429|5..|timeout|connection"', `operation="batch", ${DONE}`);

/** By operation: where nothing but looks is well, their number would hide that all batches fail. */
export function cloudflareFailing(): string {
  const rate = (matchers?: string) => `sum by (${INSTALLATION}, operation) (rate(${series(CALLS, matchers)}[10m]))`;
  return `${rate(FAILED)} / (${rate()} > 0) > ${threshold('failureShare')}`;
}

/** A name hangs, or names wait and none is finished. */
export function queueStuck(): string {
  const names = 'name="names"';
  const waiting = `sum by (${INSTALLATION}) (${series('workqueue_depth', names)}) > 0`;
  const finished = `sum by (${INSTALLATION}) (rate(${series('workqueue_work_duration_seconds_count', names)}[5m])) == 0`;
  const longest = `max by (${INSTALLATION}) (${series('workqueue_longest_running_processor_seconds', names)})`;
  return `${longest} > ${threshold('queueStuckSeconds')} or (${waiting} and ${finished})`;
}

/** The share of the budget that is left to the leader: those who stand by have none, and nobody has while nobody leads. */
export function budgetLow(): string {
  const most = (metric: string) => `max by (${INSTALLATION}) (${metric})`;
  const share = `${most(series('zonekeeper_api_budget_remaining'))} / ${most(series('zonekeeper_api_budget_limit'))}`;
  return `${share} < ${threshold('budgetShare')} and ${most(LEADER)} == 1`;
}
