import { ages, type Course, counts, lives, nothing, now, retries, stays } from './course.ts';

/** An alert fires in a trouble, and is over when the trouble is, on the same series. */
export interface AlertCase {
  readonly alert: string;
  /** Where several rules have the name: the one with this window. */
  readonly window?: string;
  /** The trouble, in a few words. */
  readonly when: string;
  readonly bad: Readonly<Record<string, Course>>;
  /** Series with which it does not fire up to `firesAt`: the nearest that is still well. In promtool's notation, a minute between two values. */
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
const records = (state: string, zone = 'example.com') => `zonekeeper_records{${AT}, zone="${zone}", state="${state}"}`;
const of = (metric: string, labels = '') => `${metric}{${AT}${labels}}`;
const ofZone = (metric: string, zone = 'example.com') => of(metric, `, zone="${zone}"`);
const DEPTH = of('workqueue_depth', ', name="names", priority="event"');
const FINISHED = of('workqueue_work_duration_seconds_count', ', name="names"');
const LONGEST = of('workqueue_longest_running_processor_seconds', ', name="names"');

const BUILD = of('zonekeeper_build_info');
const OTHER = 'zonekeeper_build_info{job="other", instance="c"}';
const SEEN = ofZone('zonekeeper_last_success_timestamp_seconds');

/** How many came in time, and how many did not, or have not yet. */
const converge = <T>(trigger: string, inTime: T, late: T) => ({
  [`zonekeeper_converge_duration_seconds_bucket{${AT}, zone="example.com", trigger="${trigger}", le="5"}`]: inTime,
  [`zonekeeper_converge_late_total{${AT}, zone="example.com", trigger="${trigger}"}`]: late,
});

/**
 * For an hour some come late, which all pairs of windows say. Then nothing is late any more: each pair is over as soon as its
 * short window has none of it, though the long one still has.
 */
const burning = (
  alert: string,
  { when, bad, good }: { readonly when: string; readonly bad: AlertCase['bad']; readonly good: AlertCase['good'] },
): AlertCase[] =>
  [
    { window: '1h', short: 5 },
    { window: '6h', short: 30 },
    { window: '3d', short: 360 },
  ].map(({ window, short }) => ({
    alert,
    window,
    when,
    bad,
    good,
    firesAt: 60,
    // Prometheus evaluates the recording rules before the alerts or after them: then they know a minute later.
    recoveredAt: 60 + short + 1,
  }));

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'ZonekeeperAbsent',
    when: 'nobody exposes anything',
    bad: { 'up{job="other"}': [stays(1), stays(1)], [BUILD]: [nothing, stays(1)] },
    good: { [BUILD]: '1x30' },
    firesAt: 10,
    recoveredAt: 11,
  },
  {
    alert: 'ZonekeeperAbsent',
    when: 'one of two installations has been gone for 80 minutes',
    bad: { [BUILD]: [lives(10), stays(1)], [OTHER]: [stays(1), stays(1)] },
    // One of two processes is gone.
    good: { [BUILD]: '1x10', [BUILD.replace('"a"', '"b"')]: '1x100', [OTHER]: '1x100' },
    firesAt: 90,
    recoveredAt: 91,
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
    // Eight minutes after the first look that succeeds, though the refusals are still in the window.
    recoveredAt: 29,
  },
  {
    alert: 'ZonekeeperAuthFailing',
    when: 'zones are read, and every write is refused',
    bad: {
      [requests('list', '200')]: [counts(12), counts(12)],
      [requests('batch', '403')]: [counts(1), counts(0)],
      [requests('batch', '200')]: [stays(50), counts(1)],
    },
    // In one zone writes are refused, in the others not.
    good: { [requests('batch', '403')]: '0+1x30', [requests('batch', '200')]: '0+1x30' },
    firesAt: 20,
    recoveredAt: 29,
  },
  {
    alert: 'ZonekeeperAuthFailing',
    when: 'the only name that is to be written is tried more and more rarely',
    bad: {
      [requests('list', '200')]: [counts(12), counts(12)],
      [requests('batch', '403')]: [retries, counts(0)],
      [requests('batch', '200')]: [stays(50), counts(1)],
    },
    good: { [requests('batch', '403')]: '0x70 1x10', [requests('batch', '200')]: '50x71 51x10' },
    firesAt: 75,
    recoveredAt: 84,
  },
  {
    alert: 'ZonekeeperSyncStale',
    when: 'no look succeeds',
    bad: { [SEEN]: [stays(60), now] },
    good: { [SEEN]: '0+60x60' },
    firesAt: 40,
    recoveredAt: 46,
  },
  {
    alert: 'ZonekeeperSyncStale',
    when: 'a zone was never seen',
    bad: { [SEEN]: [stays(0), now] },
    // A leader that is new sees it in the fourth minute.
    good: { [SEEN]: '0x3 240+60x30' },
    firesAt: 10,
    recoveredAt: 16,
  },
  {
    alert: 'ZonekeeperSyncStale',
    when: 'looks are an hour apart, and none succeeds',
    bad: { [SEEN]: [stays(60), now], [of('zonekeeper_drift_check_interval_seconds')]: [stays(3600), stays(3600)] },
    // The last was two hours ago.
    good: { [SEEN]: '4200x190', [of('zonekeeper_drift_check_interval_seconds')]: '3600x190' },
    firesAt: 190,
    recoveredAt: 196,
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
    alert: 'ZonekeeperFailed',
    when: 'names that belong to no zone are refused',
    bad: { [records('failed', '')]: [stays(3), stays(0)] },
    good: { [records('failed', '')]: '3x10 0x30', [records('missing', '')]: '5x40' },
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
      [of('zonekeeper_api_budget_remaining')]: [stays(30), stays(400)],
      [of('zonekeeper_api_budget_limit')]: [stays(1000), stays(1000)],
      [leader('a')]: [stays(1), stays(1)],
    },
    // A standby has no budget of its own.
    good: {
      [of('zonekeeper_api_budget_remaining')]: '0x40',
      'zonekeeper_api_budget_remaining{job="zk", instance="b"}': '400x40',
      [of('zonekeeper_api_budget_limit')]: '1000x40',
      'zonekeeper_api_budget_limit{job="zk", instance="b"}': '1000x40',
      [leader('a')]: '0x40',
      [leader('b')]: '1x40',
    },
    firesAt: 20,
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperBudgetLow',
    when: 'hardly one of few calls is left',
    bad: {
      [of('zonekeeper_api_budget_remaining')]: [stays(2), stays(40)],
      [of('zonekeeper_api_budget_limit')]: [stays(50), stays(50)],
      [leader('a')]: [stays(1), stays(1)],
    },
    good: {
      [of('zonekeeper_api_budget_remaining')]: '40x40',
      [of('zonekeeper_api_budget_limit')]: '50x40',
      [leader('a')]: '1x40',
    },
    firesAt: 20,
    recoveredAt: 21,
  },
  {
    alert: 'ZonekeeperCloudflareFailing',
    when: 'a third of the looks fails',
    bad: {
      [requests('list', '502')]: [counts(1), counts(0)],
      [requests('list', 'timeout')]: [counts(1), counts(0)],
      [requests('list', '200')]: [counts(4), counts(6)],
    },
    good: {
      [requests('batch', '502')]: '0+1x40',
      [requests('batch', '200')]: '0+9x40',
      [requests('list', '200')]: '0+9x40',
      [requests('list', '404')]: '0+9x40',
    },
    firesAt: 25,
    // Of 60 calls in ten minutes 12 may fail; before, 20 did.
    recoveredAt: 29,
  },
  {
    alert: 'ZonekeeperCloudflareFailing',
    when: 'all batches fail, and six times as many looks are well',
    bad: {
      [requests('batch', '502')]: [counts(2), counts(0)],
      [requests('batch', '200')]: [stays(50), counts(2)],
      [requests('list', '200')]: [counts(12), counts(12)],
    },
    // One look-up fails, and is the only one.
    good: { [requests('lookup', '502')]: '0x10 1x40', [requests('list', '200')]: '0+12x40' },
    firesAt: 25,
    // Of 20 batches in ten minutes 4 may fail.
    recoveredAt: 33,
  },
  {
    alert: 'ZonekeeperWritesFailing',
    when: 'all batches fail',
    bad: {
      [requests('batch', '502')]: [counts(2), counts(0)],
      [requests('batch', '200')]: [stays(50), counts(1)],
      [requests('list', '200')]: [counts(12), counts(12)],
    },
    // One in five minutes comes through.
    good: { [requests('batch', '502')]: '0+2x30', [requests('batch', '200')]: '0x4 1x4 2x4 3x4 4x4 5x4' },
    firesAt: 20,
    recoveredAt: 29,
  },
  {
    alert: 'ZonekeeperWritesFailing',
    when: 'the only name that is to be written is tried more and more rarely',
    bad: {
      [requests('batch', 'timeout')]: [retries, counts(0)],
      [requests('lookup', '200')]: [retries, counts(1)],
      [requests('batch', '200')]: [stays(50), counts(1)],
    },
    // The answer of a write was lost, which a look-up settled.
    good: {
      [requests('batch', 'timeout')]: '0x49 1x40',
      [requests('lookup', '200')]: '0x49 1x40',
      [requests('batch', '200')]: '50x85',
    },
    firesAt: 75,
    recoveredAt: 84,
  },
  {
    alert: 'ZonekeeperWritesFailing',
    when: 'not even the look-ups before a write come through',
    bad: {
      [requests('lookup', 'connection')]: [counts(1), counts(0)],
      [requests('batch', '200')]: [stays(50), counts(1)],
    },
    // What is refused for what it says is no failure of Cloudflare's.
    good: { [requests('batch', '400')]: '0+1x30', [requests('batch', '200')]: '50x30' },
    firesAt: 20,
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
  ...burning('ZonekeeperConvergeBudgetBurn', {
    when: 'a fifth comes late',
    bad: converge<Course>('change', [counts(8), counts(10)], [counts(2), counts(0)]),
    good: converge('change', '0+9999x60', '0+1x60'),
  }),
  ...burning('ZonekeeperConvergeBudgetBurn', {
    when: 'nothing comes through',
    bad: converge<Course>('change', [stays(0), counts(10)], [counts(1), counts(0)]),
    // Of six changes two are late.
    good: converge('change', '0x40 4x20', '0x40 1x15 2x5'),
  }),
  // The changes are late, the repairs are not.
  ...burning('ZonekeeperRepairBudgetBurn', {
    when: 'a fifth comes late',
    bad: converge<Course>('drift', [counts(8), counts(10)], [counts(2), counts(0)]),
    good: { ...converge('change', '0+8x60', '0+2x60'), ...converge('drift', '0+10x60', '0x60') },
  }),
];
