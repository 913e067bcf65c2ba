import type { Problem } from '../dns/desired.ts';
import type { Action, RecordSpec } from '../dns/record.ts';
import { specOf } from '../dns/record.ts';
import type { ChangeOutcome, ChangeResult } from './outcome.ts';
import type { Plan } from './plan.ts';

/** One line of a report. */
export interface ReportChange {
  readonly fqdn: string;
  readonly action: Action;
  readonly type: string;
  readonly before: RecordSpec | null;
  readonly after: RecordSpec | null;
  readonly reason: string;
  /** `planned` in a dry run. */
  readonly result: 'planned' | ChangeResult['result'];
  readonly error: Problem | null;
}

/** What a sync did, or would do. Counts of changes: created, updated, deleted. Counts of names: the others. */
export interface Report {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly already_synced: number;
  readonly conflicts: number;
  readonly blocked: number;
  readonly failed: number;
  readonly changes: readonly ReportChange[];
  /** Changes that are not listed because the report would be too long; the history has them all. */
  readonly changes_omitted: number;
  /** Names that are in conflict, blocked or failed, with the reason. */
  readonly problems: readonly {
    readonly fqdn: string;
    readonly state: string;
    readonly code: string;
    readonly reason: string;
  }[];
  /** Binds a confirmation to the deletions of this plan. */
  readonly hash: string;
  /** Changes that a guard or the policy holds. */
  readonly held: number;
  /** The command that releases what the delete guard holds; null when it holds nothing. */
  readonly release: string | null;
}

/** Lines of a report; a page or a terminal shows no more, and the row in the database stays bounded. */
const MAX_CHANGES = 10_000;

/** Puts a report together, name by name. */
export class ReportBuilder {
  readonly #changes: ReportChange[] = [];
  readonly #problems: Report['problems'][number][] = [];
  readonly #counts = { created: 0, updated: 0, deleted: 0, already_synced: 0, conflicts: 0, blocked: 0, failed: 0 };
  #omitted = 0;
  #held = 0;
  #guarded = false;

  /** Names that needed nothing. */
  synced(count: number): void {
    this.#counts.already_synced += count;
  }

  /** What became of one name. */
  name(fqdn: string, outcome: ChangeOutcome): void {
    for (const { change, result, error } of outcome.changes) {
      this.#add({ ...line(change), result, error });
      if (result === 'done') this.#count(change.action);
    }
    if (outcome.changes.length === 0 && outcome.state === 'in_sync') this.#counts.already_synced += 1;
    this.#problem(fqdn, outcome.state, outcome.problem);
  }

  /** What would be done: for a dry run. */
  plan(plan: Plan): void {
    this.synced(plan.alreadySynced);
    const blocked = new Set<string>();
    for (const { change, held } of plan.changes) {
      this.#add({ ...line(change), result: held === null ? 'planned' : 'held', error: held });
      if (held === null) this.#count(change.action);
      else if (!blocked.has(change.fqdn)) {
        blocked.add(change.fqdn);
        if (!plan.problems.some(({ fqdn }) => fqdn === change.fqdn)) this.#problem(change.fqdn, 'blocked', held);
      }
    }
    for (const { fqdn, state, problem } of plan.problems) this.#problem(fqdn, state, problem);
  }

  build(hash: string): Report {
    return {
      ...this.#counts,
      changes: [...this.#changes],
      changes_omitted: this.#omitted,
      problems: [...this.#problems],
      hash,
      held: this.#held,
      release: this.#guarded ? `zonekeeper sync --confirm ${hash}` : null,
    };
  }

  #count(action: Action): void {
    if (action === 'create') this.#counts.created += 1;
    else if (action === 'update') this.#counts.updated += 1;
    else this.#counts.deleted += 1;
  }

  #add(change: ReportChange): void {
    if (change.result === 'held') {
      this.#held += 1;
      if (change.error?.code === 'delete_held') this.#guarded = true;
    }
    if (this.#changes.length < MAX_CHANGES) this.#changes.push(change);
    else this.#omitted += 1;
  }

  #problem(fqdn: string, state: string, problem: Problem | null): void {
    if (state === 'conflict') this.#counts.conflicts += 1;
    else if (state === 'blocked') this.#counts.blocked += 1;
    else if (state === 'failed') this.#counts.failed += 1;
    else return;
    if (this.#problems.length < MAX_CHANGES) {
      this.#problems.push({ fqdn, state, code: problem?.code ?? 'internal', reason: problem?.message ?? '' });
    }
  }
}

function line(change: ChangeResult['change']): Omit<ReportChange, 'result' | 'error'> {
  const { fqdn, action, type, before, after, reason } = change;
  return {
    fqdn,
    action,
    type,
    before: before === null ? null : specOf(before),
    after: after === null ? null : specOf(after),
    reason,
  };
}
