import type { Clock } from '../controller/clock.ts';
import { PRIORITY, type Priority } from '../controller/priority.ts';
import type { WorkQueue } from '../controller/queue.ts';
import type { Ledger } from '../ledger/port.ts';
import { because, type Context, type Trigger } from './context.ts';
import type { ManagedZone } from './zone.ts';
import type { Zones } from './zones.ts';

const UNSETTLED = 200_000;

export interface IntakeOptions {
  readonly queue: WorkQueue<string, Context>;
  readonly zones: Pick<Zones, 'of'>;
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

/** Puts names into the queue. */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Zone by zone: names that are in flight together should meet in few batches, also where a change concerns more names than
   * can be in flight. Those of a zone that has not been seen are left to its first survey.
   */
  add(fqdns: readonly string[], { trigger, priority, zone, since }: Reason): void {
    const { queue, zones, clock, passive } = this.#options;
    if (passive) return;
    const context = because(trigger, since ?? clock.wall());
    for (const [home, names] of Map.groupBy(fqdns, (fqdn) => zone ?? zones.of(fqdn))) {
      const unseen = home !== undefined && !home.mirror.ready && home.failure === null;
      if (unseen) continue;
      for (const fqdn of names) {
        queue.add(fqdn, { priority, context, keepDelay: trigger === 'drift' || trigger === 'resync' });
      }
    }
  }

  /** The names whose intents are open: a predecessor's, and those of zones that were not there. Surveys do not see them. */
  async addUnsettled(): Promise<void> {
    const { queue, ledger, clock } = this.#options;
    const names = await ledger.unsettledNames(UNSETTLED);
    const context = because('start', clock.wall());
    for (const fqdn of names) queue.add(fqdn, { priority: PRIORITY.event, context });
  }
}
