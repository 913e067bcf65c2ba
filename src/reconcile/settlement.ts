import { parseMark } from '../dns/mark.ts';
import type { ActualRecord } from '../dns/record.ts';
import type { Correction, Intent, NameFacts } from '../ledger/port.ts';
import { type Context, causeOf, causeOfDeletion } from './context.ts';
import type { ManagedZone } from './zone.ts';

/** What the intents of a name ask for, before anything else is done with it. */
export interface Settlement {
  /** Milliseconds until a predecessor's call can no longer take effect; 0 when there is none to wait for. */
  readonly waitMs: number;
  /** Zones that must be looked at first: a call whose outcome is open ended there. */
  readonly look: readonly string[];
}

/** Time beyond a deadline: for the call to reach Cloudflare's database, and for rounding. */
const MARGIN_MS = 500;
/** A deletion that has not taken effect so long after its deadline never will. */
const LATE_MS = 60_000;

/**
 * What the open intents of a name require. Our own call has ended when its name is processed again, so a look tells its
 * outcome. A predecessor's may still be on its way until its deadline.
 */
export function settlementOf(facts: NameFacts, epoch: number): Settlement {
  const open = facts.intents.filter(({ state }) => state === 'open');
  const foreign = open.filter((intent) => intent.epoch !== epoch && intent.remainingMs > -MARGIN_MS);
  const waitMs = Math.max(0, ...foreign.map(({ remainingMs }) => remainingMs + MARGIN_MS));
  // Before it is said of a deletion that it will never take effect: it may have done so since the last look.
  const over = facts.intents.filter((intent) => intent.state === 'dropped' && isOver(intent));
  return { waitMs, look: [...new Set([...open, ...over].map(({ zoneId }) => zoneId))] };
}

/**
 * Compares the intents of a name with what its zone holds: an open create whose record is there with its mark is
 * finished, one without is dropped; a dropped one whose record appeared late is tracked after all, and so is a record that
 * was tracked until a stale look did not show it. A deletion whose record is gone has happened; one whose record is there
 * may happen yet, and is remembered for a while. Null when there is nothing to correct.
 */
export function settle(
  facts: NameFacts,
  zones: { byId(id: string): ManagedZone | undefined },
  ownerId: string,
  context: Context,
  isReleased: (recordId: string | null) => boolean,
): Correction | null {
  const track: Correction['track'][number][] = [];
  const deleted: Correction['deleted'][number][] = [];
  const drop: string[] = [];
  const end: string[] = [];
  for (const intent of facts.intents) {
    const zone = zones.byId(intent.zoneId);
    if (zone === undefined || !zone.mirror.ready) continue;
    const record = intent.action === 'create' ? marked(zone, facts, intent, ownerId) : undefined;
    if (record !== undefined) {
      track.push({
        zoneId: intent.zoneId,
        zone: zone.name,
        record,
        consumer: intent.consumer,
        intent,
        cause: causeOf(context),
      });
    } else if (intent.action === 'delete' && isGone(zone, intent)) {
      // Several attempts at one record deleted it once.
      if (deleted.some((other) => other.intent.recordId === intent.recordId)) end.push(intent.id);
      else {
        const type = facts.tracked.find(({ recordId }) => recordId === intent.recordId)?.type ?? 'A';
        const cause = causeOfDeletion(context, isReleased(intent.recordId));
        // Whichever attempt it was: one of them may have been about all of the name.
        const replaced = facts.intents.every((other) => !isSame(other, intent) || other.replaced);
        deleted.push({ intent, zone: zone.name, type, cause, replaced });
      }
    } else if (isOver(intent)) {
      end.push(intent.id);
    } else if (intent.state === 'open') {
      // An update needs no memory: its record is tracked, and looked at like any other.
      if (intent.action === 'update') end.push(intent.id);
      else drop.push(intent.id);
    }
  }
  if (track.length + deleted.length + drop.length + end.length === 0) return null;
  return { forget: [], refresh: [], track, deleted, drop, end };
}

/** A deletion that has not taken effect by now never will. */
function isOver({ action, remainingMs }: Intent): boolean {
  return action === 'delete' && remainingMs < -LATE_MS;
}

/** Is it another attempt at the same deletion? */
function isSame({ action, zoneId, recordId }: Intent, intent: Intent): boolean {
  return action === 'delete' && zoneId === intent.zoneId && recordId === intent.recordId;
}

function isGone(zone: ManagedZone, { fqdn, recordId }: Intent): boolean {
  return zone.mirror.of(fqdn).every(({ id }) => id !== recordId);
}

function marked(zone: ManagedZone, facts: NameFacts, intent: Intent, ownerId: string): ActualRecord | undefined {
  return zone.mirror.of(facts.fqdn).find((record) => {
    if (intent.recordId !== null) return record.id === intent.recordId;
    const mark = parseMark(record.comment);
    return mark !== null && mark.ownerId === ownerId && mark.intentId === intent.id;
  });
}
