import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { shown, timeTicks, valueAxis } from './axis.ts';
import { type Named, pointsOf } from './graph.ts';
import { bucketsOf } from './heatmap.ts';
import { columnsOf, sayingOf, thresholdOf } from './panel.ts';
import { drawDashboard, drawPicture, stamp } from './picture.ts';
import { dashboards, type Mapping, type Panel } from './queries.ts';

const series = (name: string, values: readonly number[], metric: Readonly<Record<string, string>> = {}): Named => ({
  name,
  series: { metric, times: values.map((_, at) => 1_000 + at), values },
});

const panel = (type: string, more: Partial<Panel> = {}): Panel => ({
  type,
  title: 'Time & work',
  gridPos: { x: 0, y: 0, w: 12, h: 8 },
  ...more,
});

const graph = panel('timeseries', {
  fieldConfig: {
    defaults: {
      unit: 's',
      min: 0,
      custom: { thresholdsStyle: { mode: 'dashed' } },
      thresholds: {
        steps: [
          { value: null, color: 'green' },
          { value: 1, color: 'yellow' },
          { value: 900, color: 'red' },
        ],
      },
    },
  },
});

describe('an axis of values', () => {
  it.each([
    { values: [0, 11], limits: { min: 0 }, ticks: [0, 5, 10, 15] },
    { values: [0, 0.3], limits: { min: 0 }, ticks: [0, 0.1, 0.2, 0.3] },
    { values: [0, 240], limits: { unit: 's', min: 0 }, ticks: [0, 60, 120, 180, 240] },
    { values: [0, 3e8], limits: { unit: 'bytes', min: 0 }, ticks: [0, 2 ** 27, 2 ** 28, 3 * 2 ** 27] },
    { values: [0.97, 1], limits: { unit: 'percentunit', max: 1 }, ticks: [0.97, 0.98, 0.99, 1] },
    { values: [0, 0], limits: { min: 0 }, ticks: [0, 0.25, 0.5, 0.75, 1] },
    { values: [1], limits: { max: 1 }, ticks: [0.9, 0.925, 0.95, 0.975, 1] },
    { values: [Number.NaN], limits: {}, ticks: [0, 0.25, 0.5, 0.75, 1] },
  ])('of $values within $limits has round labels', ({ values, limits, ticks }) => {
    expect(valueAxis(values, limits)).toEqual({ low: ticks[0], high: ticks.at(-1), ticks });
  });

  it('has few labels, holds all values and never stands still, whatever the size', () => {
    for (const unit of ['s', 'bytes', 'short'])
      for (let power = -9; power < 13; power += 1)
        for (const first of [1, 1.7, 3.3, 9.9]) {
          const { low, high, ticks } = valueAxis([0, first * 10 ** power], { unit });
          expect(high).toBeGreaterThanOrEqual(first * 10 ** power);
          expect(low).toBe(0);
          expect(ticks.length).toBeGreaterThan(1);
          expect(ticks.length).toBeLessThan(7);
        }
  });
});

it('a time axis is labelled at times that one reads at a glance', () => {
  expect(timeTicks(1_003, 1_050, 12)).toEqual([1_005, 1_020, 1_035, 1_050]);
  expect(timeTicks(1_003, 1_004, 12)).toEqual([]);
});

it.each([
  [0, 's', '0 s'],
  [0.00052, 's', '520 µs'],
  [0.25, 's', '250 ms'],
  [90, 's', '90 s'],
  [1_800, 's', '30 min'],
  [7_200, 's', '2 h'],
  [0.9995, 'percentunit', '100 %'],
  [0.995, 'percentunit', '99.5 %'],
  [201_326_592, 'bytes', '192 MiB'],
  [0.0714, 'ops', '0.0714/s'],
  [1_500, 'suffix:/min', '1.5 k /min'],
  [877, 'short', '877'],
  [10_000, 'short', '10 k'],
  [Number.NaN, 'short', '—'],
  [Number.POSITIVE_INFINITY, 's', '∞'],
])('%d in %s reads %s', (value, unit, expected) => {
  expect(shown(value, unit)).toBe(expected);
});

it('a stack stands each series on those before it, and leaves out what is no number', () => {
  const [, upper] = pointsOf([series('a', [1, 2, 3]), series('b', [10, Number.NaN, 30])], true);
  expect(upper).toEqual([
    { time: 1_000, value: 11, floor: 1 },
    { time: 1_002, value: 33, floor: 3 },
  ]);
});

