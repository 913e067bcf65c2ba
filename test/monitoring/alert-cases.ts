import { ages, type Course, counts, nothing, now, stays } from './course.ts';

/** An alert fires in a trouble, and is over when the trouble is, on the same series. */
export interface AlertCase {
  readonly alert: string;
  /** Where several rules have the name: the one with this window. */
  readonly window?: string;
  /** The trouble, in a few words. */
  readonly when: string;
  readonly bad: Readonly<Record<string, Course>>;
  /** Series with which it does not fire at `firesAt`: the nearest that is still well. In promtool's notation, a minute between two values. */
  readonly good: Readonly<Record<string, string>>;
  /** The last minute of the trouble. */
  readonly firesAt: number;
  /** The minute by which the alert is over; while the trouble lasts, it still fires then. */
  readonly recoveredAt: number;
}

const AT = 'job="zk", instance="a"';
const leader = (instance: string) =>
  `leader_election_master_status{name="zonekeeper", job="zk", instance="${instance}"}`;
const requests = (operation: string, code: string) =>
  `zonekeeper_cloudflare_requests_total{${AT}, operation="${operation}", code="${code}"}`;
const records = (state: string) => `zonekeeper_records{${AT}, zone="example.com", state="${state}"}`;
const of = (metric: string, labels = '') => `${metric}{${AT}${labels}}`;
const ofZone = (metric: string, zone = 'example.com') => of(metric, `, zone="${zone}"`);
const DEPTH = of('workqueue_depth', ', name="names", priority="event"');
const FINISHED = of('workqueue_work_duration_seconds_count', ', name="names"');
const LONGEST = of('workqueue_longest_running_processor_seconds', ', name="names"');

/** How many came in time, and all of them. */
const converge = <T>(trigger: string, inTime: T, all: T) => ({
  [`zonekeeper_converge_duration_seconds_bucket{${AT}, zone="example.com", trigger="${trigger}", le="5"}`]: inTime,
  [`zonekeeper_converge_duration_seconds_count{${AT}, zone="example.com", trigger="${trigger}"}`]: all,
});

/**
 * For an hour a fifth comes late, which all pairs of windows say. Then nothing is late any more: each pair is over as soon as
 * its short window has none of it, though the long one still has.
 */
