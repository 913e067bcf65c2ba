import type { DashboardSpec } from '../frame.ts';
import { THRESHOLDS } from '../objectives.ts';
import {
  CHOSEN,
  GREEN,
  INSTALLATION,
  INSTALLATION_LEGEND,
  NEVER,
  NONE_IS_BEST,
  NONE_IS_GOOD,
  OF_ZONE,
  ONE_IS_GOOD,
  ONE_LEADS,
  OVERDUE,
  overdue,
  type PanelSpec,
  RED,
  type Step,
  YELLOW,
} from '../panels.ts';
import { CONVERGENCE } from './convergence.ts';

const DRIFT_STATES = 'missing|modified|orphaned';
const DRIFTED = 'missing,modified,orphaned';
/** What a drift is while it cannot be repaired, too. */
const UNSETTLED = `${DRIFTED},blocked,failed`;
const AGE: readonly Step[] = [
  [null, GREEN],
  [60, YELLOW],
  [Number(THRESHOLDS.driftSeconds.value), RED],
];
/** Never seen is 0, so it counts as the oldest. */
const LAST_SUCCESS = `max by (${INSTALLATION}, zone) (zonekeeper_last_success_timestamp_seconds{${OF_ZONE}})`;
const STALE: readonly Step[] = [
  [null, GREEN],
  [Number(THRESHOLDS.syncStaleSeconds.value), RED],
];
/** An age that is zero where there is none. */
const oldest = (by: string) =>
  `max by (${by}) ((time() - zonekeeper_drift_oldest_timestamp_seconds{${OF_ZONE}}) * (zonekeeper_drift_oldest_timestamp_seconds{${OF_ZONE}} > bool 0))`;

const stat = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'> & { width?: number }): PanelSpec => ({
  kind: 'stat',
  width: 4,
  height: 4,
  ...spec,
});
const graph = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'> & { width?: number }): PanelSpec => ({
  kind: 'timeseries',
  width: 12,
  height: 8,
  ...spec,
});

