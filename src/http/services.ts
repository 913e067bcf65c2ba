import type { DesiredName, DesiredRow } from '../dns/desired.ts';
import type { LeaderStatus } from '../leadership/leader.ts';
import type { BrowsedName, BrowseQuery, HistoryRow, NameCount } from '../ledger/browse.ts';
import type { Operation, OperationKind, OperationRequest } from '../ledger/operations.ts';
import type { ZoneRow } from '../ledger/zones.ts';
import type { LogLevel } from '../observability/logger.ts';
import type { EventHub } from './event-hub.ts';

/** One line of `/livez` or `/readyz`. */
export interface Check {
  readonly name: string;
  /** Null when it passed. */
  readonly problem: string | null;
}

/** What the routes need from the daemon. Every replica can answer: all of it comes from the database. */
export interface Services {
  readonly version: string;
  readonly operations: {
    ask(kind: OperationKind, request: OperationRequest, by: string): Promise<Operation>;
    get(id: string): Promise<Operation | null>;
    list(limit: number, before: string | null): Promise<readonly Operation[]>;
    /** Resolves when the operation has ended; throws `no_leader` when nobody takes it up within a few seconds. */
    ended(id: string, signal: AbortSignal): Promise<Operation>;
  };
  browse(query: BrowseQuery): Promise<{ names: BrowsedName[]; next: string | null }>;
  /** Counts of names by state. May be a second old, so that many pages ask once. */
  summary(): Promise<readonly NameCount[]>;
  name(fqdn: string): Promise<BrowsedName | null>;
  history(fqdn: string, limit: number): Promise<readonly HistoryRow[]>;
  /** What the name should be, by the configuration's rules. */
  resolve(fqdn: string, rows: readonly DesiredRow[]): DesiredName | null;
  leader(): Promise<LeaderStatus>;
  zones(): Promise<readonly ZoneRow[]>;
  readonly events: EventHub;
  live(): readonly Check[];
  ready(): readonly Check[];
  /** Of this process alone. */
  readonly log: {
    level(): LogLevel;
    /** What the settings say. */
    readonly configured: LogLevel;
    change(level: LogLevel, by: string): void;
  };
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Whether somebody may do something, by a bearer token that is not the configured one. Throws when it cannot be asked. */
export type Review = (
  token: string,
  wish: 'read' | 'write',
) => Promise<
  | { readonly allowed: true; readonly user: string }
  | { readonly allowed: false; readonly user: string | null; readonly reason: string }
>;

/** Traces requests; see `Tracing`. */
export interface RequestTracer {
  request(
    name: string,
    headers: Readonly<Record<'traceparent' | 'tracestate', string | string[] | undefined>>,
    attributes: Readonly<Record<string, string>>,
  ): { readonly traceparent: string; end(status: number): void };
}

/** What the configuration says about access. */
export interface Access {
  /** The bearer token for everything under `/api` and `/sync`; null when none is needed. Read anew at each request. */
  readonly token: () => string | null;
  /** Who else knows tokens and what their owners may do; null where nobody does. */
  readonly review: Review | null;
  /** Without token: may anybody read? */
  readonly anonymousRead: boolean;
  /** Host names and addresses under which browsers may reach us, beside loopback. Empty: any. */
  readonly hosts: readonly string[];
}