const burning = (alert: string, trigger: string, good: Readonly<Record<string, string>>): AlertCase[] =>
  [
    { window: '1h', short: 5 },
    { window: '6h', short: 30 },
    { window: '3d', short: 360 },
  ].map(({ window, short }) => ({
    alert,
    window,
    when: 'a fifth comes late',
    bad: converge<Course>(trigger, [counts(8), counts(10)], [counts(10), counts(10)]),
    good,
    firesAt: 60,
    // Prometheus evaluates the recording rules before the alerts or after them: then they know a minute later.
    recoveredAt: 60 + short + 1,
  }));

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'ZonekeeperAbsent',
    when: 'nobody exposes anything',
    bad: { 'up{job="other"}': [stays(1), stays(1)], [of('zonekeeper_build_info')]: [nothing, stays(1)] },
    good: { [of('zonekeeper_build_info')]: '1x30' },
    firesAt: 10,
    recoveredAt: 11,
  },
  {
    alert: 'ZonekeeperNoLeader',
    when: 'all stand by',
    bad: { [leader('a')]: [stays(0), stays(1)], [leader('b')]: [stays(0), stays(0)] },
    good: { [leader('a')]: '0x10', [leader('b')]: '1x10' },
    firesAt: 5,
    recoveredAt: 6,
  },
  {
    alert: 'ZonekeeperTwoLeaders',
    when: 'two say so',
    bad: { [leader('a')]: [stays(1), stays(1)], [leader('b')]: [stays(1), stays(0)] },
    // A change of leaders, seen in one scrape.
    good: { [leader('a')]: '1 1 1 1 0 0 0 0', [leader('b')]: '0 0 0 1 1 1 1 1' },
    firesAt: 4,
    recoveredAt: 5,
  },
  {
    alert: 'ZonekeeperAuthFailing',
    when: 'every look is refused',
    bad: {
      [requests('list', '403')]: [counts(1), counts(0)],
      [requests('list', '200')]: [stays(50), counts(1)],
      [requests('zones', '200')]: [stays(1), stays(1)],
    },
    // One zone is refused, the others are read.
    good: { [requests('list', '403')]: '0+1x30', [requests('list', '200')]: '0+1x30' },
    firesAt: 20,
    // With the first look that succeeds, though the refusals are still in the window.
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperSyncStale',
    when: 'no look succeeds',
    bad: { [ofZone('zonekeeper_last_success_timestamp_seconds')]: [stays(60), now] },
    good: { [ofZone('zonekeeper_last_success_timestamp_seconds')]: '0+60x60' },
    firesAt: 40,
    recoveredAt: 46,
  },
  {
    alert: 'ZonekeeperDriftPersisting',
    when: 'a name differs and is not repaired',
    bad: { [ofZone('zonekeeper_drift_oldest_timestamp_seconds')]: [stays(60), stays(0)] },
    good: {
      [ofZone('zonekeeper_drift_oldest_timestamp_seconds')]: '0x60',
      [ofZone('zonekeeper_drift_oldest_timestamp_seconds', 'example.net')]: '0+60x60',
    },
    firesAt: 30,
    recoveredAt: 36,
  },
  {
    alert: 'ZonekeeperGuardBlocked',
    when: 'deletions are held',
    bad: { [ofZone('zonekeeper_guard_blocked')]: [stays(12), stays(0)] },
    good: { [ofZone('zonekeeper_guard_blocked')]: '12 12 0x20' },
    firesAt: 10,
    recoveredAt: 16,
  },
  {
    alert: 'ZonekeeperConflict',
    when: 'a foreign record holds a name',
    bad: { [records('conflict')]: [stays(1), stays(0)], [records('in_sync')]: [stays(9), stays(10)] },
    good: { [records('conflict')]: '1x10 0x30', [records('in_sync')]: '9x40' },
    firesAt: 20,
    recoveredAt: 26,
  },
  {
    alert: 'ZonekeeperFailed',
    when: 'Cloudflare refuses names',
    bad: { [records('failed')]: [stays(3), stays(0)] },
    good: { [records('failed')]: '3x10 0x30', [records('missing')]: '5x40' },
    firesAt: 20,
    recoveredAt: 26,
  },
  {
    alert: 'ZonekeeperQueueStuck',
    when: 'names wait and none is finished',
    bad: {
      // As many wait as before: it is enough that names are finished again.
      [DEPTH]: [stays(40), stays(40)],
      [FINISHED]: [stays(100), counts(5)],
      [LONGEST]: [stays(0), stays(0)],
    },
    good: { [DEPTH]: '40x30', [FINISHED]: '100+5x30', [LONGEST]: '0+10x30' },
    firesAt: 20,
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperQueueStuck',
    when: 'one name hangs and the others pass',
    bad: {
      [DEPTH]: [stays(0), stays(0)],
      [FINISHED]: [counts(5), counts(5)],
      [LONGEST]: [ages, stays(0)],
    },
    // Ten minutes are allowed, and five more until somebody is told.
    good: { [DEPTH]: '0x30', [FINISHED]: '0+5x30', [LONGEST]: '0+60x14 0x20' },
    firesAt: 20,
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperRateLimited',
    when: 'calls are answered 429',
    bad: { [requests('batch', '429')]: [counts(1), counts(0)], [requests('batch', '200')]: [counts(9), counts(9)] },
    good: { [requests('batch', '429')]: '3x20', [requests('batch', '200')]: '0+9x20' },
    firesAt: 5,
    // Ten minutes after the last 429.
    recoveredAt: 15,
  },
  {
    alert: 'ZonekeeperBudgetLow',
    when: 'hardly a call is left',
    bad: {
      [of('zonekeeper_api_budget_remaining')]: [stays(3), stays(400)],
      [leader('a')]: [stays(1), stays(1)],
    },
    // A standby has no budget of its own.
    good: { [of('zonekeeper_api_budget_remaining')]: '0x40', [leader('a')]: '0x40', [leader('b')]: '1x40' },
    firesAt: 20,
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperCloudflareFailing',
    when: 'a third of the calls fails',
    bad: {
      [requests('batch', '502')]: [counts(1), counts(0)],
      [requests('list', 'timeout')]: [counts(1), counts(0)],
      [requests('list', '200')]: [counts(4), counts(6)],
    },
    good: {
      [requests('batch', '502')]: '0+1x40',
      [requests('list', '200')]: '0+9x40',
      [requests('list', '404')]: '0+9x40',
    },
    firesAt: 25,
    // Of 60 calls in ten minutes 12 may fail; before, 20 did.
    recoveredAt: 29,
  },
  {
    alert: 'ZonekeeperListenDown',
    when: 'LISTEN is cut',
    bad: { [of('zonekeeper_source_connected', ', source="postgres"')]: [stays(0), stays(1)] },
    good: { [of('zonekeeper_source_connected', ', source="postgres"')]: '1 0 1x20' },
    firesAt: 5,
    recoveredAt: 6,
  },
  ...burning('ZonekeeperConvergeBudgetBurn', 'change', converge('change', '0+9999x60', '0+10000x60')),
  // The changes are late, the repairs are not.
  ...burning('ZonekeeperRepairBudgetBurn', 'drift', {
    ...converge('change', '0+8x60', '0+10x60'),
    ...converge('drift', '0+10x60', '0+10x60'),
  }),
];
