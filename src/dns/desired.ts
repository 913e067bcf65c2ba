import type { ErrorCode } from '../errors.ts';
import type { ConsumerRef, RecordSpec } from './record.ts';

/** One row of the view `zonekeeper.desired`, as the database says it: nothing in it is trusted yet. */
export interface DesiredRow {
  readonly fqdn: string | null;
  readonly type: string | null;
  readonly content: string | null;
  readonly ttl: string | null;
  readonly proxied: string | null;
  readonly consumer: ConsumerRef;
  /** Wall-clock milliseconds since when the consumer exists, where the table tells. */
  readonly since: number | null;
}

/** Why a name cannot be served: an error code of the registry and a sentence. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The record set that a FQDN should have. */
export interface DesiredName {
  readonly fqdn: string;
  /** In normal form, sorted; empty only when there is a problem. */
  readonly records: readonly RecordSpec[];
  /** The consumer that is served: the oldest. */
  readonly consumer: ConsumerRef;
  /** Consumers that want the same name with another record set, and are not served. */
  readonly rivals: readonly ConsumerRef[];
  /** Set when the served consumer's rows are not usable; the name's record is then left as it is. */
  readonly problem: Problem | null;
}
