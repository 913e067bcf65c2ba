import { parseMark } from '../dns/mark.ts';
import type { Ledger, NameFacts } from '../ledger/port.ts';
import { type Assessment, assess, isSettled } from './assess.ts';
import type { Guard } from './guard.ts';
import type { Rules } from './reconciler.ts';
import type { ManagedZone } from './zone.ts';
import type { Zones } from './zones.ts';

export interface SurveyOptions {
  readonly ledger: Ledger;
  readonly zones: Zones;
  readonly guard: Guard;
  readonly rules: Rules;
}

/** Names that are not as they should be, and how many are. */
export interface Findings {
  readonly differing: readonly Assessment[];
  readonly settled: number;
}

/** Names that one page of the ledger holds. */
const PAGE = 5_000;

/**
 * Compares all names that anybody knows (or those of one zone) with the mirrors. Works through the ledger in pages and
 * keeps only what differs. The guard is told of all deletions before anybody acts on one.
 */
export async function survey(
  options: SurveyOptions,
  zone: ManagedZone | null,
  onFacts?: (facts: NameFacts) => void,
): Promise<Findings> {
  const { ledger, zones, guard, rules } = options;
  const differing: Assessment[] = [];
  let settled = 0;
  for (let after: string | null = null; ; ) {
    const page = await ledger.survey({ zone: zone?.name ?? null, after, limit: PAGE });
    for (const facts of page.names) {
      onFacts?.(facts);
      // A zone below the surveyed one has its own survey.
      if (
        zone !== null &&
        zones.of(facts.fqdn) !== zone &&
        facts.tracked.every(({ zoneId }) => zoneId !== zone.zone.id)
      )
        continue;
      const assessment = assess(facts, zones, rules);
      if (isSettled(assessment)) settled += assessment.desired === null ? 0 : 1;
      else differing.push(assessment);
    }
    if (page.next === null) break;
    after = page.next;
  }
  expectDeletions(guard, differing);
  return { differing, settled };
}

/** Tells the guard of all names that would lose their last record. */
export function expectDeletions(guard: Guard, assessments: readonly Assessment[]): void {
  const byZone = new Map<string, string[]>();
  for (const { facts, parts } of assessments) {
    for (const { zone, verdict } of parts) {
      if (!verdict.changes.some((change) => change.action === 'delete' && !change.replaced)) continue;
      const names = byZone.get(zone.name) ?? [];
      names.push(facts.fqdn);
      byZone.set(zone.name, names);
    }
  }
  for (const [zone, names] of byZone) guard.expect(zone, names);
}

/**
 * Names in the zone that hold a record with our mark which no row tracks: what a lost answer left behind. Looked for when
 * a zone is seen for the first time; later, the lists' differences show what appears.
 */
export function strayNames(zone: ManagedZone, ownerId: string, tracked: ReadonlySet<string>): string[] {
  const names: string[] = [];
  for (const [fqdn, records] of zone.mirror.names()) {
    const stray = records.some(
      ({ id, comment }) => comment !== null && !tracked.has(id) && parseMark(comment)?.ownerId === ownerId,
    );
    if (stray) names.push(fqdn);
  }
  return names;
}
