import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** One question to Prometheus. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

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
  /** A state of names: the panel leads to the page with this filter. */
  readonly page?: string;
  /** Each series or row is of a zone, and leads to the page with this filter on states, or (null) to all names of the zone. */
  readonly zonePage?: string | null;
  /** Each row leads to the dashboard on drift, with the row's job and zone chosen. */
  readonly toDrift?: boolean;
  /** A table's columns: label or `Value`, and the heading. */
  readonly columns?: Readonly<Record<string, string>>;
  /** What is shown where nothing comes back. */
  readonly nothing?: string;
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
const PLAIN: readonly Step[] = [[null, 'blue']];

/** The panel as Grafana's own builders make it. */
export function panel(spec: PanelSpec) {
  const builder = {
    stat: () =>
      new stat.PanelBuilder().colorMode(common.BigValueColorMode.Background).graphMode(common.BigValueGraphMode.Area),
    timeseries: () => lines(spec),
    table: () => columns(new table.PanelBuilder(), spec),
    heatmap: () => new heatmap.PanelBuilder().calculate(false),
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
  if (spec.nothing !== undefined) builder.noValue(spec.nothing);
  if (spec.page !== undefined) builder.links([link('Show these names', pageOf(spec.page, chosen('zone:queryparam')))]);
  if (spec.zonePage !== undefined)
    builder.dataLinks([link('Show these names', pageOf(spec.zonePage, `zone=${chosen('__field.labels.zone')}`))]);
  if (spec.toDrift === true) builder.dataLinks([link('Show the drift of this zone', TO_DRIFT)]);
  return builder;
}

/** The page with a filter on states and on zones; the page understands Grafana's own `var-zone`, too. */
const pageOf = (state: string | null, zone: string): string =>
  `${chosen('page')}/dns?${state === null ? '' : `state=${state}&`}${zone}`;

/** By the headings of the row's columns. */
const TO_DRIFT = `/d/zonekeeper-drift?var-job=${chosen('__data.fields.Job')}&var-zone=${chosen('__data.fields.Zone')}&${chosen('__url_time_range')}`;

function link(title: string, url: string) {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).targetBlank(true);
}

function target(query: Query, { kind }: PanelSpec, refId: string) {
  const built = new prometheus.DataqueryBuilder()
    .refId(refId)
    .expr(query.expr)
    .legendFormat(query.legend ?? '');
  if (kind === 'table') return built.instant().format(prometheus.PromQueryFormat.Table);
  if (kind === 'heatmap') return built.range().format(prometheus.PromQueryFormat.Heatmap);
  return built.range();
}

function steps(all: readonly Step[]) {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(all.map(([value, color]) => ({ value, color })));
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

function columns(builder: table.PanelBuilder, { columns: wanted = {} }: PanelSpec) {
  const names = Object.keys(wanted);
  return builder
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'filterFieldsByName', options: { include: { names } } })
    .withTransformation({
      id: 'organize',
      options: { indexByName: Object.fromEntries(names.map((name, index) => [name, index])), renameByName: wanted },
    });
}
