import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { OBJECTIVE_SECONDS, THRESHOLDS } from '../../deploy/monitoring/objectives.ts';
import { ALERTS, RULE_GROUPS } from '../../deploy/monitoring/rules.ts';
import { monitoringFiles } from '../../scripts/monitoring.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { merge, render, the, type Values } from '../support/chart.ts';
import { attempt } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { requires } from '../support/requires.ts';
import { ALERT_CASES } from './alert-cases.ts';
import { complaints, fireAndRecover, handOver, ofOtherRelease, ofOwnRelease, PROMTOOLS, said } from './promtool.ts';
import { selectorsIn } from './queries.ts';
import { TEXT_CASES } from './text-cases.ts';

const RULES = 'deploy/prometheus/zonekeeper.rules.yaml';
const NAMES = [...new Set(ALERTS.map(({ alert }) => alert))];

describe('what is generated', () => {
  it.each([...monitoringFiles()])('%s is as its source says; `npm run monitoring` makes it anew', (path, text) => {
    expect(existsSync(path) ? readFileSync(path, 'utf8') : 'not there').toBe(text);
  });

  it('is valid by the values of the chart, too: thresholds and placeholders are the same', () => {
    const values = parse(readFileSync('charts/zonekeeper/values.yaml', 'utf8'));
    const ours = Object.fromEntries(Object.entries(THRESHOLDS).map(([name, { value }]) => [name, value]));
    const theirs = Object.entries(values.metrics.prometheusRule.thresholds).map(([name, value]) => [
      name,
      String(value),
    ]);
    expect(Object.fromEntries(theirs)).toEqual(ours);
    for (const name of Object.keys(ours)) expect(JSON.stringify(RULE_GROUPS)).toContain(`@@${name}@@`);
    expect(readFileSync(RULES, 'utf8')).not.toContain('@@');
  });

  it('asks only for series of the installation that it is for', () => {
    const asked = RULE_GROUPS.flatMap(({ rules }) => rules).flatMap(({ expr }) => selectorsIn(expr));
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((selector) => !/^[\w:]+\{@@selector@@[,}]/.test(selector))).toEqual([]);
  });

  it('looks at a bound that the histogram has', async () => {
    const metrics = new Metrics({ build: { version: '0', node_version: '0' }, runtime: false });
    metrics.addZone('example.com');
    const { body } = await metrics.scrape();
    expect(body).toContain(`le="${OBJECTIVE_SECONDS}"`);
    expect(body).toMatch(new RegExp(`^# HELP zonekeeper_converge_late_total .* ${OBJECTIVE_SECONDS} seconds `, 'm'));
  });
});

describe('every alert', () => {
  it.each(NAMES)('%s has a runbook that says what it means and what to do', (name) => {
    const text = readFileSync(`docs/runbooks/${name}.md`, 'utf8');
    const parts = [...text.matchAll(/^## (.*)\n\n([\s\S]*?)(?=\n## |$(?![\s\S]))/gm)].map(([, title, body]) => [
      title,
      body?.trim(),
    ]);
    expect(parts.map(([title]) => title)).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation']);
    for (const [, body] of parts) expect(body).not.toBe('');
    expect(text).toContain('```promql');
  });

  it('and no runbook is left over', () => {
    expect(
      readdirSync('docs/runbooks')
        .map((file) => file.replace('.md', ''))
        .sort(),
    ).toEqual([...NAMES].sort());
  });

  it('has, rule by rule, a case in which it fires and recovers', () => {
    const rules = ALERTS.map(({ alert, labels: { window } }) => titleOf({ alert, window }));
    expect([...new Set(ALERT_CASES.map(titleOf))].sort()).toEqual(rules.sort());
  });
});

/** The rule that a case is of: of several with one name each has a window of its own. */
function titleOf({ alert, window }: { readonly alert: string; readonly window?: string | undefined }): string {
  return window === undefined ? alert : `${alert} (${window})`;
}

/** Those about a zone. */
const OF_ZONES = ALERT_CASES.filter(({ alert }) =>
  ALERTS.some((rule) => rule.alert === alert && rule.expr.includes(', zone)')),
);

