import { BURN_RATES, OBJECTIVE, OBJECTIVE_SECONDS, threshold, WINDOWS, WITHIN_OBJECTIVE } from './objectives.ts';

/** A recording rule. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** An alert. Its name is that of its runbook, `docs/runbooks/<name>.md`. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: { readonly severity: 'critical' | 'warning' | 'info'; readonly [label: string]: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly (RecordingRule | AlertingRule)[];
}

const RUNBOOKS = 'https://github.com/zonekeeper/zonekeeper/blob/main/docs/runbooks';
/** One installation: what Prometheus and its operator call it. Labels that are not there are as if empty. */
const INSTALLATION = 'cluster, namespace, job';
/** In which the next leader has seen all zones, also many of them. */
const TAKEOVER = '5m';
const LEADER = 'leader_election_master_status{name="zonekeeper"}';
const WHERE = '{{ with $labels.namespace }}{{ . }}/{{ end }}{{ $labels.job }}';

/** A zone's series, whoever exposes it: only the leader does. */
const byZone = (series: string): string => `max by (${INSTALLATION}, zone) (${series})`;

/** The share of changes that came later than the objective, over a window. `trigger` stays: `change` or `drift`. */
const lateness = (window: string): string => `zonekeeper:converge_late:ratio_rate${window}`;

function alert(
  name: string,
  severity: AlertingRule['labels']['severity'],
  expr: string,
  texts: { readonly summary: string; readonly description: string; readonly for?: string },
): AlertingRule {
  const { summary, description } = texts;
  const annotations = { summary, description, runbook_url: `${RUNBOOKS}/${name}.md` };
  const pause = texts.for === undefined ? {} : { for: texts.for };
  return { alert: name, expr, ...pause, labels: { severity }, annotations };
}

/**
 * An alert about a zone. It outlives a change of the leader: nobody speaks of the zone until the next one has seen it, and the
 * guard holds nothing until then.
 */
function zoneAlert(...given: Parameters<typeof alert>): AlertingRule {
  const { labels, annotations, ...rule } = alert(...given);
  return { ...rule, keep_firing_for: TAKEOVER, labels, annotations };
}

function recording(): RecordingRule[] {
  return [
    { record: 'zonekeeper:records:sum', expr: `sum by (${INSTALLATION}, state) (zonekeeper_records)` },
    ...WINDOWS.map((window) => ({
      record: lateness(window),
      expr:
        `1 - sum by (${INSTALLATION}, trigger) (rate(zonekeeper_converge_duration_seconds_bucket{trigger=~"change|drift", ${WITHIN_OBJECTIVE}}[${window}]))` +
        ` / (sum by (${INSTALLATION}, trigger) (rate(zonekeeper_converge_duration_seconds_count{trigger=~"change|drift"}[${window}])) > 0)`,
    })),
  ];
}

function burning(name: string, trigger: 'change' | 'drift', what: string): AlertingRule[] {
  return BURN_RATES.map(({ severity, long, short, factor }) => {
    const limit = `${factor} * ${Number((1 - OBJECTIVE).toFixed(6))}`;
    const over = (window: string) => `${lateness(window)}{trigger="${trigger}"} > ${limit}`;
    const rule = alert(name, severity, `${over(long)} and ${over(short)}`, {
      summary: `${what} of ${WHERE} come late.`,
      description: `{{ $value | humanizePercentage }} of them took longer than ${OBJECTIVE_SECONDS} s over the last ${long}; the objective is ${((1 - OBJECTIVE) * 100).toFixed(1)} % over 30 days.`,
    });
    return { ...rule, labels: { ...rule.labels, window: long } };
  });
}

