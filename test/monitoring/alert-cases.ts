/** When an alert fires, and when it does not: input series in promtool's notation, a minute between two values. */
export interface AlertCase {
  /** Series with which it fires at `at`. */
  readonly bad: Readonly<Record<string, string>>;
  /** Series with which it does not: the nearest that is still well. */
  readonly good: Readonly<Record<string, string>>;
  /** When it is looked at, such as `20m`. */
  readonly at: string;
  /** How many alerts of this name fire then; 1 by default. */
  readonly count?: number;
}

const AT = 'job="zk", instance="a"';
const leader = (instance: string) =>
  `leader_election_master_status{name="zonekeeper", job="zk", instance="${instance}"}`;
const requests = (operation: string, code: string) =>
  `zonekeeper_cloudflare_requests_total{${AT}, operation="${operation}", code="${code}"}`;
const records = (state: string) => `zonekeeper_records{${AT}, zone="example.com", state="${state}"}`;
const converge = (trigger: string, late: string, all: string) => ({
  [`zonekeeper_converge_duration_seconds_bucket{${AT}, zone="example.com", trigger="${trigger}", le="5"}`]: late,
  [`zonekeeper_converge_duration_seconds_count{${AT}, zone="example.com", trigger="${trigger}"}`]: all,
});

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  ZonekeeperAbsent: {
    bad: { 'up{job="other"}': '1x30' },
    good: { [`zonekeeper_build_info{${AT}}`]: '1x30' },
    at: '10m',
  },
  ZonekeeperNoLeader: {
    bad: { [leader('a')]: '0x10', [leader('b')]: '0x10' },
    good: { [leader('a')]: '0x10', [leader('b')]: '1x10' },
    at: '5m',
  },
  ZonekeeperTwoLeaders: {
    bad: { [leader('a')]: '1x10', [leader('b')]: '1x10' },
    // A change of leaders, seen in one scrape.
    good: { [leader('a')]: '1 1 1 1 0 0 0 0', [leader('b')]: '0 0 0 1 1 1 1 1' },
    at: '4m',
  },
  ZonekeeperAuthFailing: {
    bad: {
      [requests('list', '403')]: '0+1x30',
      [requests('list', '200')]: '50x30',
      [requests('zones', '200')]: '1x30',
    },
    // One zone is refused, the others are read.
    good: { [requests('list', '403')]: '0+1x30', [requests('list', '200')]: '0+1x30' },
    at: '20m',
  },
  ZonekeeperSyncStale: {
    bad: { [`zonekeeper_last_success_timestamp_seconds{${AT}, zone="example.com"}`]: '60x60' },
    good: { [`zonekeeper_last_success_timestamp_seconds{${AT}, zone="example.com"}`]: '0+60x60' },
    at: '40m',
  },
  ZonekeeperDriftPersisting: {
    bad: { [`zonekeeper_drift_oldest_timestamp_seconds{${AT}, zone="example.com"}`]: '60x60' },
    good: {
      [`zonekeeper_drift_oldest_timestamp_seconds{${AT}, zone="example.com"}`]: '0x60',
      [`zonekeeper_drift_oldest_timestamp_seconds{${AT}, zone="example.net"}`]: '0+60x60',
    },
    at: '30m',
  },
  ZonekeeperGuardBlocked: {
    bad: { [`zonekeeper_guard_blocked{${AT}, zone="example.com"}`]: '12x20' },
    good: { [`zonekeeper_guard_blocked{${AT}, zone="example.com"}`]: '12 12 0x20' },
    at: '10m',
  },
  ZonekeeperConflict: {
    bad: { [records('conflict')]: '1x40', [records('in_sync')]: '9x40' },
    good: { [records('conflict')]: '1x10 0x30', [records('in_sync')]: '9x40' },
    at: '20m',
  },
  ZonekeeperFailed: {
    bad: { [records('failed')]: '3x40' },
    good: { [records('failed')]: '3x10 0x30', [records('missing')]: '5x40' },
    at: '20m',
  },
  ZonekeeperQueueStuck: {
    bad: {
      [`workqueue_depth{${AT}, name="names", priority="event"}`]: '40x30',
      [`workqueue_work_duration_seconds_count{${AT}, name="names"}`]: '100x30',
      [`workqueue_longest_running_processor_seconds{${AT}, name="names"}`]: '0x30',
    },
    good: {
      [`workqueue_depth{${AT}, name="names", priority="event"}`]: '40x30',
      [`workqueue_work_duration_seconds_count{${AT}, name="names"}`]: '100+5x30',
      [`workqueue_longest_running_processor_seconds{${AT}, name="names"}`]: '0+10x30',
    },
    at: '20m',
  },
  ZonekeeperRateLimited: {
    bad: { [requests('batch', '429')]: '0 0 1x20' },
    good: { [requests('batch', '429')]: '3x20', [requests('batch', '200')]: '0+9x20' },
    at: '5m',
  },
  ZonekeeperBudgetLow: {
    bad: { [`zonekeeper_api_budget_remaining{${AT}}`]: '3x40', [leader('a')]: '1x40' },
    // A standby has no budget of its own.
    good: { [`zonekeeper_api_budget_remaining{${AT}}`]: '0x40', [leader('a')]: '0x40', [leader('b')]: '1x40' },
    at: '20m',
  },
  ZonekeeperCloudflareFailing: {
    bad: {
      [requests('batch', '502')]: '0+1x40',
      [requests('list', 'timeout')]: '0+1x40',
      [requests('list', '200')]: '0+4x40',
    },
    good: {
      [requests('batch', '502')]: '0+1x40',
      [requests('list', '200')]: '0+9x40',
      [requests('list', '404')]: '0+9x40',
    },
    at: '25m',
  },
  ZonekeeperListenDown: {
    bad: { [`zonekeeper_source_connected{${AT}, source="postgres"}`]: '0x20' },
    good: { [`zonekeeper_source_connected{${AT}, source="postgres"}`]: '1 0 1x20' },
    at: '5m',
  },
  // A fifth of the changes comes late, for as long as the series is: all three pairs of windows say so.
  ZonekeeperConvergeBudgetBurn: {
    bad: converge('change', '0+8x500', '0+10x500'),
    good: converge('change', '0+9999x500', '0+10000x500'),
    at: '7h',
    count: 3,
  },
  ZonekeeperRepairBudgetBurn: {
    bad: converge('drift', '0+8x500', '0+10x500'),
    // The changes are late, the repairs are not.
    good: { ...converge('change', '0+8x500', '0+10x500'), ...converge('drift', '0+10x500', '0+10x500') },
    at: '7h',
    count: 3,
  },
};
