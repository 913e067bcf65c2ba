import type { ActualRecord, RecordSpec } from '../dns/record.ts';
import type { ZonekeeperError } from '../errors.ts';

/** A zone as Cloudflare describes it, reduced to what matters here. */
export interface Zone {
  readonly id: string;
  /** Lower-case A-labels, no trailing dot. */
  readonly name: string;
  /** Operations that one batch call may carry: 200 on Free, 3,500 on the paid plans. */
  readonly batchLimit: number;
  /** Characters that a comment may have: 100 on Free, 500 on the paid plans. */
  readonly commentLimit: number;
  readonly paused: boolean;
}

/** Everything that a zone holds, as of one list. */
export interface ZoneList {
  readonly records: readonly ActualRecord[];
  /** API calls that the list took. A list of more than one page can miss a record while others write. */
  readonly pages: number;
}

/** One operation of a batch. */
export type WriteOperation =
  | { readonly action: 'create'; readonly fqdn: string; readonly spec: RecordSpec; readonly comment: string }
  | { readonly action: 'update'; readonly fqdn: string; readonly recordId: string; readonly spec: RecordSpec }
  | { readonly action: 'delete'; readonly fqdn: string; readonly recordId: string };

/**
 * The operations of one name, which belong together: they are sent in one call, and so take effect together or not at
 * all (a CNAME that replaces an A record leaves no moment without a record).
 */
export interface WriteUnit {
  readonly fqdn: string;
  readonly operations: readonly WriteOperation[];
}

/**
 * What became of a unit. `applied`: Cloudflare did it; `records` holds, for each operation, the record as it now is
 * (null for a delete). `refused`: nothing of it was done. `unknown`: the answer was lost, so it may have been done
 * or not; the name must be looked at. `deferred`: it was not sent (the budget of calls for a refused batch was used up,
 * or the write expired); nothing of it was done.
 */
export type UnitOutcome =
  | { readonly kind: 'applied'; readonly records: readonly (ActualRecord | null)[] }
  | { readonly kind: 'refused'; readonly error: ZonekeeperError }
  | { readonly kind: 'unknown'; readonly error: ZonekeeperError }
  | { readonly kind: 'deferred'; readonly error: ZonekeeperError };

export interface CallOptions {
  /** Aborts the call, also while it waits for the budget or reads the body. */
  readonly signal?: AbortSignal;
  /** 0 is the most urgent, 9 the least (Bottleneck's). Default 5. */
  readonly priority?: number;
}

export interface ListOptions extends CallOptions {
  /**
   * Given each record as soon as its page was read; what it returns takes the record's place. With the equal record that is
   * already held, a list of 100,000 holds each of them once, and not until its end twice.
   */
  readonly intern?: (record: ActualRecord) => ActualRecord;
}

export interface WriteOptions extends CallOptions {
  /**
   * Asked right before a call leaves, after the wait for the budget. Returns how many milliseconds the call may take
   * until it is aborted, or null when the write must not be sent any more (its intent expired, the leadership is lost).
   */
  readonly remaining: () => number | null;
}

/**
 * Cloudflare's DNS API as the core sees it. Every method throws a ZonekeeperError with a `cloudflare_*` code, except
 * that `write` reports per unit.
 */
export interface DnsApi {
  /** Resolves when a call could leave at once: the gate is open and the budget is not spent. */
  ready(options?: CallOptions): Promise<void>;
  /** All zones that the token sees. */
  zones(options?: CallOptions): Promise<readonly Zone[]>;
  /** The whole zone. */
  list(zone: Zone, options?: ListOptions): Promise<ZoneList>;
  /** The records of exactly one name: one call. */
  lookup(zone: Zone, fqdn: string, options?: CallOptions): Promise<readonly ActualRecord[]>;
  /**
   * Sends the units as one batch call; splits a refused batch so that all but the refused units go through. The number
   * of operations must not exceed the zone's batch limit. Never throws for an answer of Cloudflare.
   */
  write(zone: Zone, units: readonly WriteUnit[], options: WriteOptions): Promise<readonly UnitOutcome[]>;
}
