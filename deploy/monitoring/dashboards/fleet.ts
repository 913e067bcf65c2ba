import type { DashboardSpec } from '../frame.ts';
import { THRESHOLDS } from '../objectives.ts';
import {
  BUDGET_LEFT,
  budgetLeft,
  CHOSEN,
  GREEN,
  INSTALLATION,
  INSTALLATION_LEGEND,
  NEVER,
  NONE_IS_BEST,
  NONE_IS_GOOD,
  type PanelSpec,
  PER_MINUTE,
  RED,
  YELLOW,
} from '../panels.ts';

const HEADINGS = { cluster: 'Cluster', namespace: 'Namespace', job: 'Job' };

const stat = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'>): PanelSpec => ({
  kind: 'stat',
  width: 4,
  height: 4,
  ...spec,
});
const ranked = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'>): PanelSpec => ({
  kind: 'table',
  width: 12,
  height: 9,
  ...spec,
});

/** Many installations beside each other, their zones ranked by what needs attention. */
export const FLEET: DashboardSpec = {
  uid: 'zonekeeper-fleet',
  title: 'Zonekeeper / Fleet',
  description: 'Many installations beside each other, their zones ranked by what needs attention.',
  variables: [],
  from: 'now-24h',
  rows: [
    {
      title: 'All together',
      panels: [
        stat({
          title: 'Installations',
          description: 'Installations that are seen.',
          to: 'controller',
          unit: 'short',
          queries: [{ expr: `count(sum by (${INSTALLATION}) (zonekeeper_build_info{${CHOSEN}}))` }],
        }),
        stat({
          title: 'Without a leader',
          description: 'Installations in which nobody leads.',
          to: 'controller',
          unit: 'short',
          queries: [
            {
              expr: `sum(max by (${INSTALLATION}) (leader_election_master_status{${CHOSEN}, name="zonekeeper"}) == bool 0)`,
            },
          ],
          steps: NONE_IS_GOOD,
        }),
        stat({
          title: 'Zones',
          description: 'Zones that are looked after.',
          to: 'drift',
          unit: 'short',
          queries: [
            { expr: `count(max by (${INSTALLATION}, zone) (zonekeeper_last_check_timestamp_seconds{${CHOSEN}}))` },
          ],
        }),
        stat({
          title: 'Names',
          description: 'Names in all states.',
          to: 'drift',
          page: null,
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${CHOSEN}})` }],
        }),
        stat({
          title: 'Drifted names',
          description: 'Missing, modified or orphaned.',
          to: 'drift',
          page: 'missing,modified,orphaned',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${CHOSEN}, state=~"missing|modified|orphaned"})` }],
          steps: NONE_IS_BEST,
        }),
        stat({
          title: 'Need a person',
          description: 'Conflicts, held deletions and failures.',
          to: 'drift',
          page: 'conflict,blocked,failed',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper_records{${CHOSEN}, state=~"conflict|blocked|failed"})` }],
          steps: NONE_IS_GOOD,
        }),
      ],
    },
    {
      title: 'Ranked',
      panels: [
        ranked({
          title: 'Zones by names that need a person',
          description:
            'Conflicts, held deletions and failures, the worst first. Names that no zone holds stand without one.',
          to: 'drift',
          unit: 'short',
          queries: [
            {
              expr: `topk(20, sum by (${INSTALLATION}, zone) (zonekeeper_records{${CHOSEN}, state=~"conflict|blocked|failed"}))`,
            },
          ],
          columns: { ...HEADINGS, zone: 'Zone', Value: 'Names' },
          steps: NONE_IS_GOOD,
        }),
        ranked({
          title: 'Zones by drifts in a day',
          description: 'Where somebody else changes records again and again. Yellow: more than one an hour.',
          to: 'drift',
          unit: 'short',
          queries: [
            {
              expr: `topk(20, sum by (${INSTALLATION}, zone) (round(increase(zonekeeper_drift_detected_total{${CHOSEN}}[24h]))))`,
            },
          ],
          steps: [
            [null, GREEN],
            [25, YELLOW],
          ],
          columns: { ...HEADINGS, zone: 'Zone', Value: 'Drifts' },
        }),
        ranked({
          title: 'Zones by time since the last good look',
          description: 'The oldest knowledge first. Never: the present leader has not seen the zone once.',
          sayings: [NEVER],
          to: 'drift',
          unit: 's',
          queries: [
            {
              expr: `topk(20, time() - max by (${INSTALLATION}, zone) (zonekeeper_last_success_timestamp_seconds{${CHOSEN}}))`,
            },
          ],
          columns: { ...HEADINGS, zone: 'Zone', Value: 'Since' },
          steps: [
            [null, GREEN],
            [Number(THRESHOLDS.syncStaleSeconds.value), RED],
          ],
        }),
        ranked({
          title: 'Installations by API budget left',
          description:
            'Share of ZONEKEEPER_API_BUDGET, the scarcest first: share one Cloudflare user among fewer tools, or give an installation one of its own.',
          to: 'controller',
          fewest: true,
          unit: 'percentunit',
          queries: [{ expr: `bottomk(20, ${budgetLeft(CHOSEN)})` }],
          steps: BUDGET_LEFT,
          columns: { ...HEADINGS, Value: 'Left' },
        }),
      ],
    },
    {
      title: 'Over time',
      panels: [
        {
          kind: 'timeseries',
          title: 'Names by installation',
          description: 'All states together.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (${INSTALLATION}) (zonekeeper_records{${CHOSEN}})`,
              legend: INSTALLATION_LEGEND,
            },
          ],
          width: 12,
          height: 8,
          min: 0,
        },
        {
          kind: 'timeseries',
          title: 'Changes by installation',
          description: 'Changes that were made, in a minute.',
          unit: PER_MINUTE,
          queries: [
            {
              expr: `sum by (${INSTALLATION}) (rate(zonekeeper_changes_total{${CHOSEN}, result="done"}[$__rate_interval])) * 60`,
              legend: INSTALLATION_LEGEND,
            },
          ],
          width: 12,
          height: 8,
          min: 0,
        },
      ],
    },
  ],
};
