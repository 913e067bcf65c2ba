import type { DashboardSpec } from '../frame.ts';
import { BURN_RATES, OBJECTIVE, OBJECTIVE_SECONDS, THRESHOLDS, WITHIN_OBJECTIVE } from '../objectives.ts';
import {
  CHOSEN,
  GREEN,
  NONE_IS_BEST,
  NONE_IS_GOOD,
  OF_ZONE,
  type PanelSpec,
  RED,
  type Step,
  YELLOW,
} from '../panels.ts';

/** The share of changes that may be late. */
const ALLOWED = Number((1 - OBJECTIVE).toFixed(6));
/** From this rate on the quickest pair of windows calls somebody. */
const PAGED = Math.max(...BURN_RATES.map(({ factor }) => factor));
const DRIFT_STATES = 'missing|modified|orphaned';
const AGE: readonly Step[] = [
  [null, GREEN],
  [60, YELLOW],
  [Number(THRESHOLDS.driftSeconds.value), RED],
];
const STALE: readonly Step[] = [
  [null, GREEN],
  [600, YELLOW],
  [Number(THRESHOLDS.syncStaleSeconds.value), RED],
];
/** An age that is zero where there is none. */
const oldest = (by: string) =>
  `max by (${by}) ((time() - zonekeeper_drift_oldest_timestamp_seconds{${OF_ZONE}}) * (zonekeeper_drift_oldest_timestamp_seconds{${OF_ZONE}} > bool 0))`;

const stat = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'>): PanelSpec => ({
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
          page: 'missing,modified,orphaned',
        }),
        stat({
          title: 'Oldest drift',
          description: 'For how long the longest-drifted name has differed. Above 15 minutes nobody is repairing it.',
          unit: 's',
          queries: [{ expr: `max(${oldest('zone')})` }],
          steps: AGE,
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
              expr: `sum(zonekeeper_records{${OF_ZONE}, state="in_sync"}) / (sum(zonekeeper_records{${OF_ZONE}}) > 0)`,
            },
          ],
          steps: [
            [null, RED],
            [0.99, YELLOW],
            [0.999, GREEN],
          ],
          nothing: 'no names',
          page: 'in_sync',
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
            'Drifts that looks at Cloudflare found, and changes that were made, in a minute. The two follow each other; a gap between them is a backlog.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (kind) (rate(zonekeeper_drift_detected_total{${OF_ZONE}}[$__rate_interval])) * 60`,
              legend: 'found {{kind}}',
            },
            {
              expr: `sum by (action) (rate(zonekeeper_changes_total{${OF_ZONE}, result="done"}[$__rate_interval])) * 60`,
              legend: '{{action}} done',
            },
          ],
          min: 0,
        }),
        graph({
          title: 'Drifted names by zone',
          description:
            'The ten zones with the most. One zone alone that stays up has a writer of its own, or a token without rights.',
          zonePage: DRIFT_STATES.replaceAll('|', ','),
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
          description: 'For how long a name of the zone has differed. It should fall back to 0 within seconds.',
          zonePage: `${DRIFT_STATES.replaceAll('|', ',')},blocked,failed`,
          unit: 's',
          queries: [{ expr: `topk(10, ${oldest('zone')})`, legend: '{{zone}}' }],
          steps: AGE,
          min: 0,
        }),
      ],
    },
    {
      title: 'How quickly',
      panels: [
        graph({
          title: 'From change to record',
          description: `From the commit in PostgreSQL (or the detection of a drift) to Cloudflare having confirmed the change: median, 95 %, 99 %. The objective is ${OBJECTIVE_SECONDS} s.`,
          unit: 's',
          queries: [0.5, 0.95, 0.99].map((quantile) => ({
            expr: `histogram_quantile(${quantile}, sum by (le) (rate(zonekeeper_converge_duration_seconds_bucket{${OF_ZONE}, trigger=~"change|drift"}[$__rate_interval])))`,
            legend: `p${quantile * 100}`,
          })),
          steps: [
            [null, GREEN],
            [OBJECTIVE_SECONDS, RED],
          ],
          min: 0,
        }),
        {
          kind: 'heatmap',
          title: 'How the times are spread',
          description:
            'Each column shows how many changes took how long. A second band far above the first is a retry, a spent budget or a slow zone.',
          unit: 's',
          queries: [
            {
              expr: `sum by (le) (increase(zonekeeper_converge_duration_seconds_bucket{${OF_ZONE}, trigger=~"change|drift"}[$__rate_interval]))`,
              legend: '{{le}}',
            },
          ],
          width: 12,
          height: 8,
        },
        graph({
          title: 'Share in time, by trigger',
          description: `Share of changes that Cloudflare confirmed within ${OBJECTIVE_SECONDS} s; the objective is ${OBJECTIVE * 100} %.`,
          unit: 'percentunit',
          steps: [
            [null, RED],
            [OBJECTIVE, GREEN],
          ],
          queries: [
            {
              expr:
                `sum by (trigger) (rate(zonekeeper_converge_duration_seconds_bucket{${OF_ZONE}, ${WITHIN_OBJECTIVE}}[$__rate_interval]))` +
                ` / (sum by (trigger) (rate(zonekeeper_converge_duration_seconds_count{${OF_ZONE}}[$__rate_interval])) > 0)`,
              legend: '{{trigger}}',
            },
          ],
          max: 1,
        }),
        graph({
          title: 'Error budget burning',
          description: `How many times quicker than allowed late changes use up the budget of 30 days, over an hour. Above ${PAGED} somebody is called.`,
          unit: 'short',
          queries: [{ expr: `zonekeeper:converge_late:ratio_rate1h{${CHOSEN}} / ${ALLOWED}`, legend: '{{trigger}}' }],
          steps: [
            [null, GREEN],
            [1, YELLOW],
            [PAGED, RED],
          ],
          min: 0,
        }),
      ],
    },
    {
      title: 'Zones',
      panels: [
        graph({
          title: 'Time since the last good look',
          description: 'How old what Zonekeeper knows of each zone is. It looks as often as the API budget allows.',
          zonePage: null,
          unit: 's',
          queries: [
            {
              expr: `topk(10, time() - max by (zone) (zonekeeper_last_success_timestamp_seconds{${OF_ZONE}} > 0))`,
              legend: '{{zone}}',
            },
          ],
          steps: STALE,
          min: 0,
        }),
        graph({
          title: 'Changes refused or held',
          description:
            'In a minute. Refused: Cloudflare said no. Held: a guard or policy did. Unknown: the answer was lost, and the next look settles it.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (action, result) (rate(zonekeeper_changes_total{${OF_ZONE}, result!="done"}[$__rate_interval])) * 60`,
              legend: '{{action}} {{result}}',
            },
          ],
          steps: [
            [null, GREEN],
            [1, YELLOW],
          ],
          min: 0,
        }),
      ],
    },
  ],
};
