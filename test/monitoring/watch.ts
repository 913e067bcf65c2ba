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
  /** The alert fires, or has since then (seconds since 1970): for what may be over before anybody looks. */
  hasFired(alert: string, since: number): Promise<unknown>;
  /** Each query of all panels with this title is above 0, or has been since then. */
  hasShown(title: string, since: number): Promise<void>;
  /** This value, now, once for each of so many installations, by all panels with this title. */
  showsEach(title: string, value: number, installations: number): Promise<void>;
}

export function watch({ firing, now, range }: TestPrometheus): Watch {
  const above0 = async (expr: string) => (await now(expr)).some(({ values }) => (values[0] ?? 0) > 0);
  const seen = (expr: string) => waitFor(expr, () => above0(expr), PATIENCE_MS);
  const was = (expr: string, since: number) =>
    waitFor(
      `${expr} to be or to have been`,
      async () =>
        (await range(expr)).some(({ times, values }) => times.some((at, i) => at >= since && (values[i] ?? 0) > 0)),
      PATIENCE_MS,
    );
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
    hasFired: (alert, since) => was(`ALERTS{alertname="${alert}", alertstate="firing"}`, since),
    hasShown: async (title, since) => {
      for (const expr of of(title)) await was(expr, since);
    },
    showsEach: async (title, value, installations) => {
      for (const expr of of(title)) await seen(`count((${expr}) == ${value}) == ${installations}`);
    },
  };
}
