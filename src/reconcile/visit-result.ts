import type { WorkOutcome } from '../cloudflare/writer.ts';
import type { DesiredName, Problem } from '../dns/desired.ts';
import type { Change, NameState } from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import type { StateUpdate } from '../ledger/port.ts';
import type { ChangeOutcome, ChangeResult } from './outcome.ts';
import type { ManagedZone } from './zone.ts';

/**
 * What the queue does with the name next. `retry` counts as a failure, after `update.nextTryMs`.
 *
 * `againIf`, asked once the state is stored: what the name waits for has all names compared when it comes (its zone is
 * known, or seen), but not if it came while the state was on its way to the database.
 */
export type Next = 'done' | 'again' | 'retry' | { readonly afterMs: number } | { readonly againIf: () => boolean };

/** What a visit came to: the state to store, what to tell those who asked, and when to come again. */
export interface VisitResult {
  readonly update: StateUpdate;
  readonly outcome: ChangeOutcome;
  readonly next: Next;
  /** See {@link Ended.held}. */
  readonly held: boolean;
}

/** How one zone's part of a name ended. */
export interface Ended {
  readonly state: NameState | 'gone';
  readonly problem: Problem | null;
  readonly changes?: readonly ChangeResult[];
  readonly next?: Next;
  readonly nextTryMs?: number | null;
  /** Waiting for `next` is no delay of ours: somebody set a hold, or Cloudflare refused what the record says. */
  readonly held?: boolean;
  /** Why a person's order was not carried out. Not a fact about the name. */
  readonly refusal?: Problem;
}

/** The worse a state, the later it stands. */
const RANK: readonly (NameState | 'gone')[] = [
  'gone',
  'in_sync',
  'orphaned',
  'modified',
  'missing',
  'conflict',
  'blocked',
  'failed',
];

/** Puts the parts of a name together: the worst speaks for it. Most names have one part; what nobody knows has none. */
export function combine(
  fqdn: string,
  home: ManagedZone | undefined,
  desired: DesiredName | null,
  ended: readonly Ended[],
): VisitResult {
  const worst = ended.reduce<Ended>((a, b) => (RANK.indexOf(b.state) > RANK.indexOf(a.state) ? b : a), {
    state: 'gone',
    problem: null,
  });
  const { state, problem, nextTryMs = null } = worst;
  const actual = home?.mirror.of(fqdn) ?? [];
  const update: StateUpdate = {
    fqdn,
    zone: home?.name ?? null,
    state,
    code: problem?.code ?? null,
    reason: problem?.message ?? null,
    nextTryMs,
    desired: desired?.records ?? [],
    actual: actual.map(({ type, content, ttl, proxied }) => ({ type, content, ttl, proxied })),
    consumer: desired?.consumer ?? null,
  };
  const changes = ended.flatMap((part) => part.changes ?? []);
  const refusal = ended.find((part) => part.refusal !== undefined)?.refusal ?? null;
  const waiting = worst.next === undefined ? ended.find((part) => part.next !== undefined) : worst;
  const { next = 'done', held = false } = waiting ?? {};
  return { update, outcome: { state, problem, changes, refusal }, next, held };
}

/** What hinders the name, as the verdict says it; null when nothing does. */
export function problemOf(verdict: Verdict): Problem | null {
  return verdict.code === null ? null : { code: verdict.code, message: verdict.reason ?? '' };
}

/** What became of a change, by what became of all changes of its name: they are made together or not at all. */
export function resultOf(change: Change, outcome: WorkOutcome): ChangeResult {
  if (outcome.kind === 'applied') return { change, result: 'done', error: null };
  return { change, result: outcome.kind, error: { code: outcome.error.code, message: outcome.error.message } };
}

/** Changes that were not made because something holds them. */
export function unmade(changes: readonly Change[], error: Problem | null): ChangeResult[] {
  return changes.map((change) => ({ change, result: 'held', error }));
}

/** A tracked record stands in a zone that is not there any more. */
export function zoneGone(fqdn: string, zoneId: string): Problem {
  return {
    code: 'cloudflare_zone_gone',
    message: `${fqdn} has a tracked record in the zone ${zoneId}, which the token does not see.`,
  };
}
