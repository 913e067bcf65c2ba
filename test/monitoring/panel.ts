import { shown } from './axis.ts';
import { drawGraph, last, type Named, type Span } from './graph.ts';
import { drawHeatmap } from './heatmap.ts';
import type { Panel } from './queries.ts';
import { type Box, background, FAINT, fitted, GRID, line, px, rect, stroke, text } from './svg.ts';

const ROW = 22;

/** What a panel shows within its frame. */
export function drawPanel(panel: Panel, box: Box, data: readonly Named[], span: Span): string[] {
  const { unit, noValue } = panel.fieldConfig?.defaults ?? {};
  if (data.length === 0)
    return [
      text(box.x + box.w / 2, box.y + box.h / 2, noValue ?? 'No data', { size: 13, fill: FAINT, anchor: 'middle' }),
    ];
  if (panel.type === 'stat') return drawStat(panel, box, data, span);
  if (panel.type === 'table') return drawTable(panel, box, data);
  if (panel.type === 'heatmap') return drawHeatmap(unit, box, data, span);
  return drawGraph(panel, box, data, span);
}

/** The colour of the highest threshold that a value reaches. */
export function thresholdOf({ fieldConfig }: Panel, value: number): string {
  const steps = fieldConfig?.defaults.thresholds?.steps ?? [];
  return steps.filter(({ value: from }) => from === null || value >= from).at(-1)?.color ?? 'blue';
}

/** A tile for each series, beside each other; several say whose they are. */
function drawStat(panel: Panel, box: Box, data: readonly Named[], span: Span): string[] {
  const width = box.w / data.length;
  return data.flatMap(({ name, series }, at) => {
    const tile = { ...box, x: box.x + at * width, w: width - (at < data.length - 1 ? 4 : 0) };
    const value = last(series) ?? Number.NaN;
    const whose = data.length > 1 ? [text(tile.x + 4, tile.y + 14, fitted(name, tile.w - 8, 10), { size: 10 })] : [];
    return [
      rect(tile, background(thresholdOf(panel, value)), ' rx="3"'),
      ...drawCourse(series, tile, span),
      ...whose,
      text(tile.x + tile.w / 2, tile.y + tile.h / 2 + 8, shown(value, panel.fieldConfig?.defaults.unit), {
        size: 30,
        weight: 600,
        fill: '#fff',
        anchor: 'middle',
      }),
    ];
  });
}

/** How a value came about, as an area without a scale in the lower third. */
function drawCourse({ times, values }: Named['series'], box: Box, { from, to }: Span): string[] {
  const finite = values.filter(Number.isFinite);
  const high = Math.max(...finite);
  const low = Math.min(0, ...finite);
  if (!(high > low)) return [];
  const points = times.flatMap((time, at) => {
    const value = values[at];
    if (value === undefined || !Number.isFinite(value)) return [];
    const x = box.x + ((time - from) / (to - from)) * box.w;
    return { x, y: box.y + box.h - ((value - low) / (high - low)) * (box.h / 3) };
  });
  const path = points.map(({ x, y }) => `${px(x)} ${px(y)}`).join('L');
  const foot = px(box.y + box.h);
  return [
    `<path d="M${px(points[0]?.x ?? 0)} ${foot}L${path}L${px(points.at(-1)?.x ?? 0)} ${foot}Z" fill="#fff" opacity="0.2"/>`,
  ];
}

/** Columns of a table with their headings, in the order that the panel asks for. */
export function columnsOf({ transformations }: Panel, data: readonly Named[]): (readonly [string, string])[] {
  const options = transformations?.find(({ id }) => id === 'organize')?.options;
  const order = options?.indexByName ?? {};
  const labels = Object.keys(order).sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0));
  const keys = labels.length > 0 ? labels : [...Object.keys(data[0]?.series.metric ?? {}), 'Value'];
  return keys.map((key) => [key, options?.renameByName?.[key] ?? key]);
}

function drawTable(panel: Panel, box: Box, data: readonly Named[]): string[] {
  const columns = columnsOf(panel, data);
  const width = box.w / columns.length;
  const fewest = panel.targets?.some(({ expr }) => expr.startsWith('bottomk')) ?? false;
  const sign = fewest ? 1 : -1;
  const rows = [...data]
    .sort((a, b) => sign * ((last(a.series) ?? 0) - (last(b.series) ?? 0)))
    .slice(0, Math.floor(box.h / ROW) - 1);
  const cell = (content: string, column: number, row: number, fill?: string, weight?: number) => {
    const end = columns[column]?.[0] === 'Value';
    return text(
      box.x + column * width + (end ? width - 4 : 4),
      box.y + row * ROW + 15,
      fitted(content, width - 8, 12),
      {
        ...(fill === undefined ? {} : { fill }),
        ...(weight === undefined ? {} : { weight }),
        anchor: end ? 'end' : 'start',
      },
    );
  };
  return [
    ...columns.map(([, heading], column) => cell(heading, column, 0, FAINT, 600)),
    ...rows.flatMap(({ series }, row) => [
      line([box.x, box.y + (row + 1) * ROW], [box.x + box.w, box.y + (row + 1) * ROW], GRID),
      ...columns.map(([key], column) => {
        if (key !== 'Value') return cell(series.metric[key] ?? '', column, row + 1);
        const value = last(series) ?? Number.NaN;
        return cell(
          shown(value, panel.fieldConfig?.defaults.unit),
          column,
          row + 1,
          stroke(thresholdOf(panel, value)),
          600,
        );
      }),
    ]),
  ];
}
