import { createHash } from 'node:crypto';
import type { Change } from './record.ts';

/** Hexadecimal digits: enough that no two plans of an installation meet by accident, few enough to be typed. */
const DIGITS = 16;

/**
 * The hash that binds a confirmation to what it confirms: the deletions that leave a name without a record. It depends on
 * which records they are, not on their order, and is the same for every plan without any.
 *
 * Creates, updates and replacing deletes are no part of it. They converge on their own and need no confirmation, and a
 * busy platform makes new ones all the time: bound to them, no confirmation would ever arrive before its plan changed.
 */
export function planHash(changes: readonly Change[]): string {
  const lines = changes
    .filter(({ action, replaced }) => action === 'delete' && !replaced)
    .map(({ fqdn, recordId, type, before }) => JSON.stringify([fqdn, recordId, type, before?.content ?? null]))
    .sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, DIGITS);
}
