import { ZonekeeperError } from '../errors.ts';

/** What the driver throws: a server error has a five-character SQLSTATE, a socket error an errno name. */
interface DriverError {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
  readonly severity?: string;
}

/** Errors of the operating system that mean: no such server, or it went away. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ENOENT',
]);

/**
 * 3D000: no such database. 08, 57P01..57P05, 53300: the server is away, ends, starts, or has no place for us. 25006: it only
 * reads, as a standby does, or a primary that was demoted.
 */
const AWAY = /^(3D000|08...|57P..|53300|25006)$/;

/**
 * Of a moment, or of the server: transactions that were ended or collided, no resources, an object in use, a statement that was
 * cancelled, the disk.
 */
const PASSING = /^(25|40|53|55|57|58)/;

/**
 * An error of the driver as one of the registry, by SQLSTATE class (PostgreSQL's appendix A). Connection strings never
 * appear in what the driver says, so its message is safe to show. Without an SQLSTATE, making the statement failed.
 */
export function databaseError(error: unknown): ZonekeeperError {
  if (error instanceof ZonekeeperError) return error;
  const { code, message, detail } = describe(error);
  const said = detail === undefined ? message : `${message} (${detail})`;
  const make = (ours: ConstructorParameters<typeof ZonekeeperError>[0]) =>
    new ZonekeeperError(ours, `PostgreSQL: ${said}`, {
      cause: error,
      facts: code === undefined ? {} : { sqlstate: code },
      lasts: ours === 'database_failed' && !PASSING.test(code ?? ''),
    });
  if (code === undefined) {
    const lost = /terminated|timeout|closed|ended|connection error/i.test(message);
    return make(lost ? 'database_unreachable' : 'database_failed');
  }
  if (UNREACHABLE.has(code)) return make('database_unreachable');
  if (code === '28P01' || code === '28000') return make('database_auth');
  if (code === '42501') return make('database_permission');
  if (AWAY.test(code)) return make('database_unreachable');
  if (code === '3F000' || code === '42P01') return make('schema_missing');
  return make('database_failed');
}

function describe(error: unknown): DriverError {
  // Happy eyeballs: several addresses were tried, each with its own error.
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (error instanceof Error) return error as Error & DriverError;
  return { message: String(error) };
}
