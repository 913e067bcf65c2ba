import type { Change, TrackedRecord } from '../dns/record.ts';
import type { Verdict } from '../dns/verdict.ts';
import type { NameFacts } from '../ledger/port.ts';
import type { Context } from './context.ts';
import { type WaitingOptions, waiting } from './waiting.ts';
import type { ManagedZone } from './zone.ts';

/** What is about to be done about a name, by what a list has shown of it. */
export interface Testimony {
  readonly zone: ManagedZone;
  readonly facts: Pick<NameFacts, 'fqdn' | 'intents'>;
  readonly context: Context;
  readonly verdict: Verdict;
  readonly tracked: readonly TrackedRecord[];
}

/**
 * A list of several pages can miss a record while others write: absence needs a second witness, of foreign ones, too. And a
 * list that is outdated can show a record that is gone: what is superfluous beside it is deleted only if that is there.
 */
export function needsWitness(options: WaitingOptions, testimony: Testimony): boolean {
  const { zone, facts, context, verdict, tracked } = testimony;
  const { mirror } = zone;
  const { fqdn } = facts;
  if (mirror.isDoubtful(fqdn) || (verdict.absent.length > 0 && mirror.pages > 1)) return true;
  if (mirror.pages > 1 && verdict.changes.some(({ action }) => action === 'create') && mayHold(zone, facts))
    return true;
  if (!deletesBeside(verdict.changes)) return false;
  return waiting(options, { fqdn, verdict, deletes: false }, tracked, context) === null;
}

/** An earlier create may have taken effect after all: of many names, their settlement asks a list alone. */
function mayHold({ zone }: ManagedZone, { intents }: Testimony['facts']): boolean {
  return intents.some((intent) => intent.action === 'create' && intent.zoneId === zone.id);
}

/** Is anything deleted because of a record that stays as it is? Where one is created in its place, nothing depends on that. */
function deletesBeside(changes: readonly Change[]): boolean {
  const created = changes.flatMap(({ action, type }) => (action === 'create' ? [type] : []));
  const replaces = (type: string) => created.some((one) => one === type || one === 'CNAME' || type === 'CNAME');
  return changes.some(({ action, replaced, type }) => action === 'delete' && replaced && !replaces(type));
}
