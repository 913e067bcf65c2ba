import { shown } from './axis.ts';
import { drawGraph, last, type Named, type Span } from './graph.ts';
import { drawHeatmap } from './heatmap.ts';
import type { Panel } from './queries.ts';
import { type Box, background, FAINT, fitted, GRID, line, rect, stroke, text, widthOf } from './svg.ts';

const ROW = 22;
/** Of a number, where it has room. */
const BIG = 30;
/** How much wider bold letters are. */
const BOLD = 1.25;

/** What a panel shows within its frame. */
export function drawPanel(panel: Panel, box: Box, data: readonly Named[], span: Span): string[] {
  if (data.length === 0)
    return [text(box.x + box.w / 2, box.y + box.h / 2, 'No data', { size: 13, fill: FAINT, anchor: 'middle' })];
  const unit = panel.fieldConfig?.defaults.unit;
  if (panel.type === 'stat') return drawStat(panel, box, data);
  if (panel.type === 'table') return drawTable(panel, box, data);
  if (panel.type === 'heatmap') return drawHeatmap(unit, box, data, span);
  return drawGraph(panel, box, data, span);
}

/** The colour of the highest threshold that a value reaches. */
export function thresholdOf({ fieldConfig }: Panel, value: number): string {
  const steps = fieldConfig?.defaults.thresholds?.steps ?? [];
  return steps.filter(({ value: from }) => from === null || value >= from).at(-1)?.color ?? 'blue';
}

/** A value in the panel's unit, or what the panel says in its place. */
export function sayingOf({ fieldConfig }: Panel, value: number): string {
  const { unit, mappings = [] } = fieldConfig?.defaults ?? {};
  for (const mapping of mappings) {
    if (mapping.type === 'value') {
      const text = mapping.options[String(value)]?.text;
      if (text !== undefined) return text;
    } else if (mapping.type === 'special') {
      if (Number.isNaN(value)) return mapping.options.result.text;
    } else {
      const { from, to, result } = mapping.options;
      if (value >= (from ?? Number.NEGATIVE_INFINITY) && value <= (to ?? Number.POSITIVE_INFINITY)) return result.text;
    }
  }
  return shown(value, unit);
}

/** A tile for each series, beside each other; several say whose they are, and one where the panel asks for it. */
function drawStat(panel: Panel, box: Box, data: readonly Named[]): string[] {
  const named = data.length > 1 || panel.options?.textMode === 'value_and_name';
  const width = box.w / data.length;
  return data.flatMap(({ name, series }, at) => {
    const tile = { ...box, x: box.x + at * width, w: width - (at < data.length - 1 ? 4 : 0) };
    const value = last(series) ?? Number.NaN;
    const saying = sayingOf(panel, value);
    const whose = named ? [text(tile.x + 4, tile.y + 14, fitted(name, tile.w - 8, 10), { size: 10 })] : [];
    return [
      rect(tile, background(thresholdOf(panel, value)), ' rx="3"'),
      ...whose,
      text(tile.x + tile.w / 2, tile.y + tile.h / 2 + 8, saying, {
        size: Math.min(BIG, (tile.w - 8) / widthOf(saying, BOLD)),
        weight: 600,
        fill: '#fff',
        anchor: 'middle',
      }),
    ];
  });
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
  const sign = panel.options?.sortBy?.[0]?.desc === false ? 1 : -1;
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
        return cell(sayingOf(panel, value), column, row + 1, stroke(thresholdOf(panel, value)), 600);
      }),
    ]),
  ];
}
