import type { Series } from '../support/prometheus.ts';
import { asSent, type Dashboard, type Panel } from './queries.ts';

/** Pixels for a column of Grafana's 24, and for one unit of height. */
const COLUMN = 50;
const UNIT = 30;
const COLOURS = ['#5794f2', '#73bf69', '#ff9830', '#f2495c', '#b877d9', '#8ab8ff', '#fade2a', '#96d98d'];
const NAMED: Readonly<Record<string, string>> = {
  green: '#37872d',
  yellow: '#b58a00',
  red: '#c4162a',
  blue: '#1f60c4',
};
const MARK =
  "Drawn from the dashboard's JSON and live data by a small renderer of ours. Grafana's own picture is richer.";
const MAX_SERIES = 8;

/** A dashboard as an SVG, with data from `ask`: where things stand, and what they show. Not Grafana's own drawing. */
export async function drawDashboard(dashboard: Dashboard, ask: (expr: string) => Promise<Series[]>): Promise<string> {
  const placed: string[] = [];
  let bottom = 2;
  for (const panel of dashboard.panels) {
    const { x, y, w, h } = panel.gridPos;
    bottom = Math.max(bottom, y + h + 2);
    const box = { x: x * COLUMN + 4, y: (y + 2) * UNIT + 4, w: w * COLUMN - 8, h: h * UNIT - 8 };
    if (panel.type === 'row') {
      placed.push(text(box.x, box.y + 18, panel.title, { size: 15, weight: 600 }));
      continue;
    }
    placed.push(
      `<rect x="${box.x}" y="${box.y}" width="${box.w}" height="${box.h}" rx="3" fill="#181b1f" stroke="#2c3235"/>`,
    );
    placed.push(text(box.x + 8, box.y + 18, panel.title, { size: 13, weight: 500 }));
    const queries = panel.targets ?? [];
    const data = (
      await Promise.all(
        queries.map(async ({ expr, legendFormat = '' }) =>
          (await ask(asSent(expr))).map((series) => ({ name: named(legendFormat, series.metric), series })),
        ),
      )
    ).flat();
    const inner = { x: box.x + 8, y: box.y + 26, w: box.w - 16, h: box.h - 34 };
    placed.push(...draw(panel, inner, data));
  }
  const height = bottom * UNIT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN} ${height}" font-family="Inter, sans-serif">`,
    `<title>The dashboard ${dashboard.title}, drawn from live data</title>`,
    `<rect width="100%" height="100%" fill="#111217"/>`,
    text(8, 26, dashboard.title, { size: 20, weight: 600 }),
    text(8, 48, MARK, { size: 12, fill: '#9da5b8' }),
    ...placed,
    '</svg>\n',
  ].join('\n');
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Named {
  readonly name: string;
  readonly series: Series;
}

function draw(panel: Panel, box: Box, data: readonly Named[]): string[] {
  if (data.length === 0) return [text(box.x, box.y + box.h / 2, 'No data', { size: 13, fill: '#9da5b8' })];
  if (panel.type === 'stat') return drawStat(panel, box, data);
  if (panel.type === 'table') return drawTable(panel, box, data);
  return drawLines(box, data.slice(0, MAX_SERIES));
}

function drawStat({ fieldConfig }: Panel, box: Box, data: readonly Named[]): string[] {
  const value = last(data[0]?.series) ?? Number.NaN;
  const steps = fieldConfig?.defaults.thresholds?.steps ?? [];
  const step = steps.filter(({ value: from }) => from === null || value >= from).at(-1)?.color ?? 'blue';
  return [
    `<rect x="${box.x - 4}" y="${box.y}" width="${box.w + 8}" height="${box.h + 4}" rx="3" fill="${NAMED[step] ?? step}"/>`,
    text(box.x + box.w / 2, box.y + box.h / 2 + 12, shown(value, fieldConfig?.defaults.unit), {
      size: 30,
      weight: 600,
      anchor: 'middle',
    }),
  ];
}

function drawTable({ fieldConfig }: Panel, box: Box, data: readonly Named[]): string[] {
  const rows = [...data]
    .sort((a, b) => (last(b.series) ?? 0) - (last(a.series) ?? 0))
    .slice(0, Math.floor(box.h / 20) - 1);
  return rows.flatMap(({ series }, index) => [
    text(box.x, box.y + 18 + index * 20, Object.values(series.metric).join(' · ') || 'all', { size: 12 }),
    text(box.x + box.w, box.y + 18 + index * 20, shown(last(series) ?? Number.NaN, fieldConfig?.defaults.unit), {
      size: 12,
      anchor: 'end',
    }),
  ]);
}

function drawLines(box: Box, data: readonly Named[]): string[] {
  const plot = { ...box, h: box.h - 20 };
  const finite = data.flatMap(({ series }) => series.values.filter(Number.isFinite));
  const top = Math.max(...finite, 1e-9);
  const longest = Math.max(...data.map(({ series }) => series.values.length), 2);
  const lines = data.map(({ series }, index) => {
    const offset = longest - series.values.length;
    const points = series.values
      .map((value, at) =>
        Number.isFinite(value)
          ? `${(plot.x + ((at + offset) / (longest - 1)) * plot.w).toFixed(1)},${(plot.y + plot.h - (Math.max(0, value) / top) * plot.h).toFixed(1)}`
          : '',
      )
      .filter((point) => point !== '');
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour(index)}" stroke-width="1.5"/>`;
  });
  let x = box.x;
  const legend = data.map(({ name }, index) => {
    const at = x;
    x += name.length * 6 + 14;
    return x > box.x + box.w + 14 ? '' : text(at, box.y + box.h, name, { size: 11, fill: colour(index) });
  });
  return [...lines, ...legend];
}

const colour = (index: number): string => COLOURS[index % COLOURS.length] ?? '';

function named(legend: string, metric: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').trim() || 'value';
}

const last = (series: Series | undefined): number | undefined => series?.values.filter(Number.isFinite).at(-1);

function shown(value: number, unit: string | undefined): string {
  if (Number.isNaN(value)) return '—';
  if (unit === 'percentunit') return `${(value * 100).toFixed(1)} %`;
  if (unit === 's') return value < 1 ? `${Math.round(value * 1_000)} ms` : `${value.toFixed(value < 10 ? 1 : 0)} s`;
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

function text(
  x: number,
  y: number,
  content: string,
  {
    size = 12,
    weight = 400,
    fill = '#d8d9da',
    anchor = 'start',
  }: { size?: number; weight?: number; fill?: string; anchor?: string },
): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${safe}</text>`;
}
