import { createHash } from 'node:crypto';
import type { Series } from '../support/prometheus.ts';
import type { Named, Span } from './graph.ts';
import { drawPanel } from './panel.ts';
import { asSent, type Dashboard, type Panel, panelsOf } from './queries.ts';
import { FAINT, GRID, rect, text } from './svg.ts';

/** Pixels for a column of Grafana's 24, and for one unit of height. */
const COLUMN = 50;
const UNIT = 30;
/** Units above the first panel, for the title. */
const HEAD = 2;
const MARK =
  "Drawn from the dashboard's JSON and the live test's data by a small renderer of ours: it is not Grafana, whose own picture is richer. Times are UTC.";

/** A dashboard as an SVG, with data from `ask`: where things stand, and what they show. Not Grafana's own drawing. */
export async function drawDashboard(dashboard: Dashboard, ask: Ask): Promise<string> {
  const panels = await Promise.all(dashboard.panels.map(async (panel) => ({ panel, data: await dataOf(panel, ask) })));
  return drawPicture(dashboard.title, panels).replace('<title>', `${stamp(dashboard)}\n<title>`);
}

/** Of what a picture is: it is out of date when this is not in it. */
export const stamp = (dashboard: Dashboard): string => `<!-- of panels ${digestOf(dashboard)} -->`;

/** Of all that is drawn: not of texts that Grafana shows when asked for, nor of what links lead to. */
function digestOf({ title, panels }: Dashboard): string {
  const drawn = panelsOf({ panels }).map(({ description, links, fieldConfig, ...panel }) => {
    const { links: _, ...defaults } = fieldConfig?.defaults ?? {};
    return { ...panel, defaults };
  });
  const rows = panels.map(({ type, title: heading, gridPos }) => ({ type, heading, gridPos }));
  return createHash('sha256').update(JSON.stringify({ title, rows, drawn })).digest('hex').slice(0, 16);
}

/** What asks Prometheus: over all that was scraped, or about now. */
export interface Ask {
  range(expr: string): Promise<Series[]>;
  now(expr: string): Promise<Series[]>;
}

/** A panel, and the answers to its queries. */
export interface Answered {
  readonly panel: Panel;
  readonly data: readonly Named[];
}

/** Panels with their data, where the dashboard puts them; all graphs show the same time. */
export function drawPicture(title: string, panels: readonly Answered[]): string {
  const span = spanOf(panels.flatMap(({ data }) => data));
  const bottom = Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h), 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN} ${(bottom + HEAD) * UNIT + 4}" font-family="Inter, Helvetica, Arial, sans-serif">`,
    `<title>The dashboard ${title}, drawn from live data</title>`,
    '<rect width="100%" height="100%" fill="#111217"/>',
    text(8, 26, title, { size: 20, weight: 600 }),
    text(8, 48, MARK, { fill: FAINT }),
    ...panels.flatMap((answered) => drawFrame(answered, span)),
    '</svg>\n',
  ].join('\n');
}

function drawFrame({ panel, data }: Answered, span: Span): string[] {
  const { x, y, w, h } = panel.gridPos;
  const box = { x: x * COLUMN + 4, y: (y + HEAD) * UNIT + 4, w: w * COLUMN - 8, h: h * UNIT - 8 };
  if (panel.type === 'row') return [text(box.x + 4, box.y + 18, panel.title, { size: 15, weight: 600 })];
  return [
    rect(box, '#181b1f', ` rx="3" stroke="${GRID}"`),
    text(box.x + 8, box.y + 18, panel.title, { size: 13, weight: 500 }),
    ...drawPanel(panel, { x: box.x + 8, y: box.y + 26, w: box.w - 16, h: box.h - 34 }, data, span),
  ];
}

async function dataOf({ title, targets = [] }: Panel, ask: Ask): Promise<Named[]> {
  const answers = targets.map(async ({ expr, legendFormat = '', instant = false }) =>
    (await (instant ? ask.now(asSent(expr)) : ask.range(asSent(expr)))).map((series) => ({
      name: nameOf(legendFormat, series.metric) || title,
      series,
    })),
  );
  return (await Promise.all(answers)).flat();
}

/** From the first to the last instant of any series. */
function spanOf(data: readonly Named[]): Span {
  const times = data.flatMap(({ series }) => series.times);
  const from = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const to = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return to > from ? { from, to } : { from: 0, to: 1 };
}

/** Empty for a series without the labels that the legend asks for: the 0 that stands in where nothing drifts. It is what the panel says. */
function nameOf(legend: string, metric: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').trim();
}