it('a heatmap counts what fell into each bucket alone, buckets in order', () => {
  const data = [series('', [9, 9], { le: '+Inf' }), series('', [2, 4], { le: '0.5' }), series('', [5, 4], { le: '1' })];
  expect(bucketsOf(data, { from: 1_000, to: 1_002 }, 2)).toEqual([
    { upTo: 0.5, counts: [2, 4] },
    { upTo: 1, counts: [3, 0] },
    { upTo: Number.POSITIVE_INFINITY, counts: [4, 5] },
  ]);
});

it('a heatmap shows the most of what a column holds, in whole numbers where they are', () => {
  const data = [series('', [3, 0, 1, 1], { le: '1' }), series('', [3, 0, 6, 2], { le: '+Inf' })];
  expect(bucketsOf(data, { from: 1_000, to: 1_004 }, 2).map(({ counts }) => counts)).toEqual([
    [3, 1],
    [0, 5],
  ]);
});

it('a heatmap says of its last bucket, which has no upper bound, what it is beyond', () => {
  const data = ['1', '10', '+Inf'].map((le, at) => series('', [at + 1, at + 1], { le }));
  const spread = panel('heatmap', { fieldConfig: { defaults: { unit: 's' } } });
  const drawn = drawPicture('T', [{ panel: spread, data }]);
  for (const label of ['≤ 1 s', '≤ 10 s', '&gt; 10 s']) expect(drawn).toContain(`>${label}</text>`);
  expect(drawn).not.toContain('∞');
});

it('a value has the colour of the highest threshold that it reaches', () => {
  expect([0.9, 1, 900].map((value) => thresholdOf(graph, value))).toEqual(['green', 'yellow', 'red']);
});

it.each([
  [0, 'no'],
  [2, '2 s'],
  [1.7e9, 'never'],
  [Number.NaN, 'nothing'],
])('%d reads %s where a panel says something in its place', (value, expected) => {
  const mappings: readonly Mapping[] = [
    { type: 'value', options: { 0: { text: 'no' } } },
    { type: 'range', options: { from: 1e9, to: null, result: { text: 'never' } } },
    { type: 'special', options: { match: 'null+nan', result: { text: 'nothing' } } },
  ];
  expect(sayingOf(panel('stat', { fieldConfig: { defaults: { unit: 's', mappings } } }), value)).toBe(expected);
});

it('a table has the columns that its panel asks for', () => {
  const options = { indexByName: { Value: 1, zone: 0 }, renameByName: { Value: 'Names', zone: 'Zone' } };
  const table = panel('table', { transformations: [{ id: 'organize', options }] });
  expect(columnsOf(table, [])).toEqual([
    ['zone', 'Zone'],
    ['Value', 'Names'],
  ]);
  const drawn = drawPicture('T', [{ panel: table, data: [series('', [3, 7], { zone: 'example.com' })] }]);
  for (const content of ['Zone', 'Names', 'example.com', '7']) expect(drawn).toContain(`>${content}</text>`);
});

