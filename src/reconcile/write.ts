import type { WorkOutcome } from '../cloudflare/writer.ts';
import type { Steps } from '../controller/steps.ts';
import type { DesiredName } from '../dns/desired.ts';
import type { Change } from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import { type Context, causeOf, causeOfDeletion } from './context.ts';
import type { Core } from './core.ts';
import type { FlapDetector } from './flap.ts';
import { isNewlyLate } from './objective.ts';
import type { ChangeResult } from './outcome.ts';
import type { Stay } from './stay.ts';
import { resultOf } from './visit-result.ts';
import type { ManagedZone } from './zone.ts';

export interface WriteOptions extends Pick<Core, 'guard' | 'observer' | 'clock'> {
  readonly flaps: FlapDetector;
  /** Null where nobody traces. */
  readonly steps: Steps | null;
  /** Where changes are noted that left, as soon as it is known what became of them: whatever fails after that. */
  readonly made: ChangeResult[];
}

/** What is written, and why. */
export interface WriteOf {
  readonly fqdn: string;
  readonly zone: ManagedZone;
  readonly verdict: Verdict;
  /** Those of the verdict's changes that the guard counts: they leave the name without a record. */
  readonly deletions: readonly Change[];
  /** What the name should have, in whatever zone. */
  readonly wanted: DesiredName | null;
  /** What is to stand in this zone. */
  readonly desired: DesiredName | null;
  readonly context: Context;
  readonly stay: Stay;
}

/** The changes of one name in one zone on their way to Cloudflare, and what is told of them to all who count changes. */
export class Write {
  readonly #options: WriteOptions;
  readonly #of: WriteOf;

  constructor(options: WriteOptions, of: WriteOf) {
    this.#options = options;
    this.#of = of;
  }

  /** What the zone's writer made of them, together or not at all. */
  async send(): Promise<WorkOutcome> {
    const { fqdn, zone, verdict, deletions, wanted, context, stay } = this.#of;
    const { steps, guard } = this.#options;
    const deletes = () => causeOfDeletion(context, guard.isReleased({ fqdn, changes: deletions }));
    const submitted = zone.writer.submit({
      fqdn,
      changes: verdict.changes,
      forget: verdict.forget,
      consumer: wanted?.consumer ?? null,
      cause: deletions.length > 0 ? deletes() : causeOf(context),
      ...(steps !== null && { steps }),
    });
    const done = stay.outside(() => submitted);
    return steps === null ? done : steps.of('write', () => done);
  }

  /** Tells what became of them. To be called as soon as that is known, and once. */
  tell(outcome: WorkOutcome): readonly ChangeResult[] {
    const { fqdn, zone, verdict, deletions, desired, context } = this.#of;
    const { guard, observer, flaps, made, clock } = this.#options;
    const results = verdict.changes.map((change) => resultOf(change, outcome));
    this.#observe(results);
    if (outcome.kind === 'applied' || outcome.kind === 'unknown') made.push(...results);
    if (deletions.length > 0 && outcome.kind === 'unknown') guard.counted(zone.name);
    else if (outcome.kind !== 'applied') guard.ended(fqdn, zone.name);
    if (outcome.kind !== 'applied') return results;
    if (context.trigger === 'drift' && desired !== null) flaps.repaired(fqdn);
    if (deletions.length > 0) guard.deleted(zone.name, fqdn);
    const now = clock.wall();
    observer.converged(zone.name, context.trigger, Math.max(0, now - context.since));
    if (isNewlyLate(context, now)) observer.late(zone.name, context.trigger);
    return results;
  }

  #observe(results: readonly ChangeResult[]): void {
    const { zone, context } = this.#of;
    for (const { change, result, error } of results) {
      this.#options.observer.changed({
        fqdn: change.fqdn,
        zone: zone.name,
        action: change.action,
        result,
        error,
        trigger: context.trigger,
        reason: change.reason,
        operationId: context.operationId,
      });
    }
  }
}
