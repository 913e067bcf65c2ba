import {
  authFailing,
  budgetLow,
  burning,
  byZone,
  cloudflareFailing,
  gone,
  INSTALLATION,
  LEADER,
  lateness,
  lateShare,
  queueStuck,
  stale,
  UNTIL_NEXT_TRY,
  writesFailing,
} from './expressions.ts';
import { BURN_RATES, OBJECTIVE_SECONDS, series, threshold, WINDOWS } from './objectives.ts';

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
/** In which the next leader has seen all zones, also many of them. */
const TAKEOVER = '5m';
const WHERE = '{{ with $labels.namespace }}{{ . }}/{{ end }}{{ $labels.job }}';
/** Names that belong to no zone, or to one that the present leader has not found yet, are counted under an empty one. */
const IN_ZONE = `{{ with $labels.zone }}In {{ . }}{{ else }}Outside the known zones{{ end }} of ${WHERE}`;
const NAMES = '{{ $value }} {{ if eq $value 1.0 }}name{{ else }}names{{ end }}';

function alert(
  name: string,
  severity: AlertingRule['labels']['severity'],
  expr: string,
  texts: { readonly summary: string; readonly description: string; readonly for?: string; readonly keepFor?: string },
): AlertingRule {
  const { summary, description, for: pause, keepFor } = texts;
  return {
    alert: name,
    expr,
    ...(pause !== undefined && { for: pause }),
    ...(keepFor !== undefined && { keep_firing_for: keepFor }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${RUNBOOKS}/${name}.md` },
  };
}

/**
 * An alert about a zone. It outlives a change of the leader: nobody speaks of the zone until the next one has seen it, and the
 * guard holds nothing until then.
 */
function zoneAlert(...[name, severity, expr, texts]: Parameters<typeof alert>): AlertingRule {
  return alert(name, severity, expr, { ...texts, keepFor: TAKEOVER });
}

function recording(): RecordingRule[] {
  return [
    { record: 'zonekeeper:records:sum', expr: `sum by (${INSTALLATION}, state) (${series('zonekeeper_records')})` },
    ...WINDOWS.map((window) => ({ record: lateness(window), expr: lateShare(window) })),
  ];
}

function budgetBurn(name: string, trigger: 'change' | 'drift', what: string): AlertingRule[] {
  return BURN_RATES.map((rate) => {
    const rule = alert(name, rate.severity, burning(trigger, rate), {
      summary: `${what} of ${WHERE} come late.`,
      description: `{{ $value | humanizePercentage }} of them took longer than ${OBJECTIVE_SECONDS} s over the last ${rate.long}, or still do; the objective is that {{ ${threshold('objective')} | humanizePercentage }} do not, over 30 days.`,
    });
    return { ...rule, labels: { ...rule.labels, window: rate.long } };
  });
}

function alerts(): AlertingRule[] {
  return [
    alert('ZonekeeperAbsent', 'critical', gone(), {
      for: threshold('absentFor'),
      summary: `No Zonekeeper is seen{{ with $labels.job }} of {{ with $labels.namespace }}{{ . }}/{{ end }}{{ . }}{{ end }}.`,
      description: 'Prometheus has no metrics of any of its processes: none runs, or they are not scraped.',
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
      for: threshold('authFor'),
      keepFor: UNTIL_NEXT_TRY,
      summary: `Cloudflare refuses the token of ${WHERE}.`,
      description:
        'With the API token, zones cannot be read or records not be written: nothing is repaired or changed.',
    }),
    zoneAlert('ZonekeeperSyncStale', 'warning', stale(), {
      for: '5m',
      summary: `The zone {{ $labels.zone }} of ${WHERE} has not been seen {{ if $value }}for {{ $value | humanizeDuration }}{{ else }}since its leader leads{{ end }}.`,
      description: 'Looks at the zone fail or do not happen: drift in it is not found.',
    }),
    zoneAlert(
      'ZonekeeperDriftPersisting',
      'warning',
      `time() - (${byZone('zonekeeper_drift_oldest_timestamp_seconds')} > 0) > ${threshold('driftSeconds')}`,
      {
        for: '1m',
        summary: `A name in {{ $labels.zone }} of ${WHERE} has differed for {{ $value | humanizeDuration }}.`,
        description: 'Desired and actual differ, nobody holds it on purpose, and it is not repaired.',
      },
    ),
    zoneAlert('ZonekeeperGuardBlocked', 'warning', `${byZone('zonekeeper_guard_blocked')} > 0`, {
      for: threshold('guardFor'),
      summary: `{{ $value }} deletions in {{ $labels.zone }} of ${WHERE} wait for a person.`,
      description:
        'More names vanished than the delete guard lets through. Records stay until somebody confirms the plan.',
    }),
    zoneAlert('ZonekeeperConflict', 'warning', `${byZone('zonekeeper_records', 'state="conflict"')} > 0`, {
      for: threshold('conflictFor'),
      summary: `${IN_ZONE}, foreign records hold ${NAMES}.`,
      description: 'A record that Zonekeeper did not create is in the way, or two consumers contradict each other.',
    }),
    zoneAlert('ZonekeeperFailed', 'warning', `${byZone('zonekeeper_records', 'state="failed"')} > 0`, {
      for: threshold('failedFor'),
      summary: `${IN_ZONE}, attempts at ${NAMES} fail.`,
      description: 'The last attempt at these names was refused; each carries its reason and its next try.',
    }),
    alert('ZonekeeperQueueStuck', 'warning', queueStuck(), {
      for: threshold('queueStuckFor'),
      summary: `The work queue of ${WHERE} does not move.`,
      description: 'A name has been in process for long, or names wait and none is finished.',
    }),
    alert(
      'ZonekeeperRateLimited',
      'warning',
      `sum by (${INSTALLATION}) (increase(${series('zonekeeper_cloudflare_requests_total', 'code="429"')}[10m])) > 0`,
      {
        summary: `Cloudflare limits ${WHERE}.`,
        description:
          'The Cloudflare user has spent its 1,200 requests of five minutes. Nothing is sent until it may again.',
      },
    ),
    alert('ZonekeeperBudgetLow', 'warning', budgetLow(), {
      for: threshold('budgetFor'),
      summary: `The API budget of ${WHERE} is nearly used up.`,
      description:
        'Only {{ $value | humanizePercentage }} of its calls are left, for long now: changes wait for their turn.',
    }),
    alert('ZonekeeperCloudflareFailing', 'warning', cloudflareFailing(), {
      for: threshold('failureFor'),
      summary: `{{ $value | humanizePercentage }} of the calls ({{ $labels.operation }}) of ${WHERE} to Cloudflare fail.`,
      description: 'Cloudflare answers with server errors, or not at all.',
    }),
    alert('ZonekeeperWritesFailing', 'critical', writesFailing(), {
      for: threshold('writesFor'),
      keepFor: UNTIL_NEXT_TRY,
      summary: `No write of ${WHERE} comes through to Cloudflare.`,
      description: 'Changes are tried, and none succeeds: Cloudflare answers with server errors or 429, or not at all.',
    }),
    alert('ZonekeeperListenDown', 'warning', `${series('zonekeeper_source_connected', 'source="postgres"')} == 0`, {
      for: threshold('listenFor'),
      summary: `{{ $labels.instance }} of ${WHERE} does not hear of changes.`,
      description:
        'The connection on which PostgreSQL announces changes is down: they are found by the resync, minutes later.',
    }),
    ...budgetBurn('ZonekeeperConvergeBudgetBurn', 'change', 'Changes'),
    ...budgetBurn('ZonekeeperRepairBudgetBurn', 'drift', 'Repairs'),
  ];
}

/** All rules, with placeholders for thresholds and for what selects the installation. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  { name: 'zonekeeper.recording', rules: recording() },
  { name: 'zonekeeper.alerts', rules: alerts() },
];

/** The alerts alone. */
export const ALERTS: readonly AlertingRule[] = alerts();
