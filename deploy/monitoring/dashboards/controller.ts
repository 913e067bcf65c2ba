import type { DashboardSpec } from '../frame.ts';
import { OBJECTIVE_SECONDS, THRESHOLDS } from '../objectives.ts';
import {
  BUDGET_LEFT,
  budgetLeft,
  GREEN,
  INSTALLATION,
  INSTALLATION_LEGEND,
  NONE_IS_BEST,
  OF_INSTANCE,
  ONE_IS_GOOD,
  ONE_LEADS,
  OVERDUE,
  overdue,
  type PanelSpec,
  PER_MINUTE,
  RED,
  type Step,
  YELLOW,
} from '../panels.ts';

const stat = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'> & { width?: number }): PanelSpec => ({
  kind: 'stat',
  width: 4,
  height: 4,
  ...spec,
});
const graph = (spec: Omit<PanelSpec, 'kind' | 'width' | 'height'> & { width?: number }): PanelSpec => ({
  kind: 'timeseries',
  width: 8,
  height: 8,
  ...spec,
});
const quantiles = (metric: string, labels: string) =>
  [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${metric}_bucket{${labels}}[$__rate_interval])))`,
    legend: `p${quantile * 100}`,
  }));
/** For what is a part of the way from a commit to a record. */
const IN_TIME: readonly Step[] = [
  [null, GREEN],
  [OBJECTIVE_SECONDS, RED],
];
const WHOLE_WAY = `The objective for the whole way of a change is ${OBJECTIVE_SECONDS} s.`;
const YES_OR_NO = [
  { value: 0, says: 'no' },
  { value: 1, says: 'yes' },
];
const QUEUE = `${OF_INSTANCE}, name="names"`;
const RUNS = `${OF_INSTANCE}, controller="dns"`;

/** How the daemon itself is: queue, workers, API budget, Cloudflare, PostgreSQL, runtime. */
export const CONTROLLER: DashboardSpec = {
  uid: 'zonekeeper-controller',
  title: 'Zonekeeper / Controller',
  description: 'How the daemon itself is: queue, workers, API budget, Cloudflare, PostgreSQL, runtime.',
  variables: ['instance'],
  from: 'now-3h',
  rows: [
    {
      title: 'Status',
      panels: [
        stat({
          title: 'Leaders',
          description: 'Processes that lead, by installation. Exactly one should in each.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (${INSTALLATION}) (leader_election_master_status{${OF_INSTANCE}, name="zonekeeper"})`,
              legend: INSTALLATION_LEGEND,
            },
          ],
          steps: ONE_LEADS,
          named: true,
        }),
        stat({
          title: 'Processes by version',
          description: 'Daemons that are seen, those that stand by included. Two versions are an upgrade under way.',
          unit: 'short',
          queries: [{ expr: `sum by (version) (zonekeeper_build_info{${OF_INSTANCE}})`, legend: '{{version}}' }],
          steps: ONE_IS_GOOD,
          named: true,
        }),
        stat({
          title: 'Hears of changes',
          description:
            'Whether PostgreSQL announces changes to all processes. Where it does not, only the resync finds them.',
          unit: 'short',
          queries: [{ expr: `min(zonekeeper_source_connected{${OF_INSTANCE}})` }],
          steps: ONE_IS_GOOD,
          sayings: YES_OR_NO,
        }),
        stat({
          title: 'API budget left',
          description:
            'Share of the calls of five minutes that may still leave, by installation. Near 0, changes wait.',
          unit: 'percentunit',
          // Not of all together, or a full budget would hide a spent one.
          queries: [{ expr: budgetLeft(OF_INSTANCE), legend: INSTALLATION_LEGEND }],
          steps: BUDGET_LEFT,
          named: true,
        }),
        stat({
          title: 'Waiting names',
          description:
            'Names that wait for a worker. A storm fills the queue for seconds; what matters is how long they wait.',
          unit: 'short',
          queries: [{ expr: `sum(workqueue_depth{${QUEUE}})` }],
        }),
        stat({
          title: 'Failed runs in an hour',
          description: 'Runs of names that failed and are tried again.',
          unit: 'short',
          queries: [{ expr: `sum(round(increase(controller_runtime_reconcile_errors_total{${RUNS}}[1h])))` }],
          steps: NONE_IS_BEST,
        }),
      ],
    },
    {
      title: 'Queue and workers',
      panels: [
        graph({
          title: 'Names waiting',
          description: "By priority: a person's sync goes before a change, a retry, a periodic check.",
          unit: 'short',
          queries: [{ expr: `sum by (priority) (workqueue_depth{${QUEUE}})`, legend: '{{priority}}' }],
          stacked: true,
          min: 0,
        }),
        graph({
          title: 'Time in the queue',
          description: `From being put on the queue to being taken by a worker. ${WHOLE_WAY}`,
          unit: 's',
          queries: quantiles('workqueue_queue_duration_seconds', QUEUE),
          steps: IN_TIME,
          min: 0,
        }),
        graph({
          title: 'Time in work',
          description: `From being taken to being done, waits for a batch and for the API budget included. ${WHOLE_WAY}`,
          unit: 's',
          queries: quantiles('workqueue_work_duration_seconds', QUEUE),
          steps: IN_TIME,
          min: 0,
        }),
        graph({
          title: 'Names put on the queue and tried again',
          description: 'In a second. Retries that stay up are names that Cloudflare refuses.',
          unit: 'ops',
          queries: [
            { expr: `sum(rate(workqueue_adds_total{${QUEUE}}[$__rate_interval]))`, legend: 'added' },
            { expr: `sum(rate(workqueue_retries_total{${QUEUE}}[$__rate_interval]))`, legend: 'tried again' },
          ],
          min: 0,
        }),
        graph({
          title: 'Runs by result',
          description: 'In a second, as controller-runtime names the results.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (result) (rate(controller_runtime_reconcile_total{${RUNS}}[$__rate_interval]))`,
              legend: '{{result}}',
            },
          ],
          stacked: true,
          min: 0,
        }),
        graph({
          title: 'Duration of runs',
          description: `How long a worker is busy with one name. ${WHOLE_WAY}`,
          unit: 's',
          queries: quantiles('controller_runtime_reconcile_time_seconds', RUNS),
          steps: IN_TIME,
          min: 0,
        }),
        graph({
          title: 'Workers in use',
          description:
            'Names in process, as a share of how many may be at once (ZONEKEEPER_CONCURRENCY). At 100 % the others wait in the queue.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (${INSTALLATION}) (controller_runtime_active_workers{${RUNS}}) / max by (${INSTALLATION}) (controller_runtime_max_concurrent_reconciles{${RUNS}})`,
              legend: INSTALLATION_LEGEND,
            },
          ],
          steps: [
            [null, GREEN],
            [1, YELLOW],
          ],
          min: 0,
        }),
        graph({
          title: 'Longest running name',
          description:
            'Age of the longest run, and the time spent on all names in process. A line that rises without end is a name that hangs.',
          unit: 's',
          queries: [
            { expr: `max(workqueue_longest_running_processor_seconds{${QUEUE}})`, legend: 'longest' },
            { expr: `max(workqueue_unfinished_work_seconds{${QUEUE}})`, legend: 'all together' },
          ],
          steps: [
            [null, GREEN],
            [Number(THRESHOLDS.queueStuckSeconds.value), RED],
          ],
          min: 0,
        }),
        graph({
          title: 'Operations of people',
          description: 'Syncs, plans, deletions and adoptions that have ended, in an hour.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (trigger, result) (round(increase(zonekeeper_sync_total{${OF_INSTANCE}}[1h])))`,
              legend: '{{trigger}} {{result}}',
            },
          ],
          min: 0,
        }),
      ],
    },
    {
      title: 'Cloudflare',
      panels: [
        graph({
          title: 'Calls by operation',
          description: 'In a minute. One batch carries up to 3,500 changes.',
          unit: PER_MINUTE,
          queries: [
            {
              expr: `sum by (operation) (rate(zonekeeper_cloudflare_requests_total{${OF_INSTANCE}}[$__rate_interval])) * 60`,
              legend: '{{operation}}',
            },
          ],
          stacked: true,
          min: 0,
        }),
        graph({
          title: 'Calls that failed, by answer',
          description: `Share of all calls. 401 and 403: the token. 429: the limit. 5xx, timeout, connection: Cloudflare or the way to it; an alert fires from ${Number(THRESHOLDS.failureShare.value) * 100} % of the calls of one operation on.`,
          unit: 'percentunit',
          queries: [
            {
              expr:
                `sum by (code) (rate(zonekeeper_cloudflare_requests_total{${OF_INSTANCE}, code!="200"}[$__rate_interval]))` +
                ` / ignoring (code) group_left () (sum(rate(zonekeeper_cloudflare_requests_total{${OF_INSTANCE}}[$__rate_interval])) > 0)`,
              legend: '{{code}}',
            },
          ],
          steps: [
            [null, GREEN],
            [Number(THRESHOLDS.failureShare.value), RED],
          ],
          min: 0,
        }),
        graph({
          title: 'Duration of calls',
          description: `Without the wait for the budget: 95 % of the calls are quicker. ${WHOLE_WAY}`,
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (operation, le) (rate(zonekeeper_cloudflare_request_duration_seconds_bucket{${OF_INSTANCE}}[$__rate_interval])))`,
              legend: '{{operation}}',
            },
          ],
          steps: IN_TIME,
          min: 0,
        }),
        graph({
          title: 'API budget left',
          description: 'By our own count, over five minutes, as a share of what ZONEKEEPER_API_BUDGET allows.',
          unit: 'percentunit',
          queries: [{ expr: budgetLeft(OF_INSTANCE), legend: INSTALLATION_LEGEND }],
          steps: BUDGET_LEFT,
          min: 0,
          max: 1,
        }),
        graph({
          title: 'Operations in a batch',
          description: 'How full batches are. A lone change leaves alone at once; a storm fills them.',
          unit: 'short',
          queries: [0.5, 0.95].map((quantile) => ({
            expr: `histogram_quantile(${quantile}, sum by (le) (rate(zonekeeper_cloudflare_batch_operations_bucket{${OF_INSTANCE}}[$__rate_interval])))`,
            legend: `p${quantile * 100}`,
          })),
          min: 0,
        }),
        graph({
          title: 'Time since the last look ended',
          description:
            'Well or not, in intervals between two looks, the ten oldest zones: a zone that is not even tried has no place in the budget. 10 stands for 10 and more, and for never.',
          unit: 'short',
          queries: [{ expr: `topk(10, max by (zone) (${overdue(OF_INSTANCE, 'check')}))`, legend: '{{zone}}' }],
          steps: OVERDUE,
          min: 0,
        }),
      ],
    },
    {
      title: 'PostgreSQL and leadership',
      panels: [
        graph({
          title: 'Who leads',
          description: 'By process. The line moves to another process when it takes over.',
          unit: 'short',
          queries: [
            { expr: `leader_election_master_status{${OF_INSTANCE}, name="zonekeeper"}`, legend: '{{instance}}' },
          ],
          stacked: true,
          width: 12,
          min: 0,
        }),
        graph({
          title: 'Hears of changes',
          description: 'By process: 1 while LISTEN stands, 0 while only the resync finds changes.',
          unit: 'short',
          queries: [{ expr: `zonekeeper_source_connected{${OF_INSTANCE}}`, legend: '{{instance}}' }],
          steps: ONE_IS_GOOD,
          width: 12,
          min: 0,
          max: 1,
        }),
        graph({
          title: 'Duration of statements',
          description:
            'The wait for a connection included. A rise of all three is a slow server or disk; of p99 alone, a lock or the large statements of a resync. A change needs several: above 1 s the objective is lost.',
          unit: 's',
          queries: quantiles('zonekeeper_postgres_statement_duration_seconds', OF_INSTANCE),
          steps: [
            [null, GREEN],
            [1, RED],
          ],
          min: 0,
        }),
        graph({
          title: 'Connections',
          description: 'Of the pool, eight a process at most. Those for LISTEN are not among them.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (instance, state) (zonekeeper_postgres_connections{${OF_INSTANCE}})`,
              legend: '{{instance}} {{state}}',
            },
          ],
          min: 0,
        }),
        graph({
          title: 'Waiting for a connection',
          description:
            'Statements and transactions that find no free connection. Above 0 for long, PostgreSQL is slow.',
          unit: 'short',
          queries: [
            { expr: `sum by (instance) (zonekeeper_postgres_waiting{${OF_INSTANCE}})`, legend: '{{instance}}' },
          ],
          steps: [
            [null, GREEN],
            [1, YELLOW],
          ],
          min: 0,
        }),
      ],
    },
    {
      title: 'Runtime',
      panels: [
        graph({
          title: 'CPU',
          description:
            'Share of one core. An idle daemon needs less than 1 %; at 100 % it can do no more, since JavaScript runs on one.',
          unit: 'percentunit',
          queries: [
            {
              expr: `rate(process_cpu_seconds_total{${OF_INSTANCE}}[$__rate_interval]) and on (instance, job) zonekeeper_build_info`,
              legend: '{{instance}}',
            },
          ],
          steps: [
            [null, GREEN],
            [0.5, YELLOW],
            [0.9, RED],
          ],
          min: 0,
        }),
        graph({
          title: 'Memory',
          description: 'Resident memory, and the part of it that is JavaScript.',
          unit: 'bytes',
          queries: [
            {
              expr: `process_resident_memory_bytes{${OF_INSTANCE}} and on (instance, job) zonekeeper_build_info`,
              legend: '{{instance}} resident',
            },
            {
              expr: `nodejs_heap_size_used_bytes{${OF_INSTANCE}} and on (instance, job) zonekeeper_build_info`,
              legend: '{{instance}} heap',
            },
          ],
          min: 0,
        }),
        graph({
          title: 'Delay of the event loop',
          description:
            'How late the process comes to its work: 99 % of the measurements are below. A few milliseconds when idle; above 100 ms it has too much to do at once.',
          unit: 's',
          queries: [
            {
              expr: `nodejs_eventloop_lag_p99_seconds{${OF_INSTANCE}} and on (instance, job) zonekeeper_build_info`,
              legend: '{{instance}}',
            },
          ],
          steps: [
            [null, GREEN],
            [0.1, YELLOW],
            [1, RED],
          ],
          min: 0,
        }),
        graph({
          title: 'Time since the start',
          description: 'A saw-tooth is a process that ends again and again.',
          unit: 's',
          queries: [
            {
              expr: `time() - process_start_time_seconds{${OF_INSTANCE}} and on (instance, job) zonekeeper_build_info`,
              legend: '{{instance}}',
            },
          ],
          width: 24,
          min: 0,
        }),
      ],
    },
  ],
};
