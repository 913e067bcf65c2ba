import type { Action, Drift, NameState } from '../dns/record.ts';
import type { ZonekeeperError } from '../errors.ts';
import type { Trigger } from './context.ts';
import type { ChangeResult } from './outcome.ts';

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
    trigger: Trigger;
    reason: string;
    operationId: string | null;
  }): void;
  /** Cloudflare confirmed the last change of a name, so many milliseconds after the commit or the detection. */
  converged(zone: string, trigger: Trigger, ms: number): void;
  /** The stored state of a name changed. */
  stateChanged(fqdn: string, zone: string | null, state: NameState | 'gone', reason: string | null): void;
  /** A list of a zone ended. */
  zoneChecked(zone: string, error: ZonekeeperError | null): void;
  /** Something failed that is tried again by itself. */
  failed(what: string, error: ZonekeeperError): void;
}
