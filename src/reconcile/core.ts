import type { Clock } from '../controller/clock.ts';
import type { Gather } from '../controller/gather.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Guard } from './guard.ts';
import type { CoreObserver } from './observer.ts';
import type { Rules } from './rules.ts';
import type { Zones } from './zones.ts';

/** Everything that looking at a name needs. */
export interface Core {
  readonly ledger: Ledger;
  readonly zones: Zones;
  readonly guard: Guard;
  readonly gather: Gather;
  readonly clock: Clock;
  readonly defer: (run: () => void) => void;
  readonly rules: Rules;
  readonly epoch: number;
  readonly observer: CoreObserver;
  /** The pause before the next attempt of a name that fails once more. Milliseconds. */
  readonly nextBackoffMs: (fqdn: string) => number;
}
