import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock } from '../controller/clock.ts';
import { toError } from '../errors.ts';
import type { Review } from '../http/services.ts';
import { connectKubernetes } from '../kubernetes/client.ts';
import { EventRecorder, type Happening, regardedObject } from '../kubernetes/events.ts';
import { leaseStore } from '../kubernetes/lease-store.ts';
import { Reviews } from '../kubernetes/reviews.ts';
import type { LeaseStore } from '../leadership/lease.ts';

/** What Kubernetes does for the daemon; each part is null where it is switched off. */
export interface Cluster {
  readonly leases: LeaseStore | null;
  readonly review: Review | null;
  readonly events: { record(happening: Happening): void; stop(): void } | null;
}

export interface ClusterOptions {
  readonly config: Config<'run'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Unique to this process. */
  readonly instance: string;
  /** The text without secrets. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Kubernetes as the settings want it; null where nothing of it is switched on, and then nothing of it is loaded either. */
export async function connectCluster(options: ClusterOptions): Promise<Cluster | null> {
  const { config, env, version, instance, redact, clock, log } = options;
  const elects = config.leaderElection === 'kubernetes';
  const reviews = config.apiAuth === 'kubernetes';
  if (!elects && !reviews && !config.events) return null;
  const kubernetes = await connectKubernetes(env, version);
  const asked = reviews ? new Reviews(kubernetes, clock) : null;
  const { pod, server } = kubernetes;
  log.info({ server, namespace: pod.namespace }, `uses Kubernetes at ${server}`);
  return {
    leases: elects ? leaseStore(kubernetes, config.leaseNamespace ?? pod.namespace, config.leaseName) : null,
    review: asked === null ? null : (token, wish) => asked.review(token, wish),
    events: config.events
      ? new EventRecorder({
          kubernetes,
          clock,
          instance,
          redact,
          regarding: regardedObject(kubernetes, config.eventsObject),
          onError: (error) =>
            log.debug({ code: toError(error).code }, `an Event was not written: ${toError(error).message}`),
        })
      : null,
  };
}
