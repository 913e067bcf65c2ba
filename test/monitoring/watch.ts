import type { TestPrometheus } from '../support/prometheus.ts';
import { waitFor } from '../support/wait.ts';
import { allQueries } from './queries.ts';

/** For what goes through a scrape, a rule and a query, on a machine that does several things at once. */
const PATIENCE_MS = 180_000;

/** Somebody before the dashboards: waits until they show what is there to be seen. */
export interface Watch {
  /** An alert of this name. */
  fires(alert: string): Promise<unknown>;
  /** No alert of this name. */
  resolves(alert: string): Promise<unknown>;
  /** Something above 0, now. */
  seen(expr: string): Promise<unknown>;
  /** Something above 0, now, by each query of all panels with these titles. */
  shows(...titles: readonly string[]): Promise<void>;
  /** This value, now, once for each of so many installations, by all panels with this title. */
  showsEach(title: string, value: number, installations: number): Promise<void>;
}

export function watch({ firing, now }: TestPrometheus): Watch {
  const above0 = async (expr: string) => (await now(expr)).some(({ values }) => (values[0] ?? 0) > 0);
  const seen = (expr: string) => waitFor(expr, () => above0(expr), PATIENCE_MS);
  const of = (title: string) => {
    const queries = allQueries().filter(({ where }) => where.endsWith(`: ${title}`));
    if (queries.length === 0) throw new Error(`There is no panel "${title}".`);
    return queries.map(({ expr }) => expr);
  };
  return {
    fires: (alert) => waitFor(`${alert} to fire`, async () => (await firing()).includes(alert), PATIENCE_MS),
    resolves: (alert) => waitFor(`${alert} to resolve`, async () => !(await firing()).includes(alert), PATIENCE_MS),
    seen,
    shows: async (...titles) => {
      for (const expr of titles.flatMap(of)) await seen(expr);
    },
    showsEach: async (title, value, installations) => {
      for (const expr of of(title)) await seen(`count((${expr}) == ${value}) == ${installations}`);
    },
  };
}
