import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { CHOSEN, chosen, DATASOURCE, INSTALLATION, INSTALLATION_LEGEND, type PanelSpec, panel } from './panels.ts';

/** A row of panels under a heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** A dashboard, before it is Grafana's JSON. */
export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Variables beside cluster, namespace and job. */
  readonly variables: readonly ('instance' | 'zone')[];
  readonly rows: readonly Row[];
  /** From, as in `now-6h`. */
  readonly from: string;
}

const TAG = 'zonekeeper';
/** Where the page is unless somebody says otherwise. The chart looks for this text and puts the place that it knows there. */
export const PAGE = 'http://127.0.0.1:8080';

/** What a variable's choices come from: each narrows those after it. */
const VARIABLES = {
  cluster: 'label_values(zonekeeper_build_info, cluster)',
  namespace: 'label_values(zonekeeper_build_info{cluster=~"$cluster"}, namespace)',
  job: 'label_values(zonekeeper_build_info{cluster=~"$cluster", namespace=~"$namespace"}, job)',
  instance: `label_values(zonekeeper_build_info{${CHOSEN}}, instance)`,
  zone: `label_values(zonekeeper_last_check_timestamp_seconds{${CHOSEN}}, zone)`,
} as const;

/** Grafana's JSON of a dashboard, for Grafana 10 and newer. */
export function frame(spec: DashboardSpec): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([TAG, 'dns'])
    .timezone('browser')
    .time({ from: spec.from, to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('Zonekeeper')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .link(
      new dashboard.DashboardLinkBuilder('DNS Records')
        .type(dashboard.DashboardLinkType.Link)
        .url(chosen('page'))
        .targetBlank(true),
    )
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const name of ['cluster', 'namespace', 'job', ...spec.variables] as const) builder.withVariable(variable(name));
  builder.withVariable(
    new dashboard.TextBoxVariableBuilder('page')
      .label('Page')
      .description('Where the page "DNS Records" of the installation is, for links from panels')
      .defaultValue(PAGE),
  );
  for (const annotation of annotations(spec.variables.includes('zone'))) builder.annotation(annotation);
  for (const { title, panels } of spec.rows) {
    builder.withRow(new dashboard.RowBuilder(title));
    for (const one of panels) builder.withPanel(panel(one));
  }
  return builder.build();
}

function variable(name: keyof typeof VARIABLES) {
  return (
    new dashboard.QueryVariableBuilder(name)
      .label(`${name[0]?.toUpperCase()}${name.slice(1)}`)
      .datasource(DATASOURCE)
      .query({ query: VARIABLES[name], refId: `variable-${name}` })
      .definition(VARIABLES[name])
      .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
      .sort(dashboard.VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      // A label that is not there counts as chosen, too.
      .allValue('.*')
      .current({ text: ['All'], value: ['$__all'] })
  );
}

/** A minute between scrapes leaves two of them in it: with fewer there is no increase to be seen. Over long ranges, Grafana takes a longer one. */
const STEP = '2m';

function annotations(zones: boolean) {
  const of = (name: string, expr: string, color: string, text: string) =>
    new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(DATASOURCE)
      .iconColor(color)
      .enable(true)
      .expr(expr)
      .titleFormat(name)
      .textFormat(text)
      .step(STEP)
      .target(new prometheus.DataqueryBuilder().refId('Anno').expr(expr).range());
  const series = zones ? `${CHOSEN}, zone=~"$zone"` : CHOSEN;
  // As long as a step, whatever the range: a fixed window would miss what lies between two steps.
  const changed = `sum by (${INSTALLATION}, zone, action) (increase(zonekeeper_changes_total{${series}, result="done"}[$__rate_interval])) > 0`;
  const leader = `changes(leader_election_master_status{${CHOSEN}, name="zonekeeper"}[$__rate_interval]) > 0`;
  return [
    of('Changes', changed, 'blue', `{{action}} in {{zone}}, ${INSTALLATION_LEGEND}`),
    of('Leader changed', leader, 'purple', `{{instance}}, ${INSTALLATION_LEGEND}`),
  ];
}
