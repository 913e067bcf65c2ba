import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { THRESHOLDS } from './objectives.ts';

/** One question to Prometheus. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** A text in place of a value: of exactly this one, of all from this one on, or of 0 divided by 0. */
export type Saying =
  | { readonly value: number; readonly says: string }
  | { readonly from: number; readonly says: string; readonly color: string }
  | { readonly nan: true; readonly says: string };

/** A dashboard that others lead to. */
type Target = 'drift' | 'controller';

/** A step of colour: from this value on; null for the lowest. */
export type Step = readonly [from: number | null, color: string];

/** A panel, as the three dashboards need them. */
export interface PanelSpec {
  readonly kind: 'stat' | 'timeseries' | 'table' | 'heatmap';
  readonly title: string;
  /** What one sees, and what to make of it. */
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly steps?: readonly Step[];
  /** Columns of 24, and rows. */
  readonly width: number;
  readonly height: number;
  readonly min?: number;
  readonly max?: number;
  readonly stacked?: boolean;
  /** The panel leads to the page with this filter on states, or (null) to all names, of the zone that is chosen. */
  readonly page?: string | null;
  /** Each series or row is of a zone, and leads to the page with this filter on states, or (null) to all names of the zone. */
  readonly zonePage?: string | null;
  /** A table's rows lead to this dashboard, with the row's installation and zone chosen; other panels with what is chosen here. */
  readonly to?: Target;
  /** A number stands beside its legend also where it is the only one. */
  readonly named?: boolean;
  readonly sayings?: readonly Saying[];
  /** A table's columns: label or `Value`, and the heading. */
  readonly columns?: Readonly<Record<string, string>>;
  /** A table begins with the least. */
  readonly fewest?: boolean;
}

/** What is chosen for a variable, as Grafana puts it into a text. */
export const chosen = (variable: string): string => `\${${variable}}`;

export const DATASOURCE = { type: 'prometheus', uid: chosen('datasource') };

/** The series of what is chosen above the dashboard. */
export const CHOSEN = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"';
export const OF_INSTANCE = `${CHOSEN}, instance=~"$instance"`;
export const OF_ZONE = `${CHOSEN}, zone=~"$zone"`;
/** One installation, and how it is called beside others. */
export const INSTALLATION = 'cluster, namespace, job';
export const INSTALLATION_LEGEND = '{{cluster}} {{namespace}} {{job}}';

/** What happens now and then, in a minute. */
export const PER_MINUTE = 'suffix:/min';

/** Good, worth a look, bad. */
export const GREEN = 'green';
export const YELLOW = 'yellow';
export const RED = 'red';
/** Any at all is bad. */
export const NONE_IS_GOOD: readonly Step[] = [
  [null, GREEN],
  [1, RED],
];
export const NONE_IS_BEST: readonly Step[] = [
  [null, GREEN],
  [1, YELLOW],
];
export const ONE_IS_GOOD: readonly Step[] = [
  [null, RED],
  [1, GREEN],
];
/** Of each installation exactly one. */
export const ONE_LEADS: readonly Step[] = [
  [null, RED],
  [1, GREEN],
  [2, RED],
];
/** From the third interval without a look on. */
export const OVERDUE: readonly Step[] = [
  [null, GREEN],
  [3, RED],
];
/**
 * By installation and zone, the intervals since the last look, 10 at most: so never is among them, and does not flatten the
 * rest. As of the scrape, since an interval may be shorter than the time between two.
 */
export function overdue(series: string, look: 'success' | 'check'): string {
  const last = `zonekeeper_last_${look}_timestamp_seconds{${series}}`;
  const interval = `(max by (${INSTALLATION}) (zonekeeper_drift_check_interval_seconds{${CHOSEN}}) > 0)`;
  return `clamp_max(min by (${INSTALLATION}, zone) (timestamp(${last}) - ${last}) / on (${INSTALLATION}) group_left () ${interval}, 10)`;
}
/** By installation, the share of the API budget that is left. The highest, because those who stand by have none. */
export const budgetLeft = (series: string): string =>
  `max by (${INSTALLATION}) (zonekeeper_api_budget_remaining{${series}}) / max by (${INSTALLATION}) (zonekeeper_api_budget_limit{${series}})`;
export const BUDGET_LEFT: readonly Step[] = [
  [null, RED],
  [Number(THRESHOLDS.budgetShare.value), YELLOW],
  [0.2, GREEN],
];
/** An age since 1970 is none: the time stamp is 0, because what it is of has never been. */
export const NEVER: Saying = { from: 1e9, says: 'never', color: RED };
const PLAIN: readonly Step[] = [[null, 'blue']];

