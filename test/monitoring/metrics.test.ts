import { describe, expect, it } from 'vitest';
import { RULE_GROUPS } from '../../deploy/monitoring/rules.ts';
import { monitoringFiles } from '../../scripts/monitoring.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { viewOf } from '../../web/src/lib/view.ts';
import { allQueries, dashboards, panelsOf, selectorsIn } from './queries.ts';

/** What the runtime's library adds for people who look closer; panels use some of it. */
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
    const ours = [...(await exposed()), ...RECORDED].filter((name) => !OF_THE_RUNTIME.test(name));
    expect(ours.filter((name) => !used.has(name))).toEqual([]);
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
      'Connections',
      'Detected and repaired',
      'How the times are spread',
      'Installations',
      'Memory',
      'Names',
      'Names by installation',
      'Names put on the queue and tried again',
      'Operations in a batch',
      'Operations of people',
      'Runs by result',
      'Time since the start',
      'Who leads',
      'Workers',
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
    const links = all.flatMap(({ title, links: own = [], fieldConfig }) =>
      [...own, ...(fieldConfig?.defaults.links ?? [])].map(({ url }) => ({ title, url })),
    );
    expect(links.length).toBeGreaterThan(10);
    for (const { title, url } of links) {
      const [path = '', query = ''] = url.split('?');
      if (path === '/d/zonekeeper-drift') expect(query, title).toMatch(/var-zone=.*Zone/);
      else {
        expect(path, title).toBe('$' + '{page}/dns');
        const view = viewOf(
          new URLSearchParams(
            query.replace(/\$\{zone:queryparam\}/, 'var-zone=a.b').replace(/\$\{__field[^}]*\}/, 'a.b'),
          ),
        );
        expect(view.zone, title).toBe('a.b');
        expect(query, title).toMatch(/^(state=[a-z_,]+&)?(zone=[^&]+|\$\{zone:queryparam\})$/);
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
      // What a busy zone has beside: repairs and retries.
      for (const trigger of ['drift', 'retry'] as const)
        metrics.converge.observe({ zone: `zone-${zone}.example`, trigger }, 1);
    }
    const { body } = await metrics.scrape();
    expect(body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(45_000);
  });
});
