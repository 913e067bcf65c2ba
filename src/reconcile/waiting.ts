import type { Problem } from '../dns/desired.ts';
import type { TrackedRecord } from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import type { Context } from './context.ts';
import type { Core } from './core.ts';
import type { FlapDetector } from './flap.ts';
import type { Ended } from './visit-result.ts';

export interface WaitingOptions extends Pick<Core, 'rules'> {
  readonly flaps: FlapDetector;
}

/** Reasons of ours to leave a drift as it is for now; null when there is none. `deletes`: the name would be emptied. */
export function waiting(
  { rules, flaps }: WaitingOptions,
  { fqdn, verdict, deletes }: { readonly fqdn: string; readonly verdict: Verdict; readonly deletes: boolean },
  tracked: readonly TrackedRecord[],
  { order, trigger }: Context,
): Ended | null {
  const state = verdict.drift ?? verdict.state;
  if (rules.dryRun) {
    return { state, problem: { code: 'policy_held', message: 'ZONEKEEPER_DRY_RUN is set: nothing is changed.' } };
  }
  if (order?.kind === 'delete') return null;
  if (deletes && rules.deleteGraceMs > 0) {
    const left = rules.deleteGraceMs - Math.max(0, ...tracked.map((row) => row.unwantedForMs ?? 0));
    if (left > 0) {
      const problem: Problem = { code: 'delete_held', message: 'ZONEKEEPER_DELETE_GRACE is not over yet.' };
      return { state, problem, next: { afterMs: left }, nextTryMs: left, held: true };
    }
  }
  const pause = order !== null || trigger === 'sync' ? 0 : flaps.pauseMs(fqdn);
  if (pause === 0) return null;
  const problem: Problem = { code: 'flapping', message: 'Somebody else keeps changing this record back.' };
  return { state, problem, next: { afterMs: pause }, nextTryMs: pause, held: true };
}
