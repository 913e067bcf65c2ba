import { createHash } from 'node:crypto';
import type { V1ObjectReference } from '@kubernetes/client-node';
import type { Clock } from '../controller/clock.ts';
import { withTimeout } from '../controller/deadline.ts';
import { ZonekeeperError } from '../errors.ts';
import { type Kubernetes, KubernetesStatus } from './client.ts';

/** Something worth an Event. Reasons are words of one kind, so that `kubectl get events` can filter by them. */
export interface Happening {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'BecameLeader' | 'Synced' | 'DeletionHeld' | 'ConflictFound' | 'TokenRefused';
  readonly action: string;
  /** A sentence for people; up to 1 kB. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  /** The object that the events are about; see {@link regardedObject}. */
  readonly regarding: V1ObjectReference;
  /** Unique to this process. */
  readonly instance: string;
  /** The text without secrets. */
  readonly redact: (text: string) => string;
  readonly onError: (error: unknown) => void;
}

/** Calls in any minute, at most. */
const PER_MINUTE = 5;
const MINUTE_MS = 60_000;
/** An event that has not happened for so long starts a new series. Milliseconds. */
const SERIES_MS = 6 * MINUTE_MS;
const CALL_MS = 5_000;
const MAX_NOTE = 1_000;
const CONTROLLER = 'zonekeeper.dev/zonekeeper';

interface Series {
  readonly name: string;
  count: number;
  /** How many of them the object at Kubernetes tells of. */
  told: number;
  lastAt: number;
  note: string;
}

/**
 * Writes events.k8s.io/v1 Events. What happens again within six minutes counts up in one Event, and all together are a few
 * calls a minute: an Event is a hint for people, and must cost the daemon and the cluster nothing. Recording never throws,
 * never waits, and keeps at most one series a reason.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** By reason. */
  readonly #series = new Map<Happening['reason'], Series & { happening: Happening }>();
  readonly #calls: number[] = [];
  #sending = false;
  #stopped = false;
  #wake: { cancel(): void } | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(happening: Happening): void {
    if (this.#stopped) return;
    const { clock, redact } = this.#options;
    const now = clock.now();
    const note = redact(happening.note);
    const known = this.#series.get(happening.reason);
    if (known !== undefined && now - known.lastAt < SERIES_MS) {
      known.count++;
      known.lastAt = now;
      known.note = note;
    } else {
      this.#series.set(happening.reason, {
        happening,
        name: this.#name(happening),
        count: 1,
        told: 0,
        lastAt: now,
        note,
      });
    }
    void this.#send();
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.cancel();
  }

  async #send(): Promise<void> {
    const { clock, onError } = this.#options;
    if (this.#sending) return;
    this.#sending = true;
    this.#wake?.cancel();
    try {
      for (;;) {
        const next = this.#stopped ? undefined : this.#untold();
        if (next === undefined) return;
        const now = clock.now();
        while (this.#calls.length > 0 && now - (this.#calls[0] ?? now) >= MINUTE_MS) this.#calls.shift();
        if (this.#calls.length >= PER_MINUTE) {
          this.#wake = clock.after(MINUTE_MS - (now - (this.#calls[0] ?? now)), () => void this.#send());
          return;
        }
        this.#calls.push(now);
        const counted = next.count;
        await withTimeout(clock, CALL_MS, (signal) => this.#write(next, counted, signal)).catch(onError);
        // Told or not: it is not tried again, the next one of its kind is.
        next.told = counted;
      }
    } finally {
      this.#sending = false;
    }
  }

  #untold() {
    // What is new before what merely happened again.
    const all = [...this.#series.values()];
    return all.find(({ told }) => told === 0) ?? all.find(({ told, count }) => told < count);
  }

  async #write(series: Series & { happening: Happening }, count: number, signal: AbortSignal): Promise<void> {
    const { kubernetes, clock, regarding, instance } = this.#options;
    const namespace = regarding.namespace ?? kubernetes.pod.namespace;
    const at = kubernetes.microTime(clock.wall());
    const note = series.note.slice(0, MAX_NOTE);
    const { type, reason, action } = series.happening;
    const answer = await kubernetes.call(signal, ({ events }) =>
      series.told === 0
        ? events.createNamespacedEvent({
            namespace,
            body: {
              metadata: { name: series.name, namespace },
              eventTime: at,
              reportingController: CONTROLLER,
              reportingInstance: instance.slice(0, 128),
              type,
              reason,
              action,
              note,
              regarding,
              ...(count > 1 && { series: { count, lastObservedTime: at } }),
            },
          })
        : events.patchNamespacedEvent({
            name: series.name,
            namespace,
            // Kubernetes lets nothing but the series change.
            body: [{ op: 'add', path: '/series', value: { count, lastObservedTime: at.toISOString() } }],
          }),
    );
    if (answer instanceof KubernetesStatus) throw new ZonekeeperError('kubernetes_refused', answer.message);
  }

  #name({ reason }: Happening): string {
    const { regarding, clock, instance } = this.#options;
    const unique = createHash('sha256').update(`${instance} ${reason} ${clock.wall()}`).digest('hex').slice(0, 16);
    return `${(regarding.name ?? 'zonekeeper').slice(0, 200)}.${unique}`;
  }
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Pod: 'v1',
  Service: 'v1',
  ConfigMap: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
};

/** What events are about: the object that was named as `Kind/name`, or our Pod. Throws `config_invalid` outside of a Pod. */
export function regardedObject({ pod }: Kubernetes, named: string | null): V1ObjectReference {
  if (named === null) {
    if (pod.name === null) {
      throw new ZonekeeperError(
        'config_invalid',
        'ZONEKEEPER_EVENTS needs POD_NAME and POD_NAMESPACE (the chart sets them), or an object in ZONEKEEPER_EVENTS_OBJECT.',
      );
    }
    const { name, namespace, uid } = pod;
    return { apiVersion: 'v1', kind: 'Pod', name, namespace, ...(uid !== null && { uid }) };
  }
  const [kind = '', name = ''] = named.split('/');
  const apiVersion = API_VERSIONS[kind];
  return { kind, name, namespace: pod.namespace, ...(apiVersion !== undefined && { apiVersion }) };
}
