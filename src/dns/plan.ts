import { createHash } from 'node:crypto';
import type { Change } from './record.ts';

/**
 * Binds a confirmation to what it confirms: the deletions of a plan that leave a name without a record. Creates and
 * updates are not part of it: they converge on their own, and with them no confirmation would ever win the race against
 * a busy platform. Independent of the order; 16 hexadecimal digits.
 */
export function planHash(changes: readonly Change[]): string {
  const lines = changes
    .filter(({ action, replaced }) => action === 'delete' && !replaced)
    .map(({ fqdn, recordId, type, before }) => JSON.stringify([fqdn, recordId, type, before?.content ?? null]))
    .sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);
}
