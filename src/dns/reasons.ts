import { visible } from './quote.ts';
import type { ActualRecord, Change, ConsumerRef, RecordSpec, TrackedRecord } from './record.ts';

/**
 * The sentences of a verdict. They are stored with a name's state and compared there, so they must be the same for the same
 * facts: nothing in them may depend on the order in which a list came.
 */

/** Items that a sentence names before it says "and 3 more". */
const MAX_NAMED = 3;

/** A consumer in a sentence: `instance 42`. */
export function consumerName({ kind, id }: ConsumerRef): string {
  return `${visible(kind, 100)} ${visible(id, 100)}`;
}

/** Why a record is created. `lost`: rows tracked one for the name that is not there any more. */
export function createReason(consumer: ConsumerRef, lost: boolean): string {
  return lost
    ? `${consumerName(consumer)} wants it and it was deleted at Cloudflare`
    : `${consumerName(consumer)} wants it and Cloudflare has no such record`;
}

/**
 * Why a record is updated, field by field. Where Cloudflare says what we wrote last, the wish has changed; otherwise
 * somebody changed the record.
 */
export function updateReason(
  consumer: ConsumerRef,
  actual: RecordSpec | ActualRecord,
  tracked: TrackedRecord | undefined,
  desired: RecordSpec,
): string {
  const clauses: string[] = [];
  for (const field of ['content', 'ttl', 'proxied'] as const) {
    const [is, was, should] = [actual[field], tracked?.[field] ?? actual[field], desired[field]];
    if (is === should) continue;
    if (is === was) clauses.push(`${consumerName(consumer)} wants ${field} ${should} instead of ${is}`);
    else if (was === should) clauses.push(`${field} was changed from ${was} to ${is} at Cloudflare`);
    else clauses.push(`${field} was changed from ${was} to ${is} at Cloudflare, and should be ${should}`);
  }
  return clauses.join('; ');
}

/** Why a record of ours goes though the name is wanted. */
export function replaceReason(consumer: ConsumerRef, record: ActualRecord, wanted: readonly RecordSpec[]): string {
  const who = consumerName(consumer);
  if (wanted.some(({ type }) => type === record.type)) return `${who} does not want ${record.type} ${record.content}`;
  const types = [...new Set(wanted.map(({ type }) => type))].sort();
  return `${who} wants ${types.join(' and ')} instead of ${record.type}`;
}

/** Why a record goes with its name. */
export const ORPHAN_REASON = 'no consumer wants it any more';

/** Which foreign records stand in the way. */
export function obstacleReason(fqdn: string, obstacles: readonly ActualRecord[]): string {
  const records = obstacles.map(({ type, content }) => `${type} ${visible(content, 100)}`).sort();
  return `${fqdn} holds ${records.length === 1 ? 'a record that is' : 'records that are'} not ours: ${some(records)}.`;
}

/** A foreign record says what is desired. */
export function foreignReason(fqdn: string): string {
  return `${fqdn} is as desired by a record that is not ours; it stays when the consumer goes.`;
}

/** Who is served, and who is not. */
export function rivalReason(fqdn: string, consumer: ConsumerRef, rivals: readonly ConsumerRef[]): string {
  const others = rivals.map(consumerName);
  return `${consumerName(consumer)} is served; ${some(others)} ${
    others.length === 1 ? 'wants' : 'want'
  } something else for ${fqdn}.`;
}

/** What the policy does not allow. */
export function policyReason(policy: string, held: readonly Change[]): string {
  const actions = [...new Set(held.map(({ action }) => action))];
  return `ZONEKEEPER_POLICY=${policy} does not allow to ${actions.join(' and ')} here.`;
}

/** Why changes are pending, in one line. */
export function pendingReason(changes: readonly Change[]): string | null {
  const reasons = [...new Set(changes.map(({ reason }) => reason))];
  return reasons.length === 0 ? null : `${some(reasons, '; ')}.`;
}

function some(items: readonly string[], separator = ', '): string {
  const named = items.slice(0, MAX_NAMED).join(separator);
  return items.length > MAX_NAMED ? `${named} and ${items.length - MAX_NAMED} more` : named;
}
