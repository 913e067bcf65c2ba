import type { V1Lease } from '@kubernetes/client-node';
import { ZonekeeperError } from '../errors.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from '../leadership/lease.ts';
import { type Kubernetes, KubernetesStatus } from './client.ts';

/** The Lease object of that name, written with optimistic concurrency: a change since our look is a conflict. */
export function leaseStore(kubernetes: Kubernetes, namespace: string, name: string): LeaseStore {
  const at = { namespace, name };
  // What others put beside the election's fields (labels, strategy) stays as it is.
  let last: V1Lease = { metadata: at };
  const stored = (answer: V1Lease | KubernetesStatus, ...expected: number[]): StoredLease | null => {
    if (answer instanceof KubernetesStatus) {
      if (expected.includes(answer.code)) return null;
      throw new ZonekeeperError('kubernetes_refused', `The Lease ${namespace}/${name}: ${answer.message}`);
    }
    last = answer;
    return { record: recordOf(answer), version: answer.metadata?.resourceVersion ?? '' };
  };
  const body = (record: LeaseRecord, metadata: V1Lease['metadata']): V1Lease => ({
    metadata: metadata ?? at,
    spec: {
      ...last.spec,
      holderIdentity: record.holder,
      leaseDurationSeconds: record.durationSeconds,
      acquireTime: kubernetes.microTime(record.acquired),
      renewTime: kubernetes.microTime(record.renewed),
      leaseTransitions: record.transitions,
    },
  });
  return {
    read: async (signal) => stored(await kubernetes.call(signal, ({ leases }) => leases.readNamespacedLease(at)), 404),
    create: async (record, signal) =>
      stored(
        await kubernetes.call(signal, ({ leases }) =>
          leases.createNamespacedLease({ namespace, body: body(record, at) }),
        ),
        409,
      ),
    // 404: somebody deleted it; the next look makes a new one.
    update: async (record, version, signal) =>
      stored(
        await kubernetes.call(signal, ({ leases }) =>
          leases.replaceNamespacedLease({
            ...at,
            body: body(record, { ...last.metadata, ...at, resourceVersion: version }),
          }),
        ),
        404,
        409,
      ),
  };
}

function recordOf({ spec }: V1Lease): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationSeconds: spec?.leaseDurationSeconds ?? 0,
    acquired: millis(spec?.acquireTime),
    renewed: millis(spec?.renewTime),
    transitions: spec?.leaseTransitions ?? 0,
  };
}

// The client leaves these times as the text that Kubernetes sent, whatever its types say.
function millis(time: Date | undefined): number {
  return time === undefined ? 0 : new Date(time).getTime();
}
