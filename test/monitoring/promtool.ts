import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ALERTS } from '../../deploy/monitoring/rules.ts';
import { attempt } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { tool } from '../support/tools.ts';
import type { AlertCase } from './alert-cases.ts';
import { type Course, nothing, written } from './course.ts';
import type { TextCase } from './text-cases.ts';

/** The language of rules has changed between the major versions of Prometheus; people run both. */
export const PROMTOOLS = [
  { needs: 'promtool', program: 'promtool' },
  { needs: 'promtool 3', program: tool('promtool3') },
] as const;

/** Series of a test, a minute between two values, and what is asked of them. */
export interface PromtoolTest {
  readonly interval: '1m';
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly promql_expr_test: readonly unknown[];
  readonly alert_rule_test?: readonly unknown[];
}

/** Is it so many alerts, at this minute? */
export const alertsAt = (minute: number, expr: string, alerts: number) => ({
  expr: `count(${expr})`,
  eval_time: `${minute}m`,
  exp_samples: alerts === 0 ? [] : [{ value: alerts }],
});

export const promtoolTest = (
  series: Readonly<Record<string, string>>,
  ...asked: readonly ReturnType<typeof alertsAt>[]
): PromtoolTest => ({
  interval: '1m',
  input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
  promql_expr_test: asked,
});

/** The alerts of the rule that a case is of. */
const alertsOf = ({ alert, window }: AlertCase, state = ''): string =>
  `ALERTS{${[`alertname="${alert}"`, ...(window === undefined ? [] : [`window="${window}"`]), state].filter(Boolean).join(', ')}}`;
export const firing = (one: AlertCase): string => alertsOf(one, 'alertstate="firing"');

/** The trouble of a case up to a minute, then what is after it, up to another. */
export const courses = ({ bad }: AlertCase, lastOfTrouble: number, until: number): Record<string, string> =>
  Object.fromEntries(Object.entries(bad).map(([series, course]) => [series, written(course, lastOfTrouble, until)]));

/** It fires; it is over when the trouble is, and because of that; and it does not fire for what is still well. */
export function fireAndRecover(one: AlertCase): PromtoolTest[] {
  const { good, firesAt, recoveredAt } = one;
  return [
    // When it is over it is not even pending.
    promtoolTest(
      courses(one, firesAt, recoveredAt),
      alertsAt(firesAt, firing(one), 1),
      alertsAt(recoveredAt, alertsOf(one), 0),
    ),
    // It is the end of the trouble that ends it, not the time that passes.
    promtoolTest(courses(one, recoveredAt, recoveredAt), alertsAt(recoveredAt, firing(one), 1)),
    // Nor has it fired before.
    promtoolTest(good, alertsAt(firesAt, `max_over_time(${firing(one)}[${firesAt}m])`, 0)),
  ];
}

/** One process leads and exposes the trouble; then nobody speaks of the zone for two minutes; then another process does. */
export function handOver(one: AlertCase): PromtoolTest[] {
  const { bad, firesAt } = one;
  const until = firesAt + 6;
  const from = (instance: string, begin: number, end: number) =>
    Object.entries(bad).map(([series, [trouble]]) => {
      const course: Course = [(minute, before) => (minute < begin ? null : trouble(minute, before)), nothing];
      return [series.replace('instance="a"', `instance="${instance}"`), written(course, end, until)];
    });
  const series = Object.fromEntries([...from('a', 0, firesAt), ...from('b', firesAt + 3, until)]);
  return [promtoolTest(series, ...[-1, 1, 2, 3, 6].map((minutes) => alertsAt(firesAt + minutes, firing(one), 1)))];
}

/** Series with labels of the release whose rules are asked, `job="zk"`, as those of a release in a namespace. */
const released = (series: Readonly<Record<string, string>>, labels: string) =>
  Object.fromEntries(Object.entries(series).map(([one, values]) => [one.replace('job="zk"', labels), values]));

/** The release whose rules are asked has the trouble. */
export function ofOwnRelease(one: AlertCase): PromtoolTest[] {
  const { firesAt } = one;
  const trouble = courses(one, firesAt, firesAt);
  return [promtoolTest(released(trouble, 'namespace="dns", job="zk"'), alertsAt(firesAt, firing(one), 1))];
}

/** Another has it, in the same namespace, while the release whose rules are asked is there and well. */
export function ofOtherRelease(one: AlertCase): PromtoolTest {
  const { firesAt } = one;
  const trouble = courses(one, firesAt, firesAt);
  const there = { 'zonekeeper_build_info{namespace="dns", job="zk"}': `1x${firesAt}` };
  const series = { ...released(trouble, 'namespace="dns", job="another"'), ...there };
  return promtoolTest(series, alertsAt(firesAt, 'ALERTS', 0));
}

/** The alert, as its texts are to be. */
export function said({ alert, series, at, labels, summary, description }: TextCase): PromtoolTest {
  // Several rules may have one name, and a window each.
  const expected = ALERTS.filter((rule) => rule.alert === alert).map(({ labels: own, annotations }) => ({
    exp_labels: { ...own, ...labels },
    exp_annotations: {
      ...annotations,
      summary,
      ...(description !== undefined && { description: description.replace('WINDOW', own.window ?? '') }),
    },
  }));
  return {
    ...promtoolTest(series),
    alert_rule_test: [{ eval_time: `${at}m`, alertname: alert, exp_alerts: expected }],
  };
}

/** What promtool says where tests of rules do not hold; empty where they do. */
export async function complaints(program: string, rules: string, tests: readonly PromtoolTest[]): Promise<string> {
  const path = join(testFolder(), 'test.yaml');
  writeFileSync(path, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
  const { code, stdout, stderr } = await attempt(program, ['test', 'rules', path]);
  return code === 0 ? '' : `${stdout}${stderr}`;
}
