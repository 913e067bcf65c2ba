import type { Dice } from './draw.ts';
import { LABELS, type Strike } from './plan.ts';

/** More calls than any budget of this theme. */
const MANY = 70;
const MANY_WITHIN_MS = 45_000;
/** A reserved call is used within 30 s, and counts for 360 s: 300 s after it has ended. */
const USED_IN_TIME_MS = [20_000, 29_000] as const;
const COUNTS_IF_IN_TIME_MS = 360_000;

/**
 * Calls that were reserved long before they leave, and a process that has to count them for its predecessor while everything
 * that is left of the budget is used up. Lasts for longer than the window of Cloudflare's budget, sometimes for two of them.
 */
export function windows(daemons: number, dice: Dice): { readonly strikes: Strike[]; readonly lastsMs: number } {
  const { random, below, pick } = dice;
  const between = (from: number, to: number) => from + random() * (to - from);
  const first = between(8_000, 12_000);
  // From a lot that was reserved in time, or from one that should not be used any more.
  const inTime = below(2) === 0;
  const later = first + (inTime ? between(...USED_IN_TIME_MS) : between(62_000, 110_000));
  const dies = first + between(262_000, 290_000);
  // When the lot counts no more, if it counted for too short a time; and for as long as its calls count.
  const last = first + (inTime ? between(297_000, 302_000) : COUNTS_IF_IN_TIME_MS - between(0, 5_000));
  const kind = pick(['crash', 'terminate'] as const);
  return {
    strikes: [
      ...burst(first, 2_000, 1 + below(12), dice),
      ...burst(later, 1_000, 4 + below(16), dice),
      ...Array.from({ length: daemons }, (_, daemon): Strike => ({ at: dies, kind, daemon, ms: 0 })),
      ...burst(last, MANY_WITHIN_MS, MANY, dice),
    ],
    lastsMs: Math.max(last + MANY_WITHIN_MS, pick([0, 640_000])),
  };
}

/** What a schedule of this theme is drawn with. Zones are looked at seldom: that uses up lots, too. */
export function windowSettings({ pick }: Dice) {
  return { apiBudget: 40, lotCalls: pick([8, 16]), driftMinMs: 60_000 };
}

/** So many changes, each of which needs a call of its own. */
function burst(at: number, withinMs: number, count: number, { random, below }: Dice): Strike[] {
  return Array.from({ length: count }, () => ({
    at: at + random() * withinMs,
    kind: 'retarget',
    n: below(LABELS - 1),
    m: below(200),
  }));
}
