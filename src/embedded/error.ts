import { ZonekeeperError } from '../errors.ts';

/** Why there is no embedded PostgreSQL, as an error that says what else to do. */
export function embeddedError(why: string, cause?: unknown): ZonekeeperError {
  return new ZonekeeperError('embedded_postgres', `The embedded PostgreSQL cannot be started: ${why}`, { cause });
}
