import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RULE_GROUPS } from '../../deploy/monitoring/rules.ts';
import { monitoringFiles } from '../../scripts/monitoring.ts';
import { METRIC_TRIGGERS } from '../../src/observability/labels.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { viewOf } from '../../web/src/lib/view.ts';
import { allQueries, dashboards, panelsOf, selectorsIn } from './queries.ts';

/**
 * What prom-client adds about process and Node.js, all or nothing: about 40 metrics, of which panels use those that say whether
 * the daemon is well. The rest is for people who look closer, and is not ours to leave out.
 */
const OF_THE_RUNTIME = /^(process|nodejs)_/;

/** Names of all metrics that a process exposes, without the endings of histograms. */
async function exposed(): Promise<Set<string>> {
  const metrics = new Metrics({ build: { version: '0', node_version: '0' } });
  metrics.addZone('example.com');
  const { body } = await metrics.scrape();
  return new Set([...body.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ''));
}

const RULES = RULE_GROUPS.flatMap(({ rules }) => rules);
/** Names that recording rules make. */
const RECORDED = new Set(RULES.flatMap((rule) => ('record' in rule ? [rule.record] : [])));

/** Recorded for dashboards of people's own, over many installations. Ours ask for metrics: rules may be off. */
const FOR_OTHERS = 'zonekeeper:records:sum';

/** Names of metrics in an expression. */
function namesIn(expr: string): string[] {
  const bare = expr.replace(/\{[^}]*\}/g, '').replace(/\[[^\]]*\]/g, '');
  return [...bare.matchAll(/[a-z][a-z0-9_:]*/g)]
    .map(([name]) => name)
    .filter((name) => /^(zonekeeper|workqueue|controller_runtime|leader_election|process|nodejs)[_:]/.test(name))
    .map((name) =>
      name.replace(/_(bucket|count|sum)$/, (ending) =>
        name.includes('_seconds') || name.includes('_operations') ? '' : ending,
      ),
    );
}

