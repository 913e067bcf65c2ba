import type { DashboardSpec } from '../frame.ts';
import { THRESHOLDS } from '../objectives.ts';
import {
  CHOSEN,
  GREEN,
  INSTALLATION,
  INSTALLATION_LEGEND,
  NONE_IS_BEST,
  NONE_IS_GOOD,
  type PanelSpec,
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
          unit: 'short',
          queries: [{ expr: `count(sum by (${INSTALLATION}) (zonekeeper_build_info{${CHOSEN}}))` }],
        }),
        stat({
          title: 'Without a leader',
          description: 'Installations in which nobody leads.',
          unit: 'short',
          queries: [
            {
              expr: `count(max by (${INSTALLATION}) (leader_election_master_status{${CHOSEN}, name="zonekeeper"}) == 0) or vector(0)`,
            },
          ],
          steps: NONE_IS_GOOD,
        }),
        stat({
          title: 'Zones',
          description: 'Zones that are looked after.',
          unit: 'short',
          queries: [{ expr: `count(zonekeeper_last_check_timestamp_seconds{${CHOSEN}})` }],
        }),
        stat({
          title: 'Names',
          description: 'Names in all states.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper:records:sum{${CHOSEN}})` }],
        }),
        stat({
          title: 'Drifted names',
          description: 'Missing, modified or orphaned.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper:records:sum{${CHOSEN}, state=~"missing|modified|orphaned"})` }],
          steps: NONE_IS_BEST,
        }),
        stat({
          title: 'Need a person',
          description: 'Conflicts, held deletions and failures.',
          unit: 'short',
          queries: [{ expr: `sum(zonekeeper:records:sum{${CHOSEN}, state=~"conflict|blocked|failed"})` }],
          steps: NONE_IS_GOOD,
        }),
      ],
    },
    {
      title: 'Ranked',
      panels: [
        ranked({
          title: 'Zones by names that need a person',
          description: 'Conflicts, held deletions and failures, the worst first.',
          toDrift: true,
          unit: 'short',
          queries: [
            {
              // Names that no zone holds fail, too.
              expr: `label_replace(topk(20, sum by (${INSTALLATION}, zone) (zonekeeper_records{${CHOSEN}, state=~"conflict|blocked|failed"})), "zone", "(none)", "zone", "")`,
            },
          ],
          columns: { ...HEADINGS, zone: 'Zone', Value: 'Names' },
          steps: NONE_IS_GOOD,
        }),
        ranked({
          title: 'Zones by drifts in a day',
          description: 'Where somebody else changes records again and again.',
          toDrift: true,
          unit: 'short',
          queries: [
            {
              expr: `topk(20, sum by (${INSTALLATION}, zone) (increase(zonekeeper_drift_detected_total{${CHOSEN}}[24h])))`,
            },
          ],
          steps: [
            [null, GREEN],
            [10, YELLOW],
            [100, RED],
          ],
          columns: { ...HEADINGS, zone: 'Zone', Value: 'Drifts' },
        }),
        ranked({
          title: 'Zones by time since the last good look',
          description: 'The oldest knowledge first.',
          toDrift: true,
          unit: 's',
          queries: [
            {
              expr: `topk(20, time() - max by (${INSTALLATION}, zone) (zonekeeper_last_success_timestamp_seconds{${CHOSEN}} > 0))`,
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
            'The scarcest first: share one Cloudflare user among fewer tools, or give an installation one of its own.',
          unit: 'short',
          queries: [{ expr: `bottomk(20, max by (${INSTALLATION}) (zonekeeper_api_budget_remaining{${CHOSEN}}))` }],
          steps: [
            [null, RED],
            [Number(THRESHOLDS.budgetShare.value), YELLOW],
            [200, GREEN],
          ],
          columns: { ...HEADINGS, Value: 'Calls left' },
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
              expr: `sum by (${INSTALLATION}) (zonekeeper:records:sum{${CHOSEN}})`,
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
          unit: 'short',
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