/** What drifts, where, for how long, and how quickly it is repaired. */
export const DRIFT: DashboardSpec = {
  uid: 'zonekeeper-drift',
  title: 'Zonekeeper / Drift',
  description: 'What drifts, where, for how long, and how quickly it is repaired.',
  variables: ['zone'],
  from: 'now-6h',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Drifted names',
          description:
            'Names whose records differ from what the database says: missing, modified or orphaned. Usually 0; a short rise is a drift that is being repaired.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${OF_ZONE}, state=~"${DRIFT_STATES}"})` }],
          steps: NONE_IS_BEST,
          page: DRIFTED,
        }),
        stat({
          title: 'Oldest drift',
          description:
            'For how long the longest-drifted name has differed that no guard or policy holds. Above 15 minutes it is not being repaired.',
          unit: 's',
          queries: [{ expr: `max(${oldest('zone')})` }],
          steps: AGE,
          page: `${DRIFTED},failed`,
        }),
        stat({
          title: 'Conflicts',
          description:
            'Names that a foreign record holds, or over which two consumers contradict each other. They need a person.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${OF_ZONE}, state="conflict"})` }],
          steps: NONE_IS_GOOD,
          page: 'conflict',
        }),
        stat({
          title: 'Held deletions',
          description: 'Names whose deletion the guard holds until somebody confirms the plan.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_guard_blocked{${OF_ZONE}})` }],
          steps: NONE_IS_GOOD,
          page: 'blocked',
        }),
        stat({
          title: 'Failed',
          description: 'Names whose last attempt was refused. Each carries its reason and its next try.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${OF_ZONE}, state="failed"})` }],
          steps: NONE_IS_GOOD,
          page: 'failed',
        }),
        stat({
          title: 'In sync',
          description: 'Share of all names that are as they should be.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(zonekeeper_records{${OF_ZONE}, state="in_sync"}) / sum(zonekeeper_records{${OF_ZONE}})`,
            },
          ],
          steps: [
            [null, RED],
            [0.99, YELLOW],
            [0.999, GREEN],
          ],
          sayings: [{ nan: true, says: 'no names' }],
          page: 'in_sync',
        }),
        stat({
          title: 'Longest not seen',
          description:
            'Time since the last good look at the zone that has waited for the longest. Above half an hour an alert fires. Never: a process leads, and has not seen it once.',
          unit: 's',
          queries: [{ expr: `time() - min(${LAST_SUCCESS})` }],
          steps: STALE,
          sayings: [NEVER],
          page: null,
          width: 6,
        }),
        stat({
          title: 'Zones never seen',
          description:
            'Zones that have not been looked at with success since the present leader began. Above 0 only in the first seconds, or while looks fail.',
          unit: 'short',
          queries: [{ expr: `sum(${LAST_SUCCESS} == bool 0)` }],
          steps: NONE_IS_GOOD,
          page: null,
          width: 6,
        }),
        stat({
          title: 'Leaders',
          description:
            'Processes that lead, by installation. Exactly one should in each; without one nothing is repaired.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (${INSTALLATION}) (leader_election_master_status{${CHOSEN}, name="zonekeeper"})`,
              legend: INSTALLATION_LEGEND,
            },
          ],
          steps: ONE_LEADS,
          named: true,
          to: 'controller',
          width: 6,
        }),
        stat({
          title: 'Processes by version',
          description: 'Daemons that are seen, those that stand by included. Two versions are an upgrade under way.',
          unit: 'short',
          queries: [{ expr: `sum by (version) (zonekeeper_build_info{${CHOSEN}})`, legend: '{{version}}' }],
          steps: ONE_IS_GOOD,
          named: true,
          to: 'controller',
          width: 6,
        }),
      ],
    },
    {
      title: 'Drift',
      panels: [
        graph({
          title: 'Names that are not in sync',
          description:
            'By state. Missing, modified and orphaned are repaired by themselves; conflict, blocked and failed need a person.',
          page: 'missing,modified,orphaned,conflict,blocked,failed',
          unit: 'short',
          queries: [{ expr: `sum by (state) (zonekeeper_records{${OF_ZONE}, state!="in_sync"})`, legend: '{{state}}' }],
          stacked: true,
          steps: [
            [null, GREEN],
            [1, YELLOW],
          ],
          min: 0,
        }),
        graph({
          title: 'Detected and repaired',
          description:
            'Names that a look at Cloudflare found to differ, and names that were repaired after it, since about the point before. The two follow each other; a gap that stays is a backlog, or what a guard, a conflict or a policy holds.',
          unit: 'short',
          page: UNSETTLED,
          queries: [
            {
              expr: `sum by (kind) (round(increase(zonekeeper_drift_detected_total{${OF_ZONE}}[$__rate_interval])))`,
              legend: 'found {{kind}}',
            },
            {
              expr: `sum(round(increase(zonekeeper_converge_duration_seconds_count{${OF_ZONE}, trigger="drift"}[$__rate_interval])))`,
              legend: 'repaired',
            },
          ],
          min: 0,
        }),
        graph({
          title: 'Drifted names by zone',
          description:
            'The ten zones with the most. One zone alone that stays up has a writer of its own, or a token without rights.',
          zonePage: DRIFTED,
          unit: 'short',
          queries: [
            {
              expr: `topk(10, sum by (zone) (zonekeeper_records{${OF_ZONE}, zone!="", state=~"${DRIFT_STATES}"}))`,
              legend: '{{zone}}',
            },
          ],
          steps: [
            [null, GREEN],
            [1, YELLOW],
          ],
          min: 0,
        }),
        graph({
          title: 'Age of the oldest drift by zone',
          description:
            'For how long a name of the zone has differed that no guard or policy holds. It should fall back to 0 within seconds.',
          zonePage: `${DRIFTED},failed`,
          unit: 's',
          queries: [{ expr: `topk(10, ${oldest('zone')})`, legend: '{{zone}}' }],
          steps: AGE,
          min: 0,
        }),
      ],
    },
    CONVERGENCE,
    {
      title: 'Zones',
      panels: [
        {
          kind: 'table',
          title: 'Zones by time since the last good look',
          description:
            'How old what Zonekeeper knows of each zone is, the oldest first. Never: the present leader has not seen it once.',
          zonePage: null,
          unit: 's',
          queries: [{ expr: `topk(50, time() - ${LAST_SUCCESS})` }],
          columns: { cluster: 'Cluster', namespace: 'Namespace', job: 'Job', zone: 'Zone', Value: 'Since' },
          steps: STALE,
          sayings: [NEVER],
          width: 12,
          height: 8,
        },
        graph({
          title: 'Looks that are overdue',
          description:
            'Time since the last good look, in intervals between two looks, which follow the API budget: up to about 1 as long as looks succeed, from 3 on they fail. 10 stands for 10 and more, and for zones that were never seen.',
          zonePage: null,
          unit: 'short',
          queries: [{ expr: `topk(10, max by (zone) (${overdue(OF_ZONE, 'success')}))`, legend: '{{zone}}' }],
          steps: OVERDUE,
          min: 0,
        }),
        graph({
          title: 'Changes made',
          description:
            'Records that were created, updated and deleted, since about the point before: by what people changed in the database, and by repairs.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (action) (round(increase(zonekeeper_changes_total{${OF_ZONE}, result="done"}[$__rate_interval])))`,
              legend: '{{action}}',
            },
          ],
          page: null,
          min: 0,
        }),
        graph({
          title: 'Changes refused or held',
          description:
            'Since about the point before. Refused: Cloudflare said no. Held: a guard or policy did. Unknown: the answer was lost, and the next look settles it.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (action, result) (round(increase(zonekeeper_changes_total{${OF_ZONE}, result!="done"}[$__rate_interval])))`,
              legend: '{{action}} {{result}}',
            },
          ],
          page: 'blocked,failed',
          steps: NONE_IS_BEST,
          min: 0,
        }),
      ],
    },
  ],
};
