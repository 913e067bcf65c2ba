import type { Problem } from '../dns/desired.ts';
import { planHash } from '../dns/plan.ts';
import type { Change } from '../dns/record.ts';
import type { Deletion, Guard } from './guard.ts';
import type { Findings, Standing } from './survey.ts';
import type { ManagedZone } from './zone.ts';

/** A change that a sync would make, or would not because something holds it. */
export interface PlannedChange {
  readonly change: Change;
  readonly zone: string;
  readonly held: Problem | null;
}

/** What a sync would do. */
export interface Plan {
  readonly changes: readonly PlannedChange[];
  readonly problems: readonly Standing[];
  readonly alreadySynced: number;
  /** Binds a confirmation to the deletions of this very plan. */
  readonly hash: string;
}

/** Makes the plan of what a survey found; asks the guard which deletions it would hold. */
export async function makePlan(guard: Guard, { differing, settled, standing }: Findings): Promise<Plan> {
  const changes: PlannedChange[] = [];
  const problems: Standing[] = [...standing];
  const deletions = new Map<ManagedZone, Deletion[]>();
  for (const { facts, parts, desired } of differing) {
    if (parts.length === 0 && desired !== null) {
      problems.push({
        fqdn: facts.fqdn,
        state: 'failed',
        problem: desired.problem ?? { code: 'zone_unknown', message: 'No zone that has been seen holds the name.' },
      });
    }
    for (const { zone, verdict } of parts) {
      const reason: Problem | null =
        verdict.code === null ? null : { code: verdict.code, message: verdict.reason ?? '' };
      for (const change of verdict.held) changes.push({ change, zone: zone.name, held: reason });
      if (verdict.state === 'conflict' || verdict.state === 'failed' || verdict.state === 'blocked') {
        if (reason !== null) problems.push({ fqdn: facts.fqdn, state: verdict.state, problem: reason });
      }
      const deleted = verdict.changes.filter((change) => change.action === 'delete' && !change.replaced);
      if (deleted.length > 0) {
        const others = deletions.get(zone) ?? [];
        others.push({ fqdn: facts.fqdn, changes: deleted });
        deletions.set(zone, others);
      }
      for (const change of verdict.changes) {
        if (!deleted.includes(change)) changes.push({ change, zone: zone.name, held: null });
      }
    }
  }
  for (const [zone, theirs] of deletions) {
    const judgements = await guard.judge({ id: zone.zone.id, name: zone.name }, theirs);
    for (const [index, deletion] of theirs.entries()) {
      const judgement = judgements[index];
      if (judgement === undefined || judgement.kind === 'wanted') continue;
      const held = judgement.kind === 'held' ? judgement.problem : null;
      for (const change of deletion.changes) changes.push({ change, zone: zone.name, held });
    }
  }
  return { changes, problems, alreadySynced: settled, hash: planHash(changes.map(({ change }) => change)) };
}

/** Record ids of the deletions in a plan: what a confirmation releases. */
export function deletedIds(plan: Plan): string[] {
  return plan.changes.flatMap(({ change }) =>
    change.action === 'delete' && !change.replaced && change.recordId !== null ? [change.recordId] : [],
  );
}
