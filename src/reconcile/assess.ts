import type { DesiredName } from '../dns/desired.ts';
import { sameSpec } from '../dns/record.ts';
import { decide, type Verdict } from '../dns/verdict.ts';
import type { NameFacts } from '../ledger/port.ts';
import type { Rules } from './rules.ts';
import type { ManagedZone } from './zone.ts';
import type { Zones } from './zones.ts';

/** What would have to be done for a name, by what is known now. Without any effect. */
export interface Assessment {
  readonly facts: NameFacts;
  readonly desired: DesiredName | null;
  /** The verdict in each zone that concerns the name. */
  readonly parts: readonly { readonly zone: ManagedZone; readonly verdict: Verdict }[];
  /** False while a zone that concerns the name has not been seen, or when none holds it. */
  readonly complete: boolean;
}

/** Judges one name by the ledger's facts and the mirrors. */
export function assess(facts: NameFacts, zones: Zones, rules: Rules): Assessment {
  const { fqdn, tracked } = facts;
  const desired = rules.resolve(fqdn, facts.rows);
  const home = zones.of(fqdn);
  const parts: { zone: ManagedZone; verdict: Verdict }[] = [];
  let complete = home !== undefined || desired === null;
  const concerned = new Set(tracked.map(({ zoneId }) => zoneId));
  if (home !== undefined) concerned.add(home.zone.id);
  for (const zoneId of concerned) {
    const zone = zones.byId(zoneId);
    if (zone === undefined || !zone.mirror.ready) {
      complete = false;
      continue;
    }
    const verdict = decide({
      fqdn,
      desired: zone === home ? desired : null,
      tracked: concerned.size === 1 ? tracked : tracked.filter((record) => record.zoneId === zoneId),
      actual: zone.mirror.of(fqdn),
      apex: fqdn === zone.name,
      outside: rules.outside(fqdn),
      rules: { allowApex: rules.allowApex, allowWildcard: rules.allowWildcard },
      policy: rules.policy,
    });
    parts.push({ zone, verdict });
  }
  return { facts, desired, parts, complete };
}

/** Names of the zones in which the name would lose its last record. */
export function emptiedIn({ parts }: Assessment): readonly string[] {
  const empties = ({ changes }: Verdict) => changes.some(({ action, replaced }) => action === 'delete' && !replaced);
  return parts.flatMap(({ zone, verdict }) => (empties(verdict) ? [zone.name] : []));
}

/** Would looking at the name do nothing at all? */
export function isSettled({ facts, parts, complete }: Assessment): boolean {
  const [only, ...others] = parts;
  if (!complete || others.length > 0) return false;
  if (only === undefined) return facts.state === null;
  const { zone, verdict } = only;
  if (verdict.changes.length + verdict.forget.length + verdict.held.length > 0) return false;
  const actual = zone.mirror.of(facts.fqdn);
  const shown = facts.tracked.map((row) => [row, actual.find(({ id }) => id === row.recordId)] as const);
  if (verdict.state === 'in_sync' || verdict.state === 'gone') {
    return facts.state === null && shown.every(([row, record]) => record !== undefined && sameSpec(row, record));
  }
  // A row that an unanswered update has made outdated, of a name that is in conflict: a look makes it right.
  const outdated = shown.some(([row, record]) => record !== undefined && !sameSpec(row, record));
  if (outdated && verdict.state !== 'failed') return false;
  return (
    facts.state?.state === verdict.state && facts.state.code === verdict.code && facts.state.reason === verdict.reason
  );
}
