import type { Series } from '../support/prometheus.ts';
import { type Axis, clock, shown, timeTicks, valueAxis } from './axis.ts';
import type { Panel } from './queries.ts';
import { type Box, colourOf, FAINT, fitted, GRID, line, px, rect, stroke, text, widthOf } from './svg.ts';

/** A series, and what its legend calls it. */
export interface Named {
  readonly name: string;
  readonly series: Series;
}

/** The time that a picture shows, in seconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface Point {
  readonly time: number;
  readonly value: number;
  /** What it stands on: 0, or the series below it in a stack. */
  readonly floor: number;
}

const MAX_SERIES = 12;
const LEGEND_ROWS = 4;
const LEGEND_ROW = 15;
/** The mark of a series before its name, and the room for "+ 12". */
const MARKER = 15;
const COUNT = 30;
const LABELS = 56;
/** Between labels of time. */
const TIME_PX = 80;
/** Prometheus was asked for a value each second; where one is missing, the line ends. */
const GAP_SECONDS = 1.5;

/** The last finite value, if there is one. */
export const last = (series: Series | undefined): number | undefined => series?.values.filter(Number.isFinite).at(-1);

/** Lines over time: axes, thresholds where they fall into the range, and a legend with last values. */
export function drawGraph({ fieldConfig }: Panel, box: Box, all: readonly Named[], span: Span): string[] {
  const { unit, min, max, thresholds, custom } = fieldConfig?.defaults ?? {};
  const data = all.slice(0, MAX_SERIES);
  const rows = legendRows(data, all.length - data.length, box.w, unit);
  const plot = { x: box.x + LABELS, y: box.y + 6, w: box.w - LABELS, h: box.h - 30 - rows.length * LEGEND_ROW };
  const stacked = custom?.stacking?.mode === 'normal';
  const lines = pointsOf(data, stacked);
  const values = lines.flat().map(({ value }) => value);
  const axis = valueAxis(values, { unit, min, max });
  const limits = custom?.thresholdsStyle === undefined ? [] : (thresholds?.steps ?? []);
  return [
    ...axis.ticks.flatMap((tick) => [
      line([plot.x, level(tick, plot, axis)], [plot.x + plot.w, level(tick, plot, axis)], GRID),
      text(plot.x - 6, level(tick, plot, axis) + 4, shown(tick, unit), { size: 11, fill: FAINT, anchor: 'end' }),
    ]),
    ...drawTimes(plot, span),
    // The first last: in a stack, what adds nothing would hide the line that it lies on.
    ...lines
      .map((points, index) => drawLine(points, plot, axis, span, colourOf(index), stacked))
      .reverse()
      .flat(),
    ...limits.flatMap(({ value, color }) =>
      value === null || value < axis.low || value > axis.high
        ? []
        : line([plot.x, level(value, plot, axis)], [plot.x + plot.w, level(value, plot, axis)], stroke(color), true),
    ),
    ...drawLegend(rows, { ...box, y: box.y + box.h - (rows.length - 1) * LEGEND_ROW }),
  ];
}

/** Labels of time under a plot. */
export function drawTimes(plot: Box, { from, to }: Span): string[] {
  return timeTicks(from, to, ((to - from) / plot.w) * TIME_PX).flatMap((time) => {
    const x = plot.x + ((time - from) / (to - from)) * plot.w;
    const half = widthOf('00:00:00', 11) / 2;
    // At the left there is room under the labels of values; at the right a label would reach over the rim.
    const fits = x - half > plot.x - LABELS && x + half <= plot.x + plot.w;
    return [
      line([x, plot.y], [x, plot.y + plot.h], GRID),
      ...(fits ? [text(x, plot.y + plot.h + 15, clock(time), { size: 11, fill: FAINT, anchor: 'middle' })] : []),
    ];
  });
}

/** Each series as points; in a stack each stands on those before it. */
export function pointsOf(data: readonly Named[], stacked: boolean): Point[][] {
  const floors = new Map<number, number>();
  return data.map(({ series }) =>
    series.times.flatMap((time, at) => {
      const own = series.values[at];
      if (own === undefined || !Number.isFinite(own)) return [];
      // Prometheus answers for the same instants in every series of a question, but not to the millisecond across questions.
      const instant = Math.round(time);
      const floor = stacked ? (floors.get(instant) ?? 0) : 0;
      floors.set(instant, floor + own);
      return { time, value: floor + own, floor };
    }),
  );
}

const level = (value: number, plot: Box, { low, high }: Axis): number =>
  plot.y + plot.h - ((value - low) / (high - low)) * plot.h;

function drawLine(
  points: readonly Point[],
  plot: Box,
  axis: Axis,
  { from, to }: Span,
  colour: string,
  filled: boolean,
) {
  const at = ({ time }: Point, value: number) =>
    `${px(plot.x + ((time - from) / (to - from)) * plot.w)} ${px(level(value, plot, axis))}`;
  const runs: Point[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run === undefined || before === undefined || point.time - before.time > GAP_SECONDS) runs.push([point]);
    else run.push(point);
  }
  return runs.flatMap((run) => {
    const first = run[0];
    if (first === undefined) return [];
    const kept = run.filter((point, index) => !isBetween(point, run[index - 1], run[index + 1]));
    const top = kept.map((point) => at(point, point.value));
    const bottom = kept.map((point) => at(point, Math.max(point.floor, axis.low))).reverse();
    const area = `<path d="M${[...top, ...bottom].join('L')}Z" fill="${colour}" opacity="${filled ? 0.3 : 0.08}"/>`;
    // A round end makes a single value a dot.
    const drawn = top.length === 1 ? [...top, ...top] : top;
    return [
      area,
      `<path d="M${drawn.join('L')}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`,
    ];
  });
}

/** On a level line between two others, where leaving it out changes nothing. */
const isBetween = (point: Point, before: Point | undefined, after: Point | undefined): boolean =>
  [before, after].every((one) => one?.value === point.value && one.floor === point.floor);

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly colour: string | null;
  readonly x: number;
}

/** Entries of a legend, in rows as wide as the panel. What is left out is counted. */
function legendRows(data: readonly Named[], more: number, width: number, unit: string | undefined): Entry[][] {
  const rows: Entry[][] = [[]];
  let x = 0;
  let left = more;
  for (const [index, { name: whole, series }] of data.entries()) {
    const value = shown(last(series) ?? Number.NaN, unit);
    const name = fitted(whole, width - MARKER - widthOf(value, 12) - 10, 11);
    const needed = MARKER + widthOf(`${name} ${value}`, 11.5);
    if (x > 0 && x + needed > width && rows.length < LEGEND_ROWS) {
      rows.push([]);
      x = 0;
    }
    // The last row keeps room for the count of what follows.
    if (left > more || x + needed > width - (rows.length === LEGEND_ROWS ? COUNT : 0)) {
      left += 1;
      continue;
    }
    rows.at(-1)?.push({ name, value, colour: colourOf(index), x });
    x += needed + 14;
  }
  if (left > 0) rows.at(-1)?.push({ name: '', value: `+ ${left}`, colour: null, x });
  return rows;
}

function drawLegend(rows: readonly Entry[][], { x: start, y }: Box): string[] {
  return rows.flatMap((row, at) =>
    row.flatMap(({ name, value, colour, x }) => [
      ...(colour === null ? [] : [rect({ x: start + x, y: y + at * LEGEND_ROW - 5, w: 10, h: 3 }, colour)]),
      text(start + x + (colour === null ? 0 : MARKER), y + at * LEGEND_ROW, name, { size: 11, strong: value }),
    ]),
  );
}
