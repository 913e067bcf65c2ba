/** What an alert says of a trouble. */
export interface TextCase {
  readonly alert: string;
  /** In promtool's notation, a minute between two values. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: number;
  /** Beside those that the rule gives it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Where figures stand in it; WINDOW for the rule's own. */
  readonly description?: string;
}

const AT = 'namespace="dns", job="zk", instance="a"';
const ZK = { namespace: 'dns', job: 'zk' };
const failed = (zone: string) => `zonekeeper_records{${AT}, zone="${zone}", state="failed"}`;
const seen = `zonekeeper_last_success_timestamp_seconds{${AT}, zone="example.com"}`;
const request = (code: string) => `zonekeeper_cloudflare_requests_total{${AT}, operation="batch", code="${code}"}`;

/** Texts that depend on more than names of labels. */
export const TEXT_CASES: readonly TextCase[] = [
  { alert: 'ZonekeeperAbsent', series: { up: '1x10' }, at: 10, labels: {}, summary: 'No Zonekeeper is seen.' },
  {
    alert: 'ZonekeeperAbsent',
    series: { [`zonekeeper_build_info{${AT}}`]: '1x10', 'zonekeeper_build_info{job="other"}': '1x40' },
    at: 40,
    labels: ZK,
    summary: 'No Zonekeeper is seen of dns/zk.',
  },
  {
    alert: 'ZonekeeperAbsent',
    series: { 'zonekeeper_build_info{job="zk"}': '1x10', 'zonekeeper_build_info{job="other"}': '1x40' },
    at: 40,
    labels: { job: 'zk' },
    summary: 'No Zonekeeper is seen of zk.',
  },
  {
    alert: 'ZonekeeperFailed',
    series: { [failed('example.com')]: '3x20' },
    at: 20,
    labels: { ...ZK, zone: 'example.com' },
    summary: 'In example.com of dns/zk, attempts at 3 names fail.',
  },
  {
    alert: 'ZonekeeperFailed',
    series: { [failed('')]: '3x20' },
    at: 20,
    labels: ZK,
    summary: 'Outside the known zones of dns/zk, attempts at 3 names fail.',
  },
  {
    alert: 'ZonekeeperConflict',
    series: { [failed('').replace('failed', 'conflict')]: '1x20' },
    at: 20,
    labels: ZK,
    summary: 'Outside the known zones of dns/zk, foreign records hold 1 name.',
  },
  {
    alert: 'ZonekeeperSyncStale',
    series: { [seen]: '0x20' },
    at: 20,
    labels: { ...ZK, zone: 'example.com' },
    summary: 'The zone example.com of dns/zk has not been seen since its leader leads.',
  },
  {
    alert: 'ZonekeeperSyncStale',
    series: { [seen]: '60x61' },
    at: 61,
    labels: { ...ZK, zone: 'example.com' },
    summary: 'The zone example.com of dns/zk has not been seen for 1h 0m 0s.',
  },
  {
    alert: 'ZonekeeperCloudflareFailing',
    series: { [request('502')]: '0+1x20', [request('200')]: '0+1x20' },
    at: 20,
    labels: { ...ZK, operation: 'batch' },
    summary: '50% of the calls (batch) of dns/zk to Cloudflare fail.',
  },
  {
    alert: 'ZonekeeperBudgetLow',
    series: {
      [`zonekeeper_api_budget_remaining{${AT}}`]: '30x20',
      [`zonekeeper_api_budget_limit{${AT}}`]: '1000x20',
      [`leader_election_master_status{${AT}, name="zonekeeper"}`]: '1x20',
    },
    at: 20,
    labels: ZK,
    summary: 'The API budget of dns/zk is nearly used up.',
    description: 'Only 3% of its calls are left, for long now: changes wait for their turn.',
  },
  {
    alert: 'ZonekeeperConvergeBudgetBurn',
    series: {
      [`zonekeeper_converge_late_total{${AT}, zone="example.com", trigger="change"}`]: '0x55 1 2 3 4 4',
      [`zonekeeper_converge_duration_seconds_bucket{${AT}, zone="example.com", trigger="change", le="5"}`]:
        '0x55 3 6 9 12 12',
    },
    at: 61,
    labels: { ...ZK, trigger: 'change' },
    summary: 'Changes of dns/zk come late.',
    description:
      '25% of them took longer than 5 s over the last WINDOW, or still do; the objective is that 99.9% do not, over 30 days.',
  },
];
