import type { Plan, Strike } from './plan.ts';
import { runSchedule } from './run.ts';

const BASE = {
  daemons: 1,
  apiBudget: 1_000,
  guard: { share: 1, min: 100 },
  driftMinMs: 5_000,
  smallPages: false,
  deleteGraceMs: 0,
  libraries: false,
  leastFaults: 0,
  lastsMs: 6_000,
} as const;
const FROM_MS = 3_500;

const scenario = (name: string, strikes: readonly Strike[], over: Partial<Plan> = {}) => ({
  name,
  plan: { ...BASE, strikes, ...over } satisfies Plan,
});
const want = (n: number, at = FROM_MS): Strike => ({ at, kind: 'want', n, m: 0 });

/** In each of them, every single call is once the last of its process: before it leaves, and after it took effect. */
export const SCENARIOS = [
  scenario('a name is wanted', [want(0)]),
  scenario('a name is wanted no more', [want(0, 500), { at: FROM_MS, kind: 'unwant', n: 0, m: 0 }]),
  scenario('a name gets another target', [want(0, 500), { at: FROM_MS, kind: 'retarget', n: 0, m: 7 }]),
  scenario('a person edits a record', [want(0, 500), { at: FROM_MS, kind: 'edit', n: 0 }]),
  scenario('a person deletes a record', [want(0, 500), { at: FROM_MS, kind: 'delete', n: 0 }]),
  scenario('a foreign record is there first', [{ at: 500, kind: 'foreign', n: 0, m: 3 }, want(0)]),
  scenario('a foreign record is adopted', [
    { at: 500, kind: 'foreign', n: 0, m: 3 },
    want(0, 1_000),
    { at: FROM_MS, kind: 'adopt order', n: 0, force: false },
  ]),
  scenario('a deletion is ordered', [want(0, 500), { at: FROM_MS, kind: 'delete order', n: 0, force: true }]),
  scenario('a sync over three zones', [want(0, 500), want(5, 500), want(8, 500), { at: FROM_MS, kind: 'sync' }]),
  scenario(
    'an answer is lost, with a standby',
    [{ at: 3_000, kind: 'api call', point: 'batch', effect: 'lost after' } as const, want(0)],
    { daemons: 2 },
  ),
] as const;

/** Of these, every two crash points are tried: the smallest ones, for there are several thousand pairs in each. */
export const IN_PAIRS = [0, 1, 3] as const;

/** What came of all crash points of a scenario. */
export interface Enumeration {
  readonly name: string;
  readonly points: number;
  readonly failures: readonly string[];
}

/** Crashes a scenario at every point; with `pairs`, at every two of them. */
export async function enumerate(index: number, pairs: boolean): Promise<Enumeration> {
  const one = SCENARIOS[index];
  if (one === undefined) throw new Error(`There is no scenario ${index}.`);
  const seed = 1;
  const { name, plan } = one;
  const base = await runSchedule(seed, { plan });
  const failures = base.problem === null ? [] : [`without a crash: ${base.problem}`];
  // Both sides of each call.
  const places = (after: number, last: number) =>
    Array.from({ length: 2 * Math.max(0, last - after) }, (_, i) => 2 * (after + 1) + i);
  let points = 0;
  const crash = async (crashAt: readonly number[]) => {
    const { problem } = await runSchedule(seed, { plan, crashAt });
    points += 1;
    const said = crashAt.map((at) => `${at % 2 === 0 ? 'before' : 'after'} call ${at >> 1}`).join(' and ');
    if (problem !== null) failures.push(`crash ${said}: ${problem}`);
  };
  for (const first of places(0, base.callsUntilCalm)) {
    if (!pairs) await crash([first]);
    else {
      // What follows a crash has calls of its own: those of the next process, until it has come to rest.
      const { callsUntilRest } = await runSchedule(seed, { plan, crashAt: [first] });
      for (const second of places(first >> 1, callsUntilRest)) await crash([first, second]);
    }
  }
  return { name, points, failures };
}
