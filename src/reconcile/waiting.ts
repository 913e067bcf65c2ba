import type { Problem } from '../dns/desired.ts';
import type { TrackedRecord } from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import type { Context } from './context.ts';
import type { Core } from './core.ts';
import type { FlapDetector } from './flap.ts';
import type { Ended } from './visit-result.ts';

export interface WaitingOptions extends Pick<Core, 'rules' | 'clock'> {
  readonly flaps: FlapDetector;
}

/** Reasons of ours to leave a drift as it is for now; null when there is none. `deletes`: the name would be emptied. */
export function waiting(
  { rules, clock, flaps }: WaitingOptions,
  { fqdn, verdict, deletes }: { readonly fqdn: string; readonly verdict: Verdict; readonly deletes: boolean },
  tracked: readonly TrackedRecord[],
  { order, trigger }: Context,
): Ended | null {
  const state = verdict.drift ?? verdict.state;
  if (rules.dryRun) {
    return { state, problem: { code: 'policy_held', message: 'ZONEKEEPER_DRY_RUN is set: nothing is changed.' } };
  }
  if (order !== null) return null;
  if (deletes && rules.deleteGraceMs > 0) {
    const since = Math.min(...tracked.map(({ unwantedSince }) => unwantedSince ?? clock.wall()));
    const left = since + rules.deleteGraceMs - clock.wall();
    if (left > 0) {
      const problem: Problem = { code: 'delete_held', message: 'ZONEKEEPER_DELETE_GRACE is not over yet.' };
      return { state, problem, next: { afterMs: left }, nextTryMs: left, held: true };
    }
  }
  const pause = trigger === 'sync' ? 0 : flaps.pauseMs(fqdn);
  if (pause === 0) return null;
  const problem: Problem = { code: 'flapping', message: 'Somebody else keeps changing this record back.' };
  return { state, problem, next: { afterMs: pause }, nextTryMs: pause, held: true };
}
