import { vi } from 'vitest';
import type { SpendLog, SpendLot } from '../../../src/cloudflare/lots.ts';
import type { Clock } from '../../../src/controller/clock.ts';
import { settled, VirtualClock } from '../../support/virtual-clock.ts';

/**
 * A virtual clock under which Bottleneck runs: between two virtual timers, all of Bottleneck's timers (which are of no
 * length) have run. Needs `vi.useFakeTimers` for `setTimeout`.
 */
export function limiterClock(): VirtualClock {
  return new VirtualClock({
    settle: async () => {
      await settled();
      while (vi.getTimerCount() > 0) {
        await vi.runAllTimersAsync();
        await settled();
      }
    },
  });
}

/** A spend log in memory, on a virtual clock; it outlives the budgets that write to it. */
export class FakeSpendLog implements SpendLog {
  readonly #clock: Clock;
  readonly #lots: { calls: number; at: number }[] = [];
  statements = 0;
  /** What every statement throws. */
  broken: Error | null = null;
  /** How long a reservation takes after it was written. */
  delayMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls reserved in all. */
  get reserved(): number {
    return this.#lots.reduce((sum, { calls }) => sum + calls, 0);
  }

  async reserve(calls: number): Promise<void> {
    if (this.broken !== null) throw this.broken;
    this.statements += 1;
    this.#lots.push({ calls, at: this.#clock.now() });
    const { delayMs } = this;
    if (delayMs > 0) await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
  }

  async outstanding(withinMs: number): Promise<readonly SpendLot[]> {
    if (this.broken !== null) throw this.broken;
    const now = this.#clock.now();
    return this.#lots.map(({ calls, at }) => ({ calls, ageMs: now - at })).filter(({ ageMs }) => ageMs < withinMs);
  }
}
