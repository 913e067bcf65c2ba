import type { Logger } from 'pino';
import type { ApiObserver } from '../cloudflare/client.ts';
import type { Clock } from '../controller/clock.ts';
import type { Happening } from '../kubernetes/events.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import { Warnings } from '../observability/warnings.ts';
import type { ExecutorOptions } from '../reconcile/executor.ts';
import type { CoreObserver } from '../reconcile/observer.ts';
import type { Report } from '../reconcile/report.ts';
import type { Announcer } from './announcer.ts';

/** Kubernetes Events, where they are on. */
export type Events = { record(happening: Happening): void } | null;

/** Turns what the core tells into metrics, log lines and announcements. */
export function reporting(options: {
  metrics: Metrics;
  log: Logger;
  clock: Clock;
  announcer: Announcer;
  events: Events;
  tracing: Pick<Tracing, 'run'> | null;
}): CoreObserver {
  const { metrics, log, clock, announcer, events, tracing } = options;
  // A thousand names that fail for one reason are one line now and one a minute; each name's state has its own reason.
  const warnings = new Warnings({ log, clock });
  return {
    driftDetected: (zone, kind) => metrics.driftDetected.inc({ zone, kind }),
    changed: ({ fqdn, zone, action, result, error, trigger, reason, operationId }) => {
      metrics.changes.inc({ zone, action, result });
      announcer.changed(fqdn);
      const line = {
        fqdn,
        zone,
        action,
        result,
        trigger,
        reason,
        ...(operationId !== null && { operation_id: operationId }),
      };
      if (error === null) log.info(line, `${past(action)} ${fqdn}`);
      else warnings.failed(`${zone} ${action} ${result}`, error, `could not ${action} ${fqdn}: ${error.message}`, line);
    },
    ...(tracing !== null && { traced: (run) => tracing.run(run) }),
    converged: (zone, trigger, ms) => metrics.converge.observe({ zone, trigger }, ms / 1000),
    late: (zone, trigger) => metrics.late.inc({ zone, trigger }),
    stateChanged: (fqdn, zone, state, reason) => {
      announcer.changed(fqdn);
      log.debug({ fqdn, zone, state, reason }, `${fqdn} is ${state}`);
      if (state === 'conflict') events?.record(warning('ConflictFound', 'Reconcile', `${fqdn}: ${reason ?? state}`));
      if (state === 'blocked') events?.record(warning('DeletionHeld', 'Delete', `${fqdn}: ${reason ?? state}`));
    },
    zoneChecked: (zone, error) => {
      if (error?.code === 'cloudflare_auth') events?.record(tokenRefused(error.message));
      const now = clock.wall() / 1000;
      metrics.lastCheck.set({ zone }, now);
      if (error === null) metrics.lastSuccess.set({ zone }, now);
      else warnings.failed(zone, error, `the zone ${zone} could not be looked at: ${error.message}`, { zone });
    },
    failed: (what, error) => {
      // The leadership ended or the process stops: whoever leads next goes on.
      if (error.code === 'shutting_down' || error.code === 'not_leader')
        log.debug({ what, code: error.code }, error.message);
      else warnings.failed('failed', error, `${what}: ${error.message}`, { what });
    },
  };
}

function past(action: 'create' | 'update' | 'delete'): string {
  return action === 'create' ? 'created' : action === 'update' ? 'repaired' : 'deleted';
}

/** What is told of calls of Cloudflare's API. */
export function callReporting({ metrics, log }: { metrics: Metrics; log: Logger }): ApiObserver {
  return {
    onCall: ({ operation, zone, code, seconds }) => {
      metrics.cloudflareRequests.inc({ operation, code });
      metrics.cloudflareDuration.observe({ operation }, seconds);
      log.debug({ operation, zone, code, seconds }, `Cloudflare answered ${operation} with ${code}`);
    },
    onBatch: (operations) => metrics.batchOperations.observe({}, operations),
  };
}

/** What is told of an operation that has ended. */
export function operationReporting(options: {
  metrics: Metrics;
  log: Logger;
  events: Events;
}): ExecutorOptions['onFinished'] {
  const { metrics, log, events } = options;
  return ({ id, kind, request, requestedBy }, error, report) => {
    metrics.syncs.inc({ trigger: kind, result: error === null ? 'done' : 'failed' });
    if (kind === 'plan') return;
    const line = { operation_id: id, actor: requestedBy, ...(error !== null && { code: error.code }) };
    log.info(line, error === null ? `${kind} finished` : `${kind} failed: ${error.message}`);
    const { created = 0, updated = 0, deleted = 0 } = (report ?? {}) as Partial<Report>;
    if (request.dryRun || created + updated + deleted === 0) return;
    events?.record({
      type: 'Normal',
      reason: 'Synced',
      action: 'Sync',
      note: `${kind} ${id} by ${requestedBy}: ${created} created, ${updated} updated, ${deleted} deleted.`,
    });
  };
}

/** Cloudflare does not take the token. */
export function tokenRefused(message: string): Happening {
  return warning('TokenRefused', 'Authenticate', message);
}

function warning(reason: Happening['reason'], action: string, note: string): Happening {
  return { type: 'Warning', reason, action, note };
}
