import type { Clock } from '../controller/clock.ts';
import { PRIORITY, type Priority } from '../controller/priority.ts';
import type { WorkQueue } from '../controller/queue.ts';
import type { Ledger } from '../ledger/port.ts';
import { because, type Context, isPatient, type Trigger } from './context.ts';
import type { ManagedZone } from './zone.ts';
import type { Zones } from './zones.ts';

const UNSETTLED = 200_000;
/** Names whose change is remembered until their zone has been seen; of others, the time of the change is lost, no more. */
const MAX_LEFT = 20_000;

export interface IntakeOptions {
  readonly queue: WorkQueue<string, Context>;
  readonly zones: Pick<Zones, 'of' | 'known'>;
  /** Have names been told that the zones cannot be listed? Before, that may be over in a moment. */
  readonly toldUnlisted: () => boolean;
  readonly ledger: Pick<Ledger, 'unsettledNames'>;
  readonly clock: Clock;
  /** Nothing is looked at of our own accord. */
  readonly passive: boolean;
}

/** Why names are to be looked at, and how soon. */
export interface Reason {
  readonly trigger: Trigger;
  readonly priority: Priority;
  /** Where it is known already. */
  readonly zone?: ManagedZone | undefined;
  /** Wall-clock milliseconds since when it is so; now where it is not said. */
  readonly since?: number | undefined;
}

/** Puts names into the queue. Those of a zone that has not been seen are left to its first comparison. */
export class Intake {
  readonly #options: IntakeOptions;
  /** When names were changed that were left, by their zone; null where none is known. Wall-clock milliseconds. */
  readonly #left = new Map<ManagedZone | null, Map<string, number>>();
  #count = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Zone by zone: names that are in flight together should meet in few batches, also where a change concerns more names than
   * can be in flight.
   */
  add(fqdns: readonly string[], { trigger, priority, zone, since }: Reason): void {
    const { queue, zones, toldUnlisted, clock, passive } = this.#options;
    if (passive) return;
    const given = since ?? clock.wall();
    const context = because(trigger, given);
    for (const [home, names] of Map.groupBy(fqdns, (fqdn) => zone ?? zones.of(fqdn))) {
      const unseen = home === undefined ? !zones.known && !toldUnlisted() : !home.mirror.ready && home.failure === null;
      for (const fqdn of names) {
        const changed = this.#take(fqdn, home ?? null) ?? this.#take(fqdn, null);
        if (unseen) {
          const at = changed ?? (trigger === 'change' ? given : undefined);
          if (at !== undefined) this.#leave(fqdn, home ?? null, at);
          continue;
        }
        const reason = changed === undefined ? context : because('change', Math.min(changed, given));
        queue.add(fqdn, { priority, context: reason, keepDelay: isPatient(trigger) });
      }
    }
  }

  /** Names that a comparison of a zone, or of all, found to differ; of the others, nothing is left to be done. */
  addCompared(fqdns: readonly string[], zone: ManagedZone | null): void {
    this.add(fqdns, { trigger: 'start', priority: PRIORITY.check, zone: zone ?? undefined });
    if (zone === null && !this.#options.zones.known) return;
    this.#count -= this.#left.get(zone)?.size ?? 0;
    this.#left.delete(zone);
  }

  /** These zones are there no more: what was left to their first comparison is left to that of all. */
  zonesGone(zones: readonly ManagedZone[]): void {
    for (const zone of zones) {
      const names = this.#left.get(zone) ?? new Map<string, number>();
      this.#left.delete(zone);
      this.#count -= names.size;
      for (const [fqdn, at] of names) this.#leave(fqdn, null, at);
    }
  }

  /** The names whose intents are open: a predecessor's, and those of zones that were not there. Surveys do not see them. */
  async addUnsettled(): Promise<void> {
    const { queue, ledger, clock } = this.#options;
    const names = await ledger.unsettledNames(UNSETTLED);
    const context = because('start', clock.wall());
    for (const fqdn of names) queue.add(fqdn, { priority: PRIORITY.event, context });
  }

  #leave(fqdn: string, home: ManagedZone | null, changedAt: number): void {
    const names = this.#left.get(home) ?? new Map<string, number>();
    const already = names.get(fqdn);
    if (already === undefined && this.#count >= MAX_LEFT) return;
    this.#left.set(home, names.set(fqdn, Math.min(already ?? changedAt, changedAt)));
    if (already === undefined) this.#count += 1;
  }

  #take(fqdn: string, home: ManagedZone | null): number | undefined {
    const names = this.#left.get(home);
    const changedAt = names?.get(fqdn);
    if (changedAt === undefined) return undefined;
    names?.delete(fqdn);
    this.#count -= 1;
    return changedAt;
  }
}