function alerts(): AlertingRule[] {
  return [
    alert('ZonekeeperAbsent', 'critical', 'absent(zonekeeper_build_info)', {
      for: threshold('absentFor'),
      summary: 'No Zonekeeper is seen.',
      description: 'Prometheus has no metrics of any Zonekeeper: none runs, or it is not scraped.',
    }),
    alert('ZonekeeperNoLeader', 'critical', `max by (${INSTALLATION}) (${LEADER}) == 0`, {
      for: threshold('leaderFor'),
      summary: `Nobody leads in ${WHERE}.`,
      description: 'Daemons run, but none of them leads: no record is created, repaired or deleted.',
    }),
    alert('ZonekeeperTwoLeaders', 'critical', `sum by (${INSTALLATION}) (${LEADER}) > 1`, {
      for: threshold('leaderFor'),
      summary: `{{ $value }} processes of ${WHERE} say that they lead.`,
      description:
        'Only one of them can write: the epoch fences the other. But its state and metrics are not the truth.',
    }),
    alert('ZonekeeperAuthFailing', 'critical', authFailing(), {
      for: '2m',
      summary: `Cloudflare refuses the token of ${WHERE}.`,
      description: 'Zones cannot be read with the API token, so nothing is repaired or changed.',
    }),
    zoneAlert(
      'ZonekeeperSyncStale',
      'warning',
      `time() - ${byZone('zonekeeper_last_success_timestamp_seconds')} > ${threshold('syncStaleSeconds')}`,
      {
        for: '5m',
        summary: `The zone {{ $labels.zone }} of ${WHERE} has not been seen for {{ $value | humanizeDuration }}.`,
        description: 'Looks at the zone fail or do not happen: drift in it is not found.',
      },
    ),
    zoneAlert(
      'ZonekeeperDriftPersisting',
      'warning',
      `time() - (${byZone('zonekeeper_drift_oldest_timestamp_seconds')} > 0) > ${threshold('driftSeconds')}`,
      {
        for: '1m',
        summary: `A name in {{ $labels.zone }} of ${WHERE} has differed for {{ $value | humanizeDuration }}.`,
        description: 'Desired and actual differ, and it is not repaired.',
      },
    ),
    zoneAlert('ZonekeeperGuardBlocked', 'warning', `${byZone('zonekeeper_guard_blocked')} > 0`, {
      for: threshold('guardFor'),
      summary: `{{ $value }} deletions in {{ $labels.zone }} of ${WHERE} wait for a person.`,
      description:
        'More names vanished than the delete guard lets through. Records stay until somebody confirms the plan.',
    }),
    zoneAlert('ZonekeeperConflict', 'warning', `${byZone('zonekeeper_records{state="conflict"}')} > 0`, {
      for: threshold('conflictFor'),
      summary: `{{ $value }} names in {{ $labels.zone }} of ${WHERE} are held by foreign records.`,
      description: 'A record that Zonekeeper did not create is in the way, or two consumers contradict each other.',
    }),
    zoneAlert('ZonekeeperFailed', 'warning', `${byZone('zonekeeper_records{state="failed"}')} > 0`, {
      for: threshold('failedFor'),
      summary: `{{ $value }} names in {{ $labels.zone }} of ${WHERE} fail.`,
      description: 'The last attempt at these names was refused; each carries its reason and its next try.',
    }),
    alert('ZonekeeperQueueStuck', 'warning', queueStuck(), {
      for: '5m',
      summary: `The work queue of ${WHERE} does not move.`,
      description: 'A name has been in process for long, or names wait and none is finished.',
    }),
    alert(
      'ZonekeeperRateLimited',
      'warning',
      `sum by (${INSTALLATION}) (increase(zonekeeper_cloudflare_requests_total{code="429"}[10m])) > 0`,
      {
        summary: `Cloudflare limits ${WHERE}.`,
        description:
          'The Cloudflare user has spent its 1,200 requests of five minutes. Nothing is sent until it may again.',
      },
    ),
    alert(
      'ZonekeeperBudgetLow',
      'warning',
      `zonekeeper_api_budget_remaining < ${threshold('budgetShare')} and on (${INSTALLATION}, instance, pod) ${LEADER} == 1`,
      {
        for: '15m',
        summary: `The API budget of ${WHERE} is nearly used up.`,
        description: 'Only {{ $value }} calls are left, for a quarter of an hour now: changes wait for their turn.',
      },
    ),
    alert('ZonekeeperCloudflareFailing', 'warning', cloudflareFailing(), {
      for: '10m',
      summary: `{{ $value | humanizePercentage }} of the calls of ${WHERE} to Cloudflare fail.`,
      description: 'Cloudflare answers with server errors, or not at all.',
    }),
    alert('ZonekeeperListenDown', 'warning', 'zonekeeper_source_connected{source="postgres"} == 0', {
      for: '2m',
      summary: `{{ $labels.instance }} of ${WHERE} does not hear of changes.`,
      description:
        'The connection on which PostgreSQL announces changes is down: they are found by the resync, minutes later.',
    }),
    ...burning('ZonekeeperConvergeBudgetBurn', 'change', 'Changes'),
    ...burning('ZonekeeperRepairBudgetBurn', 'drift', 'Repairs'),
  ];
}

function authFailing(): string {
  const calls = (codes: string) =>
    `sum by (${INSTALLATION}) (increase(zonekeeper_cloudflare_requests_total{operation=~"zones|list", code${codes}}[10m]))`;
  return `${calls('=~"400|401|403"')} > 0 unless ${calls('="200"')} > 0`;
}

function cloudflareFailing(): string {
  const failed = `sum by (${INSTALLATION}) (rate(zonekeeper_cloudflare_requests_total{code=~"5..|timeout|connection"}[10m]))`;
  const all = `sum by (${INSTALLATION}) (rate(zonekeeper_cloudflare_requests_total[10m]))`;
  return `${failed} / (${all} > 0) > ${threshold('failureShare')}`;
}

function queueStuck(): string {
  const waiting = `sum by (${INSTALLATION}) (workqueue_depth{name="names"}) > 0`;
  const finished = `sum by (${INSTALLATION}) (rate(workqueue_work_duration_seconds_count{name="names"}[5m])) == 0`;
  const longest = `max by (${INSTALLATION}) (workqueue_longest_running_processor_seconds{name="names"})`;
  return `${longest} > ${threshold('queueStuckSeconds')} or (${waiting} and ${finished})`;
}

/** All rules, with placeholders for thresholds. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  { name: 'zonekeeper.recording', rules: recording() },
  { name: 'zonekeeper.alerts', rules: alerts() },
];

/** The alerts alone. */
export const ALERTS: readonly AlertingRule[] = alerts();
