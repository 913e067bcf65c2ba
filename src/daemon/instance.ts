import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A name for this process, unique also for two processes of one number in two containers of one name. */
export function instanceName(): string {
  return `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
}
