import { shown } from './axis.ts';
import { drawTimes, type Named, type Span } from './graph.ts';
import { type Box, FAINT, px, rect, text } from './svg.ts';

/** A bucket between two bounds, and how much fell into it in each column of time. */
export interface Bucket {
  readonly upTo: number;
  readonly counts: readonly number[];
}

const COLOUR = '#ff9830';
const COLUMN_PX = 8;
const LABELS = 56;
const SHADES = [0.1, 0.25, 0.5, 0.75, 1];

/** Prometheus' buckets, each of which counts those below it too, as buckets of their own: the most at once in each column. */
export function bucketsOf(data: readonly Named[], span: Span, columns: number): Bucket[] {
  const width = (span.to - span.from) / columns;
  const bounds = data
    .map(({ series }) => ({
      upTo: Number((series.metric.le ?? '').replace('+Inf', 'Infinity')),
      sums: new Map(series.times.map((time, at) => [time, series.values[at] ?? Number.NaN])),
    }))
    .sort((a, b) => a.upTo - b.upTo);
  return bounds.map(({ upTo, sums }, at) => {
    const counts = Array.from({ length: columns }, () => 0);
    for (const [time, sum] of sums) {
      const column = Math.min(columns - 1, Math.max(0, Math.floor((time - span.from) / width)));
      const own = sum - (bounds[at - 1]?.sums.get(time) ?? 0);
      if (Number.isFinite(own)) counts[column] = Math.max(counts[column] ?? 0, own);
    }
    return { upTo, counts };
  });
}

/** The last bucket has no upper bound: it holds what is beyond the bound below it. */
const boundsOf = (upTo: number, below: number | undefined, unit: string | undefined): string =>
  Number.isFinite(upTo) || below === undefined ? `≤ ${shown(upTo, unit)}` : `> ${shown(below, unit)}`;

/** As many as one can tell apart, but no more than there are values: one each second. */
const columnsIn = (width: number, { from, to }: Span): number =>
  Math.max(1, Math.min(Math.floor(width / COLUMN_PX), Math.floor(to - from)));

/** Cells by bucket and time, brighter where more fell into them. */
export function drawHeatmap(unit: string | undefined, box: Box, data: readonly Named[], span: Span): string[] {
  const plot = { x: box.x + LABELS, y: box.y + 6, w: box.w - LABELS, h: box.h - 42 };
  const columns = columnsIn(plot.w, span);
  const buckets = bucketsOf(data, span, columns);
  const most = Math.max(...buckets.flatMap(({ counts }) => counts), 1e-9);
  const height = plot.h / buckets.length;
  // Labels need 14 pixels each.
  const every = Math.max(1, Math.ceil(14 / height));
  const rows = buckets.flatMap(({ upTo, counts }, at) => {
    const y = plot.y + plot.h - (at + 1) * height;
    const cells = counts.flatMap((count, column) =>
      count / most < 0.001
        ? []
        : rect(
            { x: plot.x + (column * plot.w) / columns, y: y + 0.5, w: plot.w / columns - 1, h: height - 1 },
            COLOUR,
            ` opacity="${px(0.1 + 0.9 * Math.sqrt(count / most))}"`,
          ),
    );
    const label = text(plot.x - 6, y + height / 2 + 4, boundsOf(upTo, buckets[at - 1]?.upTo, unit), {
      size: 11,
      fill: FAINT,
      anchor: 'end',
    });
    return at % every === 0 ? [label, ...cells] : cells;
  });
  const foot = box.y + box.h;
  const legend = SHADES.map((share, at) =>
    rect(
      { x: plot.x + 18 + at * 16, y: foot - 9, w: 15, h: 9 },
      COLOUR,
      ` opacity="${px(0.1 + 0.9 * Math.sqrt(share))}"`,
    ),
  );
  return [
    rect(plot, '#1f2329'),
    ...rows,
    ...drawTimes(plot, span),
    text(plot.x, foot, '0', { size: 11 }),
    ...legend,
    text(plot.x + 24 + SHADES.length * 16, foot, `${shown(most)} in a cell`, { size: 11 }),
  ];
}
