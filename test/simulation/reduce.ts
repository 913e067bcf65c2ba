import type { Plan, Strike } from './plan.ts';
import { planOf, runSchedule } from './run.ts';

/** Runs that one reduction may take. */
const MAX_RUNS = 2_000;
/** A shorter plan has other delays and other coincidences: it is given so many interleavings to fail in. */
const INTERLEAVINGS = 6;

/** A plan that fails, and the seed of the interleaving in which it does. */
export interface Reduced {
  readonly seed: number;
  readonly plan: Plan;
  /** Null when every promise held. */
  readonly problem: string | null;
}

/** The shortest list of strikes that still breaks a promise, found by leaving out ever smaller parts of it. */
export async function reduce(first: number): Promise<Reduced> {
  let seed = first;
  let plan = planOf(seed);
  let { problem } = await runSchedule(seed, { plan });
  if (problem === null) return { seed, plan, problem };
  let runs = 0;
  const failing = async (shorter: Plan): Promise<Reduced | null> => {
    for (let i = 0; i < INTERLEAVINGS && runs < MAX_RUNS; i++) {
      runs += 1;
      const outcome = await runSchedule(seed + i, { plan: shorter });
      if (outcome.problem !== null) return { seed: seed + i, plan: shorter, problem: outcome.problem };
    }
    return null;
  };
  // What is added after the last strike is drawn anew for each plan: it would hide which strikes are needed.
  const bare = await failing({ ...plan, leastFaults: 0 });
  if (bare !== null) ({ seed, plan, problem } = bare);
  for (let size = Math.ceil(plan.strikes.length / 2); size >= 1 && runs < MAX_RUNS; ) {
    let shorter = false;
    for (let at = 0; at < plan.strikes.length && runs < MAX_RUNS; ) {
      const strikes: Strike[] = [...plan.strikes.slice(0, at), ...plan.strikes.slice(at + size)];
      const found = await failing({ ...plan, strikes });
      if (found === null) {
        at += size;
        continue;
      }
      ({ seed, plan, problem } = found);
      shorter = true;
    }
    if (size === 1 && !shorter) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { seed, plan, problem };
}
