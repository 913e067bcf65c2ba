import type { Problem } from '../dns/desired.ts';
import { parseMark } from '../dns/mark.ts';
import type { NameState } from '../dns/record.ts';
import type { Ledger, NameFacts, StoredState } from '../ledger/port.ts';
import { type Assessment, assess, emptiedIn, isSettled } from './assess.ts';
import type { Guard } from './guard.ts';
import type { Rules } from './rules.ts';
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
  /** Names that are in sync. */
  readonly settled: number;
  /** Names that are not, for which nothing can be done now that was not done: in conflict, failed for good. */
  readonly standing: readonly Standing[];
}

/** A name that stays as it is although it is not in sync. */
export interface Standing {
  readonly fqdn: string;
  readonly state: NameState;
  readonly problem: Problem;
}

/** Names that one page of the ledger holds: so few that a page is garbage before V8 moves it to the old generation. */
const PAGE = 1_000;

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
  const findings = new FindingsBuilder();
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
      findings.add(assessment);
    }
    if (page.next === null) break;
    after = page.next;
  }
  return findings.build(guard);
}

/** Sorts names by whether anything is to be done for them. */
export class FindingsBuilder {
  readonly #differing: Assessment[] = [];
  readonly #standing: Standing[] = [];
  #settled = 0;

  add(assessment: Assessment): void {
    const { facts, desired } = assessment;
    if (!isSettled(assessment)) this.#differing.push(assessment);
    else if (facts.state !== null) this.#standing.push(standingOf(facts.fqdn, facts.state));
    else if (desired !== null) this.#settled += 1;
  }

  /** Tells the guard of all deletions before anybody can act on one. */
  build(guard: Guard): Findings {
    expectDeletions(guard, this.#differing);
    return { differing: this.#differing, settled: this.#settled, standing: this.#standing };
  }
}

/** The stored state of a name, as a problem. */
function standingOf(fqdn: string, { state, code, reason }: StoredState): Standing {
  return { fqdn, state, problem: { code: code ?? 'internal', message: reason ?? '' } };
}

/** Tells the guard of all names that would lose their last record. */
function expectDeletions(guard: Guard, assessments: readonly Assessment[]): void {
  const byZone = new Map<string, string[]>();
  for (const assessment of assessments) {
    for (const zone of emptiedIn(assessment)) {
      const names = byZone.get(zone) ?? [];
      names.push(assessment.facts.fqdn);
      byZone.set(zone, names);
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