describe('metrics, panels and rules', () => {
  const used = new Set([...allQueries().map(({ expr }) => expr), ...RULES.map(({ expr }) => expr)].flatMap(namesIn));

  it('use nothing that is not exposed or recorded', async () => {
    const known = new Set([...(await exposed()), ...RECORDED]);
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
  });

  it('leave nothing unused that we expose or record', async () => {
    const ours = [...(await exposed()), ...RECORDED].filter(
      (name) => !OF_THE_RUNTIME.test(name) && name !== FOR_OTHERS,
    );
    expect(ours.filter((name) => !used.has(name))).toEqual([]);
  });

  it('need no rules in dashboards, which the chart does not install unless it is told to', () => {
    const asked = allQueries().filter(({ expr }) => namesIn(expr).some((name) => name.includes(':')));
    expect(asked).toEqual([]);
  });

  it('show what is so now in numbers and tables: after everything died, no last value stands there', () => {
    const all = dashboards().flatMap(panelsOf);
    for (const { type, title, targets = [], options } of all) {
      const now = type === 'stat' || type === 'table';
      for (const { instant = false } of targets) expect(instant, title).toBe(now);
      if (type === 'stat') expect(options?.reduceOptions?.calcs, title).toEqual(['lastNotNull']);
    }
    // `or vector(0)` says that all is well also where nobody speaks.
    expect(allQueries().filter(({ expr }) => expr.includes('vector('))).toEqual([]);
  });

  it('count what happens now and then in whole numbers: Prometheus makes 14.1 of 14', () => {
    const counted = allQueries().filter(
      ({ where, expr }) => expr.includes('increase(') && !where.includes('annotation'),
    );
    expect(counted.length).toBeGreaterThan(7);
    for (const { where, expr } of counted)
      expect(expr.match(/increase\(/g)?.length, where).toBe(expr.match(/round\(increase\(/g)?.length);
  });

  it('show a zone that was never seen, as the alert about it does', () => {
    const looks = dashboards()
      .flatMap(panelsOf)
      .filter(({ targets = [] }) => targets.some(({ expr }) => /last_(success|check)_timestamp/.test(expr)));
    expect(looks.length).toBeGreaterThan(5);
    for (const { title, type, fieldConfig, targets = [] } of looks) {
      for (const { expr } of targets) expect(expr, title).not.toMatch(/last_(success|check)\w*\{[^}]*\}\)* > 0/);
      const { unit, mappings } = fieldConfig?.defaults ?? {};
      if (unit !== 's') continue;
      // As an age that is since 1970, and would flatten all others in a graph.
      expect(type, title).not.toBe('timeseries');
      expect(mappings, title).toMatchObject([{ type: 'range', options: { from: 1e9, result: { text: 'never' } } }]);
    }
  });

  it('mark changes whatever the range is, and say whose they are', () => {
    for (const { title, annotations } of dashboards()) {
      expect(annotations.list.length, title).toBe(2);
      for (const { expr = '', textFormat } of annotations.list) {
        expect(expr.match(/\[[^\]]*\]/g), title).toEqual(['[$__rate_interval]']);
        expect(textFormat, title).toContain('{{cluster}} {{namespace}} {{job}}');
      }
    }
  });

  it('have a title, a description, a unit and thresholds in every panel', () => {
    for (const dashboard of dashboards()) {
      const titles = panelsOf(dashboard).map(({ title }) => title);
      expect(titles.length).toBeGreaterThan(10);
      for (const { title, description, fieldConfig } of panelsOf(dashboard)) {
        expect(title).not.toBe('');
        expect(description?.length, `${dashboard.title}: ${title}`).toBeGreaterThan(10);
        expect(fieldConfig?.defaults.unit, title).toBeTruthy();
        expect(fieldConfig?.defaults.thresholds, title).toBeTruthy();
      }
    }
  });

  it('give a threshold a meaning wherever there is a good and a bad', () => {
    const plain = dashboards().flatMap((dashboard) =>
      panelsOf(dashboard)
        .filter(({ fieldConfig }) => (fieldConfig?.defaults.thresholds?.steps.length ?? 0) < 2)
        .map(({ title }) => title),
    );
    // Amounts of work, neither good nor bad.
    expect(plain.sort()).toEqual([
      'Calls by operation',
      'Changes by installation',
      'Changes made',
      'Connections',
      'Detected and repaired',
      'How the times of changes are spread',
      'How the times of repairs are spread',
      'Installations',
      'Memory',
      'Names',
      'Names by installation',
      'Names put on the queue and tried again',
      'Names waiting',
      'Operations in a batch',
      'Operations of people',
      'Runs by result',
      'Time since the start',
      'Waiting names',
      'Who leads',
      'Zones',
    ]);
  });

  it('exist for every alert from the start, so that the first rise is seen', async () => {
    const metrics = new Metrics({ build: { version: '0', node_version: '0' } });
    metrics.addZone('example.com');
    const lines = (await metrics.scrape()).body.split('\n').map((line) => line.slice(0, line.lastIndexOf(' ')));
    const there = (selector: string) => {
      const [, name = '', matchers = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector) ?? [];
      const wanted = [...matchers.matchAll(/(\w+)(=~|=|!=)"([^"]*)"/g)];
      return lines.some((line) => {
        const [, own, labels = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(line) ?? [];
        const values = Object.fromEntries(
          [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
        );
        return (
          own === name &&
          wanted.every(([, key = '', how, value = '']) => {
            const own = values[key] ?? '';
            const equal = how === '=~' ? new RegExp(`^(?:${value})$`).test(own) : own === value;
            return how === '!=' ? !equal : equal;
          })
        );
      });
    };
    const asked = RULES.flatMap(({ expr }) => selectorsIn(expr)).filter(
      (selector) => !RECORDED.has(selector.replace(/\{.*/, '')),
    );
    expect(asked.length).toBeGreaterThan(25);
    expect([...new Set(asked)].filter((selector) => !there(selector))).toEqual([]);
    expect(there('zonekeeper_records{state="no_such_state"}')).toBe(false);
  });

  it('lead from panels to pages and dashboards that there are, with what is chosen', () => {
    const all = dashboards().flatMap(panelsOf);
    const links = all.flatMap(({ title, links: own = [], fieldConfig, transformations = [] }) => {
      const headings = transformations.flatMap(({ options }) => Object.values(options.renameByName ?? {}));
      return [...own, ...(fieldConfig?.defaults.links ?? [])].map(({ url }) => ({ title, url, headings }));
    });
    expect(links.length).toBeGreaterThan(25);
    for (const { title, url, headings } of links) {
      const [path = '', query = ''] = url.split('?');
      for (const [, heading] of url.matchAll(/__data\.fields\.(\w+)/g)) expect(headings, title).toContain(heading);
      if (path.startsWith('/d/')) {
        expect(dashboards().map(({ uid }) => `/d/${uid}`)).toContain(path);
        const [source, ...choices] = query.split('&');
        expect(source, title).toBe('$' + '{datasource:queryparam}');
        expect(choices.pop(), title).toBe('$' + '{__url_time_range}');
        const chosen = choices.map((choice) =>
          /^(?:\$\{(\w+):queryparam\}|var-(\w+)=.*)$/.exec(choice)?.slice(1).join(''),
        );
        expect(
          chosen.filter((variable) => variable !== 'zone'),
          title,
        ).toEqual(['cluster', 'namespace', 'job']);
      } else {
        expect(path, title).toBe('$' + '{page}/dns');
        const view = viewOf(
          new URLSearchParams(
            query.replace(/\$\{zone:queryparam\}/, 'var-zone=a.b').replace(/\$\{__(field|data)[^}]*\}/, 'a.b'),
          ),
        );
        // Fleet has no zone to choose.
        if (query.includes('zone')) expect(view.zone, title).toBe('a.b');
        expect(query, title).toMatch(/^(state=[a-z_,]+)?&?(zone=[^&]+|\$\{zone:queryparam\})?$/);
        expect(view.states.join(','), title).toBe(new URLSearchParams(query).get('state') ?? '');
      }
    }
  });

  it('can be imported by hand: Grafana asks for the data source, and finds it everywhere', () => {
    for (const [path, text] of [...monitoringFiles()].filter(([name]) => name.startsWith('deploy/grafana/import/'))) {
      const { __inputs: inputs } = JSON.parse(text) as { __inputs: { name: string; type: string; pluginId: string }[] };
      expect(inputs, path).toMatchObject([{ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' }]);
      // As Grafana does it: every text in which an input stands gets its value.
      const { templating, panels } = JSON.parse(text.replaceAll('$' + '{DS_PROMETHEUS}', 'uid-7')) as {
        templating: { list: { name: string; type: string; current?: { value: string } }[] };
        panels: { datasource?: { uid: string } }[];
      };
      expect(templating.list.find(({ type }) => type === 'datasource')?.current?.value, path).toBe('uid-7');
      for (const { datasource } of panels) expect(['$' + '{datasource}', undefined]).toContain(datasource?.uid);
    }
    // Provisioning asks nobody: there, no input may stand.
    for (const [path, text] of monitoringFiles()) {
      if (path.includes('dashboards/') || /grafana\/zonekeeper/.test(path))
        expect(text, path).not.toContain('__inputs');
    }
  });

  it('stay few enough with 500 zones: about 80 a zone at most', async () => {
    const metrics = new Metrics({ build: { version: '0', node_version: '0' }, runtime: false });
    for (let zone = 0; zone < 500; zone++) {
      metrics.addZone(`zone-${zone}.example`);
      // What a busy zone has beside: repairs, and what people ask for.
      for (const trigger of ['drift', 'sync'] as const)
        metrics.converge.observe({ zone: `zone-${zone}.example`, trigger }, 1);
    }
    const { body } = await metrics.scrape();
    expect(body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(45_000);
  });

  it('are as many for a zone as docs/monitoring.md says', async () => {
    const [, usual, most] = /\(about (\d+) each, up to (\d+) /.exec(readFileSync('docs/monitoring.md', 'utf8')) ?? [];
    const metrics = new Metrics({ build: { version: '0', node_version: '0' }, runtime: false });
    const series = async () =>
      (await metrics.scrape()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    const without = await series();
    metrics.addZone('example.com');
    expect((await series()) - without).toBe(Number(usual));
    for (const trigger of METRIC_TRIGGERS) {
      metrics.converge.observe({ zone: 'example.com', trigger }, 7);
      metrics.late.inc({ zone: 'example.com', trigger });
    }
    const all = (await series()) - without;
    expect(all).toBeLessThanOrEqual(Number(most));
    expect(all).toBeGreaterThan(Number(most) * 0.85);
  });
});
