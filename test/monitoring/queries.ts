import { DASHBOARDS, monitoringFiles } from '../../scripts/monitoring.ts';

/** A query, and where it stands. */
export interface NamedQuery {
  readonly where: string;
  readonly expr: string;
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string; readonly thresholds?: unknown } };
  readonly panels?: readonly Panel[];
}

export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
}

/** The dashboards as they are committed. */
export function dashboards(): Dashboard[] {
  const files = monitoringFiles();
  return Object.keys(DASHBOARDS).map((name) => JSON.parse(files.get(`deploy/grafana/${name}`) ?? '') as Dashboard);
}

/** All panels, those in rows included. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}

/** Every query of every panel and annotation, with everything chosen, as Grafana would send it. */
export function allQueries(): NamedQuery[] {
  return dashboards().flatMap((dashboard) => [
    ...panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `${dashboard.title}: ${title}`, expr: asSent(expr) })),
    ),
    ...dashboard.annotations.list.flatMap(({ name, expr }) =>
      expr === undefined ? [] : [{ where: `${dashboard.title}: annotation ${name}`, expr: asSent(expr) }],
    ),
  ]);
}

/** With all variables at "All", and a rate over enough scrapes. */
function asSent(expr: string): string {
  return expr.replaceAll('$__rate_interval', '15s').replace(/"\$(cluster|namespace|job|instance|zone)"/g, '".*"');
}
