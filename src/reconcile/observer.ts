import type { Step } from '../controller/steps.ts';
import type { Problem } from '../dns/desired.ts';
import type { Action, Drift, NameState } from '../dns/record.ts';
import type { ZonekeeperError } from '../errors.ts';
import type { Trigger } from './context.ts';
import type { ChangeResult } from './outcome.ts';

/** The run of one name, for whoever traces it. Wall-clock milliseconds. */
export interface RunTrace {
  readonly fqdn: string;
  readonly trigger: Trigger;
  readonly operationId: string | null;
  /** Trace context of the request that asked for it, or of the first attempt. */
  readonly traceparent: string | null;
  /** 1 for the first. */
  readonly attempt: number;
  /** The commit or the detection that is answered here, or the end of the attempt before. */
  readonly since: number;
  readonly until: number;
  readonly steps: readonly Step[];
  readonly state: NameState | 'gone';
  readonly problem: { readonly code: string; readonly message: string } | null;
  /** How many changes were made or tried. */
  readonly changes: number;
}

/** What the core tells as it happens, for metrics, logs and the page. No callback may throw or wait. */
export interface CoreObserver {
  /** A look found that desired and actual differ. */
  driftDetected(zone: string, drift: Drift): void;
  /** A change was made, refused, held, or its outcome is open. */
  changed(change: {
    fqdn: string;
    zone: string;
    action: Action;
    result: ChangeResult['result'];
    /** Why it was not made; null when it was. */
    error: Problem | null;
    trigger: Trigger;
    /** Why the change is wanted. */
    reason: string;
    operationId: string | null;
  }): void;
  /** Cloudflare confirmed the last change of a name, so many milliseconds after the commit or the detection. */
  converged(zone: string, trigger: Trigger, ms: number): void;
  /** A change or a repair missed the objective: told once, as soon as it is known. */
  late(zone: string, trigger: Trigger): void;
  /** The stored state of a name changed. */
  stateChanged(fqdn: string, zone: string | null, state: NameState | 'gone', reason: string | null): void;
  /** A list of a zone ended. */
  zoneChecked(zone: string, error: ZonekeeperError | null): void;
  /** A name was changed, or it was tried. Returns its trace context. Absent where nobody traces: then no steps are noted either. */
  traced?(run: RunTrace): string;
  /** Something failed that is tried again by itself. */
  failed(what: string, error: ZonekeeperError): void;
}
