import type { Cause } from '../ledger/port.ts';
import type { Attempts } from './attempts.ts';
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
  /** The operation carries out a plan that somebody confirmed. */
  readonly confirmed?: boolean;
  readonly actor: string | null;
  readonly watchers: readonly Watcher[];
  readonly order: Order | null;
  /** Trace context of the request that asked for it: see `Tracing`. */
  readonly traceparent?: string | null;
  /** Null for a first attempt, and where nobody traces. */
  readonly attempts?: Attempts | null;
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
  const from = earliest(a, b);
  // Who asks anew finds below the request what comes of it; and what ends a wait is a change of its own.
  const goesOn = from === high || (high.traceparent ?? null) === null;
  return {
    trigger: high.trigger,
    since: from.since,
    ...(from.held === true && { held: true }),
    ...(from.late === true && { late: true }),
    operationId: high.operationId ?? low.operationId,
    confirmed: (high.operationId === null ? low : high).confirmed === true,
    actor: high.actor ?? low.actor,
    watchers: [...new Set([...low.watchers, ...high.watchers])],
    order: high.order ?? low.order,
    traceparent: high.traceparent ?? low.traceparent ?? null,
    attempts: goesOn ? (from.attempts ?? null) : null,
  };
}

/** The one from whose moment a run counts that stands for both. A wait that one of them ends counts no more; one that both leave alone goes on. */
function earliest(a: Context, b: Context): Context {
  const [waiting, other] = a.held === true ? [a, b] : [b, a];
  if (waiting.held === true && other.held !== true) return isPatient(other.trigger) ? waiting : other;
  return a.since <= b.since ? a : b;
}

/** The same reasons for the name's next run: listeners have been told and orders carried out. */
export function carryOn(context: Context): Context {
  return { ...context, watchers: [], order: null };
}

/** What the history says of it. */
export function causeOf(context: Context): Cause {
  return { trigger: context.trigger, operationId: context.operationId, actor: context.actor };
}

/**
 * The same for a deletion that leaves a name without a record. The guard does not count those that somebody ordered, or made
 * by an operation that was confirmed: so what was let through without either must not look like it, though it was made in their
 * course. `released`: the records were part of the plan that was confirmed.
 */
export function causeOfDeletion(context: Context, released: boolean): Cause {
  const cause = causeOf(context);
  if (released || context.order?.kind === 'delete') return cause;
  return {
    trigger: cause.trigger === 'delete' ? 'change' : cause.trigger,
    operationId: context.confirmed ? null : cause.operationId,
    actor: cause.actor,
  };
}
