import { readdirSync, readFileSync } from 'node:fs';
import { DASHBOARDS, monitoringFiles } from '../../scripts/monitoring.ts';

/** A query, and where it stands. */
export interface NamedQuery {
  readonly where: string;
  readonly expr: string;
}

/** As Grafana writes it: one value, a range (`null` without an end), or a special value. */
export type Mapping =
  | { readonly type: 'value'; readonly options: Readonly<Record<string, { readonly text: string }>> }
  | {
      readonly type: 'range';
      readonly options: {
        readonly from: number | null;
        readonly to: number | null;
        readonly result: { readonly text: string };
      };
    }
  | {
      readonly type: 'special';
      readonly options: { readonly match: string; readonly result: { readonly text: string } };
    };

/** A panel, as far as the tests look at it. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string; readonly instant?: boolean }[];
  readonly options?: {
    readonly textMode?: string;
    readonly reduceOptions?: { readonly calcs: readonly string[] };
    readonly sortBy?: readonly { readonly desc?: boolean }[];
  };
  readonly links?: readonly { readonly url: string }[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly links?: readonly { readonly url: string }[];
      readonly unit?: string;
      readonly min?: number;
      readonly max?: number;
      /** What stands there in place of a value. */
      readonly mappings?: readonly Mapping[];
      readonly custom?: {
        readonly stacking?: { readonly mode: string };
        readonly thresholdsStyle?: { readonly mode: string };
      };
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null; readonly color: string }[] };
    };
  };
  readonly transformations?: readonly {
    readonly id: string;
    readonly options: {
      readonly indexByName?: Readonly<Record<string, number>>;
      readonly renameByName?: Readonly<Record<string, string>>;
    };
  }[];
  readonly panels?: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr?: string; readonly textFormat?: string }[];
  };
}

/** The dashboards as they are committed. */
export function dashboards(): Dashboard[] {
  const files = monitoringFiles();
  return Object.keys(DASHBOARDS).map((name) => JSON.parse(files.get(`deploy/grafana/${name}`) ?? '') as Dashboard);
}

/** All panels, those in rows included. */
export function panelsOf({ panels }: Pick<Dashboard, 'panels'>): Panel[] {
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

const METRIC =
  /\b((?:zonekeeper|workqueue|controller_runtime|leader_election|process|nodejs)[_:][a-z0-9_:]+)(\{[^}]*\})?/g;

/** The series that an expression asks for, such as `zonekeeper_records{state="failed"}`. */
export function selectorsIn(expr: string): string[] {
  return [...expr.matchAll(METRIC)].map(([selector]) => selector);
}

/** The queries that runbooks tell people to ask, a line each. */
export function runbookQueries(): NamedQuery[] {
  return readdirSync('docs/runbooks').flatMap((file) =>
    [...readFileSync(`docs/runbooks/${file}`, 'utf8').matchAll(/^```promql\n([\s\S]*?)^```$/gm)].flatMap(
      ([, block = '']) =>
        block
          .split('\n')
          .filter((line) => line !== '')
          .map((expr) => ({ where: file, expr })),
    ),
  );
}

/** With all variables at "All", and a rate over enough scrapes. */
export function asSent(expr: string): string {
  return expr.replaceAll('$__rate_interval', '15s').replace(/"\$(cluster|namespace|job|instance|zone)"/g, '".*"');
}
