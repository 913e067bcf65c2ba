import type { DnsApi } from '../cloudflare/port.ts';
import type { Clock, Random } from '../controller/clock.ts';
import type { QueueObserver } from '../controller/queue.ts';
import type { PoolObserver } from '../controller/workers.ts';
import type { Fence } from '../leadership/fence.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Source } from '../sources/port.ts';
import type { ExecutorOptions, OperationsPort } from './executor.ts';
import type { DeleteLimit } from './guard.ts';
import type { CoreObserver } from './observer.ts';
import type { Rules } from './rules.ts';
import type { ManagedZone } from './zone.ts';

/** What a leader needs for its term. Ports, rules, time and chance; nothing else reaches the core. */
export interface TermOptions {
  readonly ledger: Ledger;
  readonly source: Source;
  readonly api: DnsApi;
  readonly operations: OperationsPort;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly random: Random;
  readonly defer: (run: () => void) => void;
  readonly newId: () => string;
  readonly leadsForMs: () => number;
  readonly rules: Rules;
  readonly onlyZones: readonly string[] | null;
  readonly deleteLimit: DeleteLimit;
  readonly concurrency: number;
  /** Carry out operations, and nothing of our own accord: for a command that works without a daemon. */
  readonly passive: boolean;
  readonly resyncMs: number;
  readonly driftMinMs: number;
  readonly driftMaxMs: number;
  readonly driftCallsPer5Min: () => number;
  readonly historyDays: number;
  readonly observer: CoreObserver;
  readonly queueObserver?: QueueObserver;
  readonly poolObserver?: PoolObserver;
  readonly onOperation: ExecutorOptions['onFinished'];
  /** The zones or what is known of them changed: to be written where everybody can read it. */
  readonly onZones: (zones: readonly ManagedZone[], gone: readonly ManagedZone[]) => void;
}
