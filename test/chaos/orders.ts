import { randomUUID } from 'node:crypto';
import type { Random } from '../../src/controller/clock.ts';
import type { Operation, OperationRequest } from '../../src/ledger/operations.ts';
import type { Report } from '../../src/reconcile/report.ts';
import type { ChangeEntry } from '../../src/simulator/simulator.ts';
import { GUARDED, type Stage } from './stage.ts';

const ALL: OperationRequest = { fqdns: null, dryRun: false, confirm: null, force: false };
/** So long at most somebody waits for a plan before they go on with something else. */
const PLAN_MS = 20_000;
const LOOK_MS = 250;
const HOUR_MS = 3_600_000;
/** A change that a report tells of may have been on its way already when it was asked for. */
const BEFORE_MS = 120_000;
/** Reports are read in pieces of this many. */
const MANY = 10_000;

/** What people order of Zonekeeper meanwhile, and what was told to them. */
export class Orders {
  readonly #stage: Stage;
  readonly #random: Random;
  /** Names whose deletion somebody has confirmed. */
  readonly #confirmed = new Set<string>();
  #busy = false;
  /** Asked for, by kind. */
  readonly counts = { syncs: 0, confirmations: 0 };

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  /** A sync, or a plan that is confirmed. What fails, because something is struck, is not asked for again. */
  async strike(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    await (this.#random() < 0.5 ? this.#sync() : this.confirm())
      .catch(() => undefined)
      .finally(() => {
        this.#busy = false;
      });
  }

  /** Confirms what the delete guard holds now. */
  async confirm(): Promise<void> {
    const { operations } = this.#stage;
    const { id } = await operations.ask(randomUUID(), 'plan', ALL, 'chaos');
    const until = performance.now() + PLAN_MS;
    let plan: Operation | null = null;
    while (plan?.state !== 'done') {
      if (plan?.state === 'failed' || performance.now() > until) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      plan = await operations.get(id);
    }
    const { hash, release, changes } = plan.report as Report;
    if (release === null) return;
    // Before it is asked for: the answer may be lost.
    for (const { fqdn, action } of changes) if (action === 'delete') this.#confirmed.add(fqdn);
    await operations.ask(randomUUID(), 'sync', { ...ALL, confirm: hash }, 'chaos');
    this.counts.confirmations += 1;
  }

  /** Whether the reports tell what happened, and the guard held what nobody had confirmed. */
  async problems(changes: readonly ChangeEntry[]): Promise<string[]> {
    const rows = await this.#stage.rows<{
      id: string;
      state: string;
      created: number;
      finished: number;
      report: Report;
    }>(
      `SELECT id, state, extract(epoch FROM created_at)::float8 * 1000 AS created,
              extract(epoch FROM finished_at)::float8 * 1000 AS finished, report
         FROM zonekeeper.operations WHERE kind <> 'plan' AND (report IS NOT NULL OR finished_at IS NULL) LIMIT ${MANY}`,
    );
    const found = [...this.#unguarded(changes)];
    const byName = Map.groupBy(changes, ({ before, after }) => (after ?? before)?.name ?? '');
    for (const { id, state, created, finished, report } of rows) {
      if (state === 'queued' || state === 'running') found.push(`the operation ${id} is ${state}`);
      else
        found.push(
          ...untrue(report, byName, created - BEFORE_MS, finished).map((what) => `the report of ${id} ${what}`),
        );
    }
    if (rows.length === 0) found.push('nobody has reported anything: too little was asked for');
    return found;
  }

  async #sync(): Promise<void> {
    await this.#stage.operations.ask(randomUUID(), 'sync', ALL, 'chaos');
    this.counts.syncs += 1;
  }

  /** In no hour more names of a zone lose their record than the guard allows, those left out that somebody confirmed. */
  #unguarded(changes: readonly ChangeEntry[]): string[] {
    const emptied = new Map<string, number[]>();
    const held = new Map<string, Set<string>>();
    for (const { before, after, actor, at, zone } of changes) {
      const name = (after ?? before)?.name ?? '';
      const ids = held.get(name) ?? new Set();
      held.set(name, ids);
      if (after !== null) ids.add(after.id);
      else if (before !== null) ids.delete(before.id);
      if (after !== null || ids.size > 0 || actor === 'person' || this.#confirmed.has(name)) continue;
      emptied.set(zone, [...(emptied.get(zone) ?? []), Date.parse(at)]);
    }
    return [...emptied].flatMap(([zone, times]) => {
      const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + HOUR_MS).length));
      return most > GUARDED
        ? [`${most} names of ${zone} lost their record within an hour, at most ${GUARDED} may`]
        : [];
    });
  }
}

/** What a report says that did not happen, or does not add up. */
function untrue(
  { created, updated, deleted, changes, changes_omitted: omitted }: Report,
  byName: ReadonlyMap<string, readonly ChangeEntry[]>,
  from: number,
  until: number,
): string[] {
  const made = changes.filter(({ result }) => result === 'done');
  const found = made.flatMap(({ fqdn, action }) => {
    const happened = (byName.get(fqdn) ?? []).some(({ before, after, at }) => {
      const kind = before === null ? 'create' : after === null ? 'delete' : 'update';
      return kind === action && Date.parse(at) >= from && Date.parse(at) <= until;
    });
    return happened ? [] : [`tells of a ${action} of ${fqdn} that never happened`];
  });
  for (const [action, count] of Object.entries({ create: created, update: updated, delete: deleted })) {
    const listed = made.filter((change) => change.action === action).length;
    if (omitted === 0 && listed !== count) found.push(`counts ${count} times ${action}, and lists ${listed}`);
  }
  return found;
}