for (const { needs, program } of PROMTOOLS)
  requires(needs)(`by ${needs}`, () => {
    it('the rules are valid', async () => {
      const { code, stdout, stderr } = await attempt(program, ['check', 'rules', '--lint-fatal', RULES]);
      expect({ code, said: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, said: '' });
    });

    it.each(ALERT_CASES.map((one) => [`${titleOf(one)}, when ${one.when}`, one] as const))(
      '%s: fires, is over when that is, and does not fire for what is nearest to it and well',
      async (_, one) => {
        expect(await complaints(program, resolve(RULES), fireAndRecover(one))).toBe('');
      },
    );

    it.each(OF_ZONES.map((one) => [`${one.alert}, when ${one.when}`, one] as const))(
      '%s: goes on when another begins to lead',
      async (_, one) => {
        expect(await complaints(program, resolve(RULES), handOver(one))).toBe('');
      },
    );

    it.each(TEXT_CASES.map((one) => [one.summary, one] as const))('says: %s', async (_, one) => {
      expect(await complaints(program, resolve(RULES), [said(one)])).toBe('');
    });

    requires('helm')('in the chart', () => {
      it('they are valid, with thresholds, labels and runbooks of their own', async () => {
        const path = await chartRules({
          thresholds: { driftSeconds: 60, conflictFor: '1h', objective: 0.99, lateMin: 7, writesFor: '3m' },
          disabled: ['ZonekeeperFailed'],
          alertLabels: { team: 'edge' },
          runbooks: 'https://runbooks.internal/dns/',
        });
        expect((await attempt(program, ['check', 'rules', '--lint-fatal', path])).code).toBe(0);
        const { groups } = parse(readFileSync(path, 'utf8')) as { groups: { rules: Record<string, unknown>[] }[] };
        const named = (alert: string) => groups.flatMap(({ rules }) => rules).find((one) => one.alert === alert);
        expect(named('ZonekeeperFailed')).toBeUndefined();
        expect(named('ZonekeeperDriftPersisting')?.expr).toMatch(/> 60$/);
        expect(named('ZonekeeperWritesFailing')).toMatchObject({ for: '3m' });
        expect(named('ZonekeeperConvergeBudgetBurn')?.expr).toMatch(/> 14.4 \* \(1 - 0.99\) and .* >= 7$/);
        expect(named('ZonekeeperConflict')).toMatchObject({
          for: '1h',
          labels: { team: 'edge', severity: 'warning' },
          annotations: { runbook_url: 'https://runbooks.internal/dns/ZonekeeperConflict.md' },
        });
      });

      it('they are about their release, and leave others to theirs', async () => {
        const rules = await chartRules({});
        expect(await complaints(program, rules, ALERT_CASES.flatMap(ofOwnRelease))).toBe('');
        expect(await complaints(program, rules, ALERT_CASES.map(ofOtherRelease))).toBe('');
      });
    });
  });

requires('helm')('what tells the series of a release from others', () => {
  it.each<[string, Values, string]>([
    ['is what a ServiceMonitor makes of it', { serviceMonitor: { enabled: true } }, 'namespace="dns", job="zk"'],
    ['is what a PodMonitor makes of it', { podMonitor: { enabled: true } }, 'namespace="dns", job="dns/zk"'],
    ['may be either where the chart makes neither', {}, 'namespace="dns", job=~"(dns/)?zk"'],
    ['can be said', { prometheusRule: { selector: 'cluster="a"' } }, 'cluster="a"'],
  ])('%s', async (_, metrics, selector) => {
    const objects = await render(
      merge({ fullnameOverride: 'zk', metrics: { prometheusRule: { enabled: true } } }, { metrics }),
    );
    const { groups } = the(objects, 'PrometheusRule').spec as { groups: { rules: { expr: string }[] }[] };
    const asked = groups.flatMap(({ rules }) => rules).flatMap(({ expr }) => selectorsIn(expr));
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((one) => !one.includes(`{${selector}}`) && !one.includes(`{${selector}, `))).toEqual([]);
  });
});

/** The rules of the release `zk` in the namespace `dns`, which its ServiceMonitor names so, as a file. */
async function chartRules(prometheusRule: Values): Promise<string> {
  const metrics = { serviceMonitor: { enabled: true }, prometheusRule: { enabled: true, ...prometheusRule } };
  const rule = the(await render({ fullnameOverride: 'zk', metrics }), 'PrometheusRule');
  const path = join(testFolder(), 'rules.yaml');
  writeFileSync(path, stringify(rule.spec));
  return path;
}
