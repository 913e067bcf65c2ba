import type { Row } from '../frame.ts';
import { BURN_RATES, OBJECTIVE, OBJECTIVE_SECONDS, WITHIN_OBJECTIVE } from '../objectives.ts';
import { GREEN, OF_ZONE, type PanelSpec, RED, YELLOW } from '../panels.ts';

/** The share of changes that may be late. */
const ALLOWED = Number((1 - OBJECTIVE).toFixed(6));
/** From this rate on the quickest pair of windows calls somebody. */
const PAGED = Math.max(...BURN_RATES.map(({ factor }) => factor));

const graph = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'>): PanelSpec => ({
  kind: 'timeseries',
  width: 12,
  height: 8,
  ...spec,
});

/** What the objectives speak of: what people change is one thing, what others changed and is repaired another. */
type Trigger = 'change' | 'drift';

const of = (metric: string, trigger: Trigger) => `${metric}{${OF_ZONE}, trigger="${trigger}"}`;

const times = (trigger: Trigger, title: string, from: string): PanelSpec =>
  graph({
    title,
    description: `From ${from} to Cloudflare having confirmed the change: half, 95 % and 99 % of them are quicker. The objective is ${OBJECTIVE_SECONDS} s.`,
    unit: 's',
    page: null,
    queries: [0.5, 0.95, 0.99].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(${of('zonekeeper_converge_duration_seconds_bucket', trigger)}[$__rate_interval])))`,
      legend: `p${quantile * 100}`,
    })),
    steps: [
      [null, GREEN],
      [OBJECTIVE_SECONDS, RED],
    ],
    min: 0,
  });

const spread = (trigger: Trigger, title: string, what: string): PanelSpec => ({
  kind: 'heatmap',
  title,
  description: `Each column shows how many ${what} took how long. A second band far above the first is a retry, a spent budget or a slow zone.`,
  unit: 's',
  queries: [
    {
      expr: `sum by (le) (round(increase(${of('zonekeeper_converge_duration_seconds_bucket', trigger)}[$__rate_interval])))`,
      legend: '{{le}}',
    },
  ],
  width: 12,
  height: 8,
});

const BOTH = `${OF_ZONE}, trigger=~"change|drift"`;
const inTime = (window: string) =>
  `sum by (trigger) (rate(zonekeeper_converge_duration_seconds_bucket{${BOTH}, ${WITHIN_OBJECTIVE}}[${window}]))`;
/** Counted when the objective has passed, not when they are done at last: who never arrives is late, too. */
const late = (window: string) => `sum by (trigger) (rate(zonekeeper_converge_late_total{${BOTH}}[${window}]))`;
const share = (part: (window: string) => string, window: string) =>
  `${part(window)} / (${inTime(window)} + ${late(window)} > 0)`;

/** How quickly changes and repairs are at Cloudflare, against the objectives. */
export const CONVERGENCE: Row = {
  title: 'How quickly',
  panels: [
    times('change', 'From commit to record', 'the commit in PostgreSQL'),
    times('drift', 'From detection to repair', 'the look that found a drift'),
    spread('change', 'How the times of changes are spread', 'changes'),
    spread('drift', 'How the times of repairs are spread', 'repairs'),
    graph({
      title: 'Share in time',
      description: `Share of changes (trigger change) and repairs (trigger drift) that were at Cloudflare within ${OBJECTIVE_SECONDS} s; the objective is ${OBJECTIVE * 100} %. What is not there yet counts as late as soon as it is.`,
      unit: 'percentunit',
      page: null,
      steps: [
        [null, RED],
        [OBJECTIVE, GREEN],
      ],
      queries: [{ expr: share(inTime, '$__rate_interval'), legend: '{{trigger}}' }],
      max: 1,
    }),
    graph({
      title: 'Error budget burning',
      description: `How many times quicker than allowed late changes and repairs use up the budget of 30 days, over an hour. Above ${PAGED} somebody is called.`,
      unit: 'short',
      page: null,
      queries: [{ expr: `${share(late, '1h')} / ${ALLOWED}`, legend: '{{trigger}}' }],
      steps: [
        [null, GREEN],
        [1, YELLOW],
        [PAGED, RED],
      ],
      min: 0,
    }),
  ],
};
