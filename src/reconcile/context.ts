import type { Cause } from '../ledger/port.ts';
import type { ChangeOutcome } from './outcome.ts';

/** Why a name is looked at. Later in the list wins when two reasons become one run. */
export const TRIGGERS = ['resync', 'start', 'drift', 'change', 'sync', 'adopt', 'delete'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** Something that a person asked for one name, beyond making it as desired. Carried out once. */
export interface Order {
  readonly kind: 'delete' | 'adopt';
  /** For a delete: also when a consumer still wants the name. */
  readonly force: boolean;
}

/** Told what became of a name: the operation that counts it. Told once per name; later outcomes are not its business. */
export interface Watcher {
  settled(fqdn: string, outcome: ChangeOutcome): void;
}

/** What travels with a key through the queue: reasons and listeners, never facts about the name. */
export interface Context {
  readonly trigger: Trigger;
  /** Wall-clock milliseconds of the commit or the detection that is answered here; the earliest counts. */
  readonly since: number;
  /**
   * `since` is when a wait ends that is no delay of ours: a hold that somebody set, or the pause after Cloudflare refused what
   * the record says.
   */
  readonly held?: boolean;
  /** That this comes late has been counted. */
  readonly late?: boolean;
  readonly operationId: string | null;
  readonly actor: string | null;
  readonly watchers: readonly Watcher[];
  readonly order: Order | null;
  /** W3C trace context of the request that asked for it. */
  readonly traceparent?: string | null;
}

/** A context without operation. */
export function because(trigger: Trigger, since: number): Context {
  return { trigger, since, operationId: null, actor: null, watchers: [], order: null };
}

/** Finds that come again and again: they do not bring forward what waits. */
const PATIENT: ReadonlySet<Trigger> = new Set(['drift', 'resync']);

/** May a name be looked at later than now, if it waits anyway? */
export function isPatient(trigger: Trigger): boolean {
  return PATIENT.has(trigger);
}

/** The context of a run that stands for two adds. Does not depend on their order, but for two of equal rank. */
export function mergeContexts(a: Context, b: Context): Context {
  const [low, high] = TRIGGERS.indexOf(a.trigger) <= TRIGGERS.indexOf(b.trigger) ? [a, b] : [b, a];
  return {
    trigger: high.trigger,
    ...earliest(a, b),
    operationId: high.operationId ?? low.operationId,
    actor: high.actor ?? low.actor,
    watchers: [...new Set([...low.watchers, ...high.watchers])],
    order: high.order ?? low.order,
    traceparent: high.traceparent ?? low.traceparent ?? null,
  };
}

/** From when a run counts that stands for both. A wait that one of them ends counts no more; one that both leave alone goes on. */
function earliest(a: Context, b: Context): Pick<Context, 'since' | 'held' | 'late'> {
  const [waiting, other] = a.held === true ? [a, b] : [b, a];
  const one =
    waiting.held === true && other.held !== true
      ? isPatient(other.trigger)
        ? waiting
        : other
      : a.since <= b.since
        ? a
        : b;
  return { since: one.since, ...(one.held === true && { held: true }), ...(one.late === true && { late: true }) };
}

/** The same reasons for the name's next run: listeners have been told and orders carried out. */
export function carryOn(context: Context): Context {
  return { ...context, watchers: [], order: null };
}

/** What the history says of it. */
export function causeOf(context: Context): Cause {
  return { trigger: context.trigger, operationId: context.operationId, actor: context.actor };
}
