import type { Plan, Strike } from './plan.ts';
import { planOf, runSchedule } from './run.ts';

/** Runs that one reduction may take. */
const MAX_RUNS = 400;

/** The shortest list of strikes that still breaks a promise, found by leaving out ever smaller parts of it. */
export async function reduce(seed: number): Promise<{ plan: Plan; problem: string | null }> {
  let plan = planOf(seed);
  let { problem } = await runSchedule(seed, { plan });
  let runs = 0;
  for (let size = Math.ceil(plan.strikes.length / 2); size >= 1 && runs < MAX_RUNS; ) {
    let shorter = false;
    for (let at = 0; at < plan.strikes.length && runs < MAX_RUNS; ) {
      const strikes: Strike[] = [...plan.strikes.slice(0, at), ...plan.strikes.slice(at + size)];
      const outcome = await runSchedule(seed, { plan: { ...plan, strikes } });
      runs += 1;
      if (outcome.problem === null) {
        at += size;
        continue;
      }
      plan = { ...plan, strikes };
      problem = outcome.problem;
      shorter = true;
    }
    if (size === 1 && !shorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { plan, problem };
}
