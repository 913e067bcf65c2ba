import { CALL_EFFECTS } from './machine.ts';
import { API_EFFECTS } from './memory-cloudflare.ts';
import { API_POINTS, DATABASE_POINTS } from './plan.ts';

/** Every fault that can strike, by the name under which it is counted. */
export const POINTS: readonly string[] = [
  ...DATABASE_POINTS.flatMap((point) => CALL_EFFECTS.map((effect) => `${point}: ${effect}`)),
  ...API_POINTS.flatMap((point) => API_EFFECTS.map((effect) => `${point}: ${effect}`)),
];

/** What befalls a whole process, the database or Cloudflare; and what came of strikes that fell at the right moment. */
export const EVENTS = [
  ...(['crash', 'pause', 'clock jumps', 'deaf', 'database down', 'database crash', 'token revoked'] as const),
  ...(['poison', 'full zone', 'token rotated', 'configuration: dry run', 'configuration: upsert-only'] as const),
  ...(['configuration: create-only', 'configuration: no deletions'] as const),
  ...(['notifications lost', 'notifications doubled', 'notifications late'] as const),
  ...(['statement cancelled', 'answer given up'] as const),
  ...(['leadership lost in the middle of a write', 'list shifts between pages'] as const),
] as const;

/** In so many schedules, each of them is struck: one that is not has moved away from under the simulation. */
const ENOUGH = 10_000;

/** The fault points that no schedule struck, and the events that none met; `fatal` where there were enough of them for that to be a failure. */
export function missedPoints(swept: {
  readonly schedules: number;
  readonly coverage: readonly (readonly [what: string, times: number])[];
}): { readonly points: readonly string[]; readonly fatal: boolean } {
  const struck = new Set(swept.coverage.map(([what]) => what));
  const points = [...POINTS, ...EVENTS].filter((point) => !struck.has(point));
  return { points, fatal: points.length > 0 && swept.schedules >= ENOUGH };
}
