import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { OBJECTIVE_SECONDS, THRESHOLDS } from '../../deploy/monitoring/objectives.ts';
import { ALERTS, RULE_GROUPS } from '../../deploy/monitoring/rules.ts';
import { monitoringFiles } from '../../scripts/monitoring.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { render, the } from '../support/chart.ts';
import { attempt } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { requires } from '../support/requires.ts';
import { tool } from '../support/tools.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { type Course, nothing, written } from './course.ts';

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

  it('looks at a bound that the histogram has', async () => {
    const metrics = new Metrics({ build: { version: '0', node_version: '0' }, runtime: false });
    metrics.addZone('example.com');
    expect((await metrics.scrape()).body).toContain(`le="${OBJECTIVE_SECONDS}"`);
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

/** The case as promtool is asked for it, in three tests of series. */
function promtoolTest({ alert, window, bad, good, firesAt, recoveredAt }: AlertCase) {
  const labels = [`alertname="${alert}"`, ...(window === undefined ? [] : [`window="${window}"`])].join(', ');
  const known = `count(ALERTS{${labels}})`;
  const firing = `count(ALERTS{${labels}, alertstate="firing"})`;
  const at = (minute: number, expr: string, alerts: number) => ({
    expr,
    eval_time: `${minute}m`,
    exp_samples: alerts === 0 ? [] : [{ value: alerts }],
  });
  const test = (series: Readonly<Record<string, string>>, ...asked: readonly ReturnType<typeof at>[]) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: asked,
  });
  const courses = (lastOfTrouble: number) =>
    Object.fromEntries(
      Object.entries(bad).map(([series, course]) => [series, written(course, lastOfTrouble, recoveredAt)]),
    );
  return {
    rule_files: [resolve(RULES)],
    evaluation_interval: '1m',
    tests: [
      // When it is over it is not even pending.
      test(courses(firesAt), at(firesAt, firing, 1), at(recoveredAt, known, 0)),
      // It is the end of the trouble that ends it, not the time that passes.
      test(courses(recoveredAt), at(recoveredAt, firing, 1)),
      test(good, at(firesAt, firing, 0)),
    ],
  };
}

/** One process leads and exposes the trouble; then nobody speaks of the zone for two minutes; then another process does. */
function handOver({ alert, bad, firesAt }: AlertCase) {
  const until = firesAt + 6;
  const from = (instance: string, begin: number, end: number) =>
    Object.entries(bad).map(([series, [trouble]]) => {
      const course: Course = [(minute, before) => (minute < begin ? null : trouble(minute, before)), nothing];
      return { series: series.replace('instance="a"', `instance="${instance}"`), values: written(course, end, until) };
    });
  const asked = [-1, 1, 2, 3, 6].map((minutes) => ({
    expr: `count(ALERTS{alertname="${alert}", alertstate="firing"})`,
    eval_time: `${firesAt + minutes}m`,
    exp_samples: [{ value: 1 }],
  }));
  const input_series = [...from('a', 0, firesAt), ...from('b', firesAt + 3, until)];
  return {
    rule_files: [resolve(RULES)],
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series, promql_expr_test: asked }],
  };
}

/** Those about a zone. */
const OF_ZONES = ALERT_CASES.filter(({ alert }) =>
  ALERTS.some((rule) => rule.alert === alert && rule.keep_firing_for !== undefined),
);

/** What promtool says of a test of rules that does not hold; empty when it does. */
async function complaints(program: string, test: unknown): Promise<string> {
  const path = join(testFolder(), 'test.yaml');
  writeFileSync(path, stringify(test));
  const { code, stdout, stderr } = await attempt(program, ['test', 'rules', path]);
  return code === 0 ? '' : `${stdout}${stderr}`;
}

/** The language of rules has changed between the major versions of Prometheus; people run both. */
const PROMTOOLS = [
  { needs: 'promtool', program: 'promtool' },
  { needs: 'promtool 3', program: tool('promtool3') },
];

for (const { needs, program } of PROMTOOLS)
  requires(needs)(`by ${needs}`, () => {
    it('the rules are valid', async () => {
      const { code, stdout, stderr } = await attempt(program, ['check', 'rules', '--lint-fatal', RULES]);
      expect({ code, said: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, said: '' });
    });

    it.each(ALERT_CASES.map((one) => [`${titleOf(one)}, when ${one.when}`, one] as const))(
      '%s: fires, is over when that is, and fires for nothing less',
      async (_, one) => {
        expect(await complaints(program, promtoolTest(one))).toBe('');
      },
    );

    it.each(OF_ZONES.map((one) => [one.alert, one] as const))(
      '%s: goes on when another begins to lead',
      async (_, one) => {
        expect(await complaints(program, handOver(one))).toBe('');
      },
    );

    requires('helm')('in the chart', () => {
      it('they are valid, with thresholds, labels and runbooks of their own', async () => {
        const rule = the(
          await render({
            metrics: {
              prometheusRule: {
                enabled: true,
                thresholds: { driftSeconds: 60, conflictFor: '1h' },
                disabled: ['ZonekeeperFailed'],
                alertLabels: { team: 'edge' },
                runbooks: 'https://runbooks.internal/dns/',
              },
            },
          }),
          'PrometheusRule',
        );
        const path = join(testFolder(), 'rules.yaml');
        writeFileSync(path, stringify(rule.spec));
        expect((await attempt(program, ['check', 'rules', '--lint-fatal', path])).code).toBe(0);
        const rules = (rule.spec.groups as { rules: Record<string, never>[] }[]).flatMap((group) => group.rules);
        const named = (alert: string) =>
          rules.find((one) => one.alert === alert) as Record<string, unknown> | undefined;
        expect(named('ZonekeeperFailed')).toBeUndefined();
        expect(named('ZonekeeperDriftPersisting')?.expr).toMatch(/> 60$/);
        expect(named('ZonekeeperConflict')).toMatchObject({
          for: '1h',
          labels: { team: 'edge', severity: 'warning' },
          annotations: { runbook_url: 'https://runbooks.internal/dns/ZonekeeperConflict.md' },
        });
      });
    });
  });
