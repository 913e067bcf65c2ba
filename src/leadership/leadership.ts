import type { Timer } from '../controller/clock.ts';
import { Election, type ElectionOptions } from './leader.ts';
import { LEASE_TIMES, Lease, type LeaseStore, type LeaseTimes } from './lease.ts';

/** How a process comes to lead, and stops leading. */
export interface Leadership {
  /** The epoch in which we lead, null while we do not. */
  readonly epoch: number | null;
  /** Is it known whether somebody leads? */
  readonly settled: boolean;
  /** Milliseconds for which nobody else can lead. 0 when we do not lead. */
  remainingMs(): number;
  start(): void;
  /** Tries now: the leader is said to have gone. */
  poke(): void;
  /** Gives the leadership up for now, so that another process may try. */
  resign(reason: string): void;
  /** Gives the leadership back, if we have it, and tells the others. Never throws. */
  stop(): Promise<void>;
}

export interface LeaseLeadershipOptions extends Omit<ElectionOptions, 'mayLead'> {
  readonly store: LeaseStore;
  readonly times?: LeaseTimes;
}

/**
 * A Lease of Kubernetes decides who may lead; whoever holds it takes the leader row as well, whose epoch fences every
 * write, also where two clusters share a database.
 *
 *     candidate ──Lease held──▶ takes the row ──▶ leader ──Lease or row lost──▶ candidate
 *                                    └─ not within the renew deadline: Lease given back, others first
 */
export class LeaseLeadership implements Leadership {
  readonly #lease: Lease;
  readonly #election: Election;
  readonly #clock: ElectionOptions['clock'];
  readonly #random: ElectionOptions['random'];
  readonly #times: LeaseTimes;
  #deadline: Timer | undefined;

  constructor(options: LeaseLeadershipOptions) {
    const { store, holder, clock, random, events, times = LEASE_TIMES } = options;
    this.#times = times;
    this.#clock = clock;
    this.#random = random;
    this.#lease = new Lease({
      store,
      holder,
      clock,
      random,
      times,
      events: {
        onHeld: () => {
          this.#election.poke();
          this.#expectRow();
        },
        onLost: (reason) => {
          this.#deadline?.cancel();
          this.#election.resign(`The Lease is lost: ${reason}`);
        },
        onError: events.onError,
      },
    });
    this.#election = new Election({
      ...options,
      mayLead: () => this.#lease.held,
      events: {
        ...events,
        onElected: (epoch) => {
          this.#deadline?.cancel();
          events.onElected(epoch);
        },
        onLost: (reason) => {
          this.#expectRow();
          events.onLost(reason);
        },
      },
    });
  }

  get epoch(): number | null {
    return this.#election.epoch;
  }

  get settled(): boolean {
    return this.#lease.settled && this.#election.settled;
  }

  remainingMs(): number {
    return Math.min(this.#lease.remainingMs(), this.#election.remainingMs());
  }

  start(): void {
    this.#election.start();
    this.#lease.start();
  }

  poke(): void {
    if (this.#lease.held) this.#election.poke();
    else this.#lease.poke();
  }

  resign(reason: string): void {
    this.#election.resign(reason);
    this.#standBack();
  }

  async stop(): Promise<void> {
    this.#deadline?.cancel();
    // The Lease first: others are told by the row, and then find both free.
    await this.#lease.stop();
    await this.#election.stop();
  }

  #expectRow(): void {
    this.#deadline?.cancel();
    if (!this.#lease.held) return;
    // Who holds the Lease and does not come to lead cannot reach the row; another one may.
    this.#deadline = this.#clock.after(this.#times.renewDeadlineMs, () => {
      if (this.#election.epoch === null) this.#standBack();
    });
  }

  #standBack(): void {
    this.#lease.standBack(2 * this.#times.durationMs * (1 + this.#random()));
  }
}