/** The panel as Grafana's own builders make it. */
export function panel(spec: PanelSpec) {
  const builder = {
    stat: () => number(spec),
    timeseries: () => lines(spec),
    table: () => columns(new table.PanelBuilder(), spec),
    heatmap: () => new heatmap.PanelBuilder().calculate(false).yAxis(new heatmap.YAxisConfigBuilder().unit(spec.unit)),
  }[spec.kind]();
  builder
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(DATASOURCE)
    .span(spec.width)
    .height(spec.height)
    .thresholds(steps(spec.steps ?? PLAIN))
    .targets(spec.queries.map((query, index) => target(query, spec, String.fromCharCode(65 + index))));
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.sayings !== undefined) builder.mappings(spec.sayings.map(mapping));
  const links = panelLinks(spec);
  if (links.length > 0) builder.links(links);
  if (spec.zonePage !== undefined)
    builder.dataLinks([link(NAMES, pageOf(spec.zonePage, `zone=${chosen(zoneOf(spec))}`))]);
  if (spec.kind === 'table' && spec.to !== undefined) builder.dataLinks([link(LEADS[spec.to], rowTo(spec.to, spec))]);
  return builder;
}

function panelLinks({ kind, page, to, queries }: PanelSpec) {
  // Only where a zone can be chosen is there one to hand on.
  const zone = queries.some(({ expr }) => expr.includes('$zone')) ? chosen('zone:queryparam') : '';
  return [
    ...(page === undefined ? [] : [link(NAMES, pageOf(page, zone))]),
    ...(to === undefined || kind === 'table' ? [] : [link(LEADS[to], dashboardOf(to, CHOICES.map(handedOn)))]),
  ];
}

const NAMES = 'Show these names';
const LEADS: Readonly<Record<Target, string>> = { drift: 'Show the drift', controller: 'Show the controller' };

/** Where Grafana finds the zone: a series has labels, a row has columns. */
const zoneOf = ({ kind, columns = {} }: PanelSpec): string =>
  kind === 'table' ? `__data.fields.${columns.zone}` : '__field.labels.zone';

/** The page with a filter on states and on zones; the page understands Grafana's own `var-zone`, too. */
function pageOf(state: string | null, zone: string): string {
  const filters = [state === null ? '' : `state=${state}`, zone].filter(Boolean);
  return [`${chosen('page')}/dns`, filters.join('&')].filter(Boolean).join('?');
}

/** What both dashboards have to choose from. */
const CHOICES = ['cluster', 'namespace', 'job'] as const;
const handedOn = (variable: string): string => chosen(`${variable}:queryparam`);

const dashboardOf = (to: Target, choices: readonly string[]): string =>
  `/d/zonekeeper-${to}?${[handedOn('datasource'), ...choices, chosen('__url_time_range')].join('&')}`;

/** By the headings of the row's columns. A label that no series has is no column: then Grafana puts nothing there, which chooses just the series without it. */
const rowTo = (to: Target, { columns = {} }: PanelSpec): string =>
  dashboardOf(
    to,
    Object.entries(columns)
      .filter(([label]) => label !== 'Value')
      .map(([label, heading]) => `var-${label}=${chosen(`__data.fields.${heading}`)}`),
  );

function mapping(saying: Saying): dashboard.ValueMapping {
  const { says: text } = saying;
  if ('value' in saying) return { type: dashboard.MappingType.ValueToText, options: { [saying.value]: { text } } };
  if ('from' in saying)
    return {
      type: dashboard.MappingType.RangeToText,
      options: { from: saying.from, to: null, result: { text, color: saying.color } },
    };
  return {
    type: dashboard.MappingType.SpecialValue,
    options: { match: dashboard.SpecialValueMatch.NullAndNan, result: { text } },
  };
}

function link(title: string, url: string) {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).targetBlank(true);
}

function target(query: Query, { kind }: PanelSpec, refId: string) {
  const built = new prometheus.DataqueryBuilder()
    .refId(refId)
    .expr(query.expr)
    .legendFormat(query.legend ?? '');
  // What is so now: over a range, the last value would stand there also after everything died.
  if (kind === 'stat') return built.instant();
  if (kind === 'table') return built.instant().format(prometheus.PromQueryFormat.Table);
  if (kind === 'heatmap') return built.range().format(prometheus.PromQueryFormat.Heatmap);
  return built.range();
}

function steps(all: readonly Step[]) {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(all.map(([value, color]) => ({ value, color })));
}

function number({ named = false }: PanelSpec) {
  return new stat.PanelBuilder()
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(named ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Auto)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false));
}

function lines({ stacked, steps: own }: PanelSpec) {
  const builder = new timeseries.PanelBuilder()
    .lineWidth(1)
    .fillOpacity(stacked === true ? 30 : 8)
    .showPoints(common.VisibilityMode.Never)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .calcs([]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (stacked === true) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (own !== undefined && own.length > 1)
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
  return builder;
}

function columns(builder: table.PanelBuilder, { columns: wanted = {}, fewest = false }: PanelSpec) {
  const names = Object.keys(wanted);
  const heading = wanted.Value ?? 'Value';
  return builder
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'filterFieldsByName', options: { include: { names } } })
    .withTransformation({
      id: 'organize',
      options: { indexByName: Object.fromEntries(names.map((name, index) => [name, index])), renameByName: wanted },
    })
    .sortBy([new common.TableSortByFieldStateBuilder().displayName(heading).desc(!fewest)])
    .overrideByName(heading, [{ id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } }]);
}
