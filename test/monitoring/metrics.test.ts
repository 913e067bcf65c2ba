import { describe, expect, it } from 'vitest';
import { RULE_GROUPS } from '../../deploy/monitoring/rules.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { allQueries, dashboards, panelsOf } from './queries.ts';

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
