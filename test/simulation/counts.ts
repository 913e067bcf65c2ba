import type { Logger } from 'pino';
import type { ApiObserver } from '../../src/cloudflare/client.ts';
import type { Clock } from '../../src/controller/clock.ts';
import { callReporting, operationReporting, reporting } from '../../src/daemon/reporting.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import type { ExecutorOptions } from '../../src/reconcile/executor.ts';
import type { CoreObserver } from '../../src/reconcile/observer.ts';

const ACTIONS = ['create', 'update', 'delete'] as const;
const LINE = /action="(\w+)",result="(\w+)"} (\d+)$/gm;
const VALUE = /^\S+ (\d+)$/gm;
const COUNT = /_count(?:{.*})? (\d+)$/gm;
const SILENT = { info: () => undefined, warn: () => undefined, debug: () => undefined } as unknown as Logger;
const NOBODY = { changed: () => undefined } as unknown as Parameters<typeof reporting>[0]['announcer'];

/** Changes by what was done. */
export type ByAction = Record<(typeof ACTIONS)[number], number>;

/** What a process has counted in one life. */
export interface Counted {
  /** Changes that were made, and those of which nobody knows whether they were. */
  readonly done: ByAction;
  readonly unknown: ByAction;
  /** Changes that were sent and not made. */
  readonly turnedAway: number;
  /** Names whose changes Cloudflare confirmed. */
  readonly converged: number;
  /** Operations that ended. */
  readonly operations: number;
  /** Calls of Cloudflare's API that ended. */
  readonly calls: number;
}

/** None of any kind. */
export function none(): ByAction {
  return { create: 0, update: 0, delete: 0 };
}

/** The metrics of one life of a process, and what they have counted in all its terms. */
export class Counts {
  /** As the composition root connects the core with the metrics. */
  readonly observer: CoreObserver;
  readonly onOperation: ExecutorOptions['onFinished'];
  readonly calls: ApiObserver;
  readonly #metrics = new Metrics({ build: { version: '', node_version: '' }, runtime: false });
  /** Of terms that have ended. */
  readonly #before = { done: none(), unknown: none(), turnedAway: 0, converged: 0 };

  constructor(clock: Clock) {
    const parts = { metrics: this.#metrics, log: SILENT, events: null };
    this.observer = reporting({ ...parts, clock, announcer: NOBODY, tracing: null });
    this.onOperation = operationReporting(parts);
    this.calls = callReporting(parts);
  }

  /** The process leads no more: the series of its zones end. */
  endTerm(): void {
    this.#addChanges(this.#before);
    this.#metrics.removeZones();
  }

  total(): Counted {
    const { done, unknown, turnedAway, converged } = this.#before;
    const all = { done: { ...done }, unknown: { ...unknown }, turnedAway, converged };
    this.#addChanges(all);
    const { syncs, cloudflareRequests } = this.#metrics;
    return { ...all, operations: sum(syncs.text(), VALUE), calls: sum(cloudflareRequests.text(), VALUE) };
  }

  /** Adds what the series of zones hold now. */
  #addChanges(to: { done: ByAction; unknown: ByAction; turnedAway: number; converged: number }): void {
    const { changes, converge } = this.#metrics;
    for (const [, action, result, count] of changes.text().matchAll(LINE)) {
      if (result === 'done' || result === 'unknown') to[result][action as keyof ByAction] += Number(count);
      else if (result !== 'held') to.turnedAway += Number(count);
    }
    to.converged += sum(converge.text(), COUNT);
  }
}

function sum(text: string, pattern: RegExp): number {
  let all = 0;
  for (const [, value] of text.matchAll(pattern)) all += Number(value);
  return all;
}
