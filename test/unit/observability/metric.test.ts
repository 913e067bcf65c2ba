import { describe, expect, it } from 'vitest';
import { CounterMetric, Exposition, GaugeMetric, HistogramMetric } from '../../../src/observability/metric.ts';

describe('what Prometheus is told', () => {
  it('is the text format, with names and labels escaped as it wants them', () => {
    const exposition = new Exposition();
    const of = { exposition, help: 'One\nand \\ two.' };
    const counter = new CounterMetric<{ readonly zone: string }>({ ...of, name: 'a_total', labels: ['zone'] });
    counter.inc({ zone: 'quote " back \\ line \n end' }, 2);
    counter.inc({ zone: 'quote " back \\ line \n end' });
    const gauge = new GaugeMetric<Record<never, string>>({ ...of, name: 'b', labels: [] });
    gauge.set({}, Number.POSITIVE_INFINITY);
    expect(exposition.text()).toBe(
      [
        '# HELP a_total One\\nand \\\\ two.',
        '# TYPE a_total counter',
        'a_total{zone="quote \\" back \\\\ line \\n end"} 3',
        '',
        '# HELP b One\\nand \\\\ two.',
        '# TYPE b gauge',
        'b +Inf',
        '',
      ].join('\n'),
    );
    gauge.set({}, Number.NaN);
    expect(exposition.text()).toContain('\nb NaN\n');
    gauge.set({}, Number.NEGATIVE_INFINITY);
    expect(exposition.text()).toContain('\nb -Inf\n');
  });

  it('counts in a histogram all that lies within a bound, the bound included', () => {
    const exposition = new Exposition();
    const of = { exposition, help: 'Seconds.', buckets: [0.5, 5] };
    const bare = new HistogramMetric<Record<never, string>>({ ...of, name: 'h', labels: [] });
    for (const value of [0.25, 0.5, 5, 100]) bare.observe({}, value);
    expect(bare.text()).toBe(
      'h_bucket{le="0.5"} 2\nh_bucket{le="5"} 3\nh_bucket{le="+Inf"} 4\nh_sum 105.75\nh_count 4\n',
    );
    const labelled = new HistogramMetric<{ readonly zone: string }>({ ...of, name: 'l', labels: ['zone'] });
    labelled.zero({ zone: 'a' });
    labelled.observe({ zone: 'a' }, 1);
    labelled.zero({ zone: 'a' });
    labelled.observe({ zone: 'b' }, 1);
    labelled.removeWhere(({ zone }) => zone === 'b');
    expect(labelled.text()).toBe(
      'l_bucket{zone="a",le="0.5"} 0\nl_bucket{zone="a",le="5"} 1\nl_bucket{zone="a",le="+Inf"} 1\nl_sum{zone="a"} 1\nl_count{zone="a"} 1\n',
    );
  });

  it('has an end: beyond 100,000 series of one metric new ones are left out', () => {
    const exposition = new Exposition();
    const gauge = new GaugeMetric<{ readonly n: string }>({ exposition, help: 'x', name: 'g', labels: ['n'] });
    for (let n = 0; n < 100_010; n++) gauge.set({ n: String(n) }, n);
    gauge.set({ n: '5' }, 7);
    const lines = gauge.text().trimEnd().split('\n');
    expect(lines).toHaveLength(100_000);
    expect(lines[5]).toBe('g{n="5"} 7');
  });
});