describe('a picture', () => {
  it('of a graph has thresholds within its range only, a legend with last values, and escaped texts', () => {
    const drawn = drawPicture('T', [{ panel: graph, data: [series('a<b', [0, 2, 1.5])] }]);
    expect(drawn.match(/stroke-dasharray/g)).toHaveLength(1);
    expect(drawn).toContain('>a&lt;b <tspan font-weight="600" fill="#fff">1.5 s</tspan>');
    expect(drawn).toContain('>Time &amp; work</text>');
    expect(drawn).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('names a series by its legend, and by its panel where the legend has nothing to say of it', async () => {
    const byZone = panel('timeseries', { title: 'Drifted', targets: [{ expr: 'x', legendFormat: '{{zone}}' }] });
    const answer = [series('', [1, 2], { zone: 'example.com' }).series, series('', [0, 0]).series];
    const dashboard = { uid: 'u', title: 'T', panels: [byZone], templating: { list: [] }, annotations: { list: [] } };
    const drawn = await drawDashboard(dashboard, { range: async () => answer, now: async () => [] });
    for (const name of ['example.com', 'Drifted']) expect(drawn).toContain(`>${name} <tspan`);
  });

  it('breaks a line where values are missing', () => {
    const data = [series('a', [1, 2, Number.NaN, 2, 1])];
    expect(drawPicture('T', [{ panel: panel('timeseries'), data }]).match(/fill="none"/g)).toHaveLength(2);
  });

  it('counts series that find no room in the legend', () => {
    const data = Array.from({ length: 40 }, (_, at) => series(`a series with a long name, number ${at}`, [1, 2]));
    const drawn = drawPicture('T', [{ panel: panel('timeseries'), data }]);
    const named = drawn.match(/>a series/g)?.length ?? 0;
    expect(named).toBeGreaterThan(3);
    expect(drawn).toContain(`>+ ${40 - named}</tspan>`);
  });

  it('gives each series of a number a tile of its own, with its name where there are several', () => {
    const one = drawPicture('T', [{ panel: panel('stat'), data: [series('dns', [1])] }]);
    expect(one).toContain('>1</text>');
    expect(one).not.toContain('>dns</text>');
    const two = drawPicture('T', [{ panel: panel('stat'), data: [series('dns', [1]), series('rehearsal', [2])] }]);
    for (const content of ['dns', '1', 'rehearsal', '2']) expect(two).toContain(`>${content}</text>`);
  });

  it('names the only series of a number where the panel asks for it', () => {
    const version = panel('stat', { options: { textMode: 'value_and_name' } });
    expect(drawPicture('T', [{ panel: version, data: [series('0.1.0', [3])] }])).toContain('>0.1.0</text>');
  });

  it('makes a number smaller that has no room', () => {
    const share = { fieldConfig: { defaults: { unit: 'percentunit' } } };
    const sizes = [1, 4].map((tiles) => {
      const data = Array.from({ length: tiles }, (_, at) => series(`s${at}`, [0.876]));
      const small = panel('stat', { ...share, gridPos: { x: 0, y: 0, w: 4, h: 4 } });
      return Number(/font-size="([\d.]+)"[^>]*>87\.6 %</.exec(drawPicture('T', [{ panel: small, data }]))?.[1]);
    });
    expect(sizes[0]).toBe(30);
    expect(sizes[1]).toBeLessThan(15);
  });

  it('asks about now where the panel does', async () => {
    const panels = [panel('stat', { targets: [{ expr: 'x', instant: true }] })];
    const ask = { range: async () => [series('', [1, 2]).series], now: async () => [series('', [7]).series] };
    const drawn = await drawDashboard(
      { uid: 'u', title: 'T', panels, templating: { list: [] }, annotations: { list: [] } },
      ask,
    );
    expect(drawn).toContain('>7</text>');
    expect(drawn).not.toContain('>2</text>');
  });

  it('says so where there is no data', () => {
    expect(drawPicture('T', [{ panel: panel('heatmap'), data: [] }])).toContain('>No data</text>');
  });

  it('is of one state of the dashboard: of all that is drawn, but not of what Grafana says when asked', () => {
    const of = (more: Partial<Panel>) =>
      stamp({
        uid: 'u',
        title: 'T',
        panels: [panel('stat', more)],
        templating: { list: [] },
        annotations: { list: [] },
      });
    const defaults = { unit: 's', links: [{ url: '/a' }] };
    const before = of({ fieldConfig: { defaults }, description: 'A' });
    expect(of({ fieldConfig: { defaults: { ...defaults, links: [] } }, description: 'B' })).toBe(before);
    expect(of({ fieldConfig: { defaults: { ...defaults, unit: 'short' } }, description: 'A' })).not.toBe(before);
    expect(of({ fieldConfig: { defaults }, targets: [{ expr: 'x' }] })).not.toBe(before);
  });

  it.each(dashboards().map((dashboard) => [dashboard.title.split(' / ')[1]?.toLowerCase(), dashboard] as const))(
    'of %s in the docs is drawn from the panels as they are: redraw it as docs/monitoring.md says',
    (name, dashboard) => {
      // The whole picture would be much to read in a failure.
      const [drawn] = /<!-- of panels \w+ -->/.exec(readFileSync(`docs/images/dashboard-${name}.svg`, 'utf8')) ?? [];
      expect(drawn).toBe(stamp(dashboard));
    },
  );
});
