import type { Logger } from 'pino';
import type { Clock } from '../../src/controller/clock.ts';
import { reporting } from '../../src/daemon/reporting.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import type { CoreObserver } from '../../src/reconcile/observer.ts';

const ACTIONS = ['create', 'update', 'delete'] as const;
const LINE = /action="(\w+)",result="(\w+)"} (\d+)$/gm;
const SILENT = { info: () => undefined, warn: () => undefined, debug: () => undefined } as unknown as Logger;
const NOBODY = { changed: () => undefined } as unknown as Parameters<typeof reporting>[0]['announcer'];

/** Changes by what was done. */
export type ByAction = Record<(typeof ACTIONS)[number], number>;

/** None of any kind. */
export function none(): ByAction {
  return { create: 0, update: 0, delete: 0 };
}

/** The metrics of one life of a process, and what they have counted in all its terms. */
export class Counts {
  /** As the composition root connects the core with the metrics. */
  readonly observer: CoreObserver;
  readonly #metrics = new Metrics({ build: { version: '', node_version: '' }, runtime: false });
  readonly #done = none();
  readonly #unknown = none();

  constructor(clock: Clock) {
    const metrics = this.#metrics;
    this.observer = reporting({ metrics, log: SILENT, clock, announcer: NOBODY, events: null, tracing: null });
  }

  /** The process leads no more: the series of its zones end. */
  endTerm(): void {
    const { done, unknown } = this.#read();
    for (const action of ACTIONS) {
      this.#done[action] += done[action];
      this.#unknown[action] += unknown[action];
    }
    this.#metrics.removeZones();
  }

  /** Changes that were counted as done, and those of which nobody knows whether they were. */
  total(): { done: ByAction; unknown: ByAction } {
    const { done, unknown } = this.#read();
    for (const action of ACTIONS) {
      done[action] += this.#done[action];
      unknown[action] += this.#unknown[action];
    }
    return { done, unknown };
  }

  #read(): { done: ByAction; unknown: ByAction } {
    const by = { done: none(), unknown: none() };
    for (const [, action, result, count] of this.#metrics.changes.text().matchAll(LINE)) {
      if (result === 'done' || result === 'unknown') by[result][action as keyof ByAction] += Number(count);
    }
    return by;
  }
}
