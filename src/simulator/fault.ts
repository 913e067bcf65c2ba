import type { Operation } from './traffic.ts';

/** What goes wrong. Milliseconds throughout. */
export type FaultEffect =
  /** A JSON error with this status and code; nothing is done. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: number; readonly message?: string }
  /** An HTML page with this status, as from the edge; nothing is done. */
  | { readonly kind: 'html'; readonly status: number }
  /** The connection is reset (RST) before anything is done. */
  | { readonly kind: 'reset' }
  /** The connection ends without an answer: after the effect when `applied`, before it otherwise. */
  | { readonly kind: 'lost'; readonly applied: boolean }
  /** No answer until the fault is cleared. The effect comes at once when `applied`, else on release, whoever still waits. */
  | { readonly kind: 'hang'; readonly applied?: boolean }
  /** The request is worked on only after this time. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The headers come at once, the body in pieces over this time. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Half of the body; the connection breaks off in it when `aborted`, else the body just ends. */
  | { readonly kind: 'truncated'; readonly aborted?: boolean }
  /** 429 with `retry-after: seconds`, or without that header for null; nothing is done. */
  | { readonly kind: 'limited'; readonly seconds?: number | null; readonly code?: number }
  /** A list as it was before the last so many writes to the zone. */
  | { readonly kind: 'stale'; readonly writes: number }
  | RefuseEffect;

/** Every write of a record like this is refused, alone or in a batch (which then fails as a whole). */
export interface RefuseEffect {
  readonly kind: 'refuse';
  readonly code: number;
  readonly message?: string;
  /** 400 by default. */
  readonly status?: number;
  /** Whole name, content and type of the record as it would be; whatever is left out fits all. */
  readonly name?: string;
  readonly content?: string;
  readonly type?: string;
  /** The code stands in the `error_chain` of a 1004. */
  readonly chained?: boolean;
  /** The error says by `source.pointer` which element of the batch it is. */
  readonly pointer?: boolean;
}

/** A fault: which requests it strikes, how often, and what happens to them. All conditions must hold. */
export interface FaultSpec {
  readonly operation?: Operation | readonly Operation[];
  readonly method?: string;
  /** A regular expression for the path with its query. */
  readonly path?: string;
  /** Name of the zone. */
  readonly zone?: string;
  /** Strikes so many times at most; without it for ever. */
  readonly count?: number;
  /** Lets so many matching requests (or records, for `refuse`) pass first. */
  readonly after?: number;
  /** 0 to 1; 1 by default. */
  readonly probability?: number;
  readonly effect: FaultEffect;
}

/** A fault that is set. */
export interface FaultStatus {
  readonly id: string;
  readonly spec: FaultSpec;
  /** What matched, struck or not. */
  readonly seen: number;
  readonly struck: number;
  /** Requests that it holds (`hang`). */
  readonly holding: number;
}

/** A request, as far as faults look at it. */
export interface FaultTarget {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly zone: string | null;
}
