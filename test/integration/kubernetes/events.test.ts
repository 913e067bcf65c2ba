import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../../src/controller/clock.ts';
import { EventRecorder, type Happening, regardedObject } from '../../../src/kubernetes/events.ts';
import { CHART, ENOUGH, merge } from '../../support/chart.ts';
import { command } from '../../support/command.ts';
import { sharedFolder } from '../../support/folder.ts';
import { connectAs, helmEnv, sharedKubernetes, untilTestEnds } from '../../support/kubernetes.ts';
import { requires } from '../../support/requires.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { tool } from '../../support/tools.ts';
import { waitFor } from '../../support/wait.ts';

interface StoredEvent {
  readonly reason: string;
  readonly note: string;
  readonly series?: { readonly count: number };
  readonly regarding: Readonly<Record<string, string>>;
  readonly reportingController: string;
}

const held = (note: string): Happening => ({ type: 'Warning', reason: 'DeletionHeld', action: 'Delete', note });

requires(
  'kube-apiserver',
  'kubectl',
  'helm',
)("Events, in a real API server and with the chart's rights", () => {
  const kubernetes = sharedKubernetes();
  const folder = sharedFolder();
  let last = 0;

  /** A recorder as the daemon's, as the service account of a release in a namespace of its own. */
  async function recording(named: string | null) {
    const space = `events-${++last}`;
    await kubernetes.kubectl('create', 'namespace', space);
    const env = helmEnv(folder, kubernetes.kubeconfig);
    const input = JSON.stringify(merge(ENOUGH, { events: { enabled: true } }));
    await command(tool('helm'), ['install', 'zk', CHART, '-n', space, '-f', '-'], { env, input });
    const way = await tcpProxy({ port: Number(new URL(kubernetes.server).port) });
    const config = kubernetes.configFor(await kubernetes.token('zk-zonekeeper', space), {
      namespace: space,
      server: `https://127.0.0.1:${way.port}`,
    });
    const client = await connectAs(config, { POD_NAME: 'zk-1', POD_NAMESPACE: space, POD_UID: 'a-uid' });
    const errors: unknown[] = [];
    const recorder = untilTestEnds(
      new EventRecorder({
        kubernetes: client,
        clock: systemClock,
        regarding: regardedObject(client, named),
        instance: 'zk-1',
        redact: (text) => text,
        onError: (error) => errors.push(error),
      }),
    );
    const stored = async () => {
      const list = parse(await kubernetes.kubectl('-n', space, 'get', 'events.events.k8s.io', '-o', 'yaml'));
      return list.items as StoredEvent[];
    };
    return { recorder, errors, stored, way, space };
  }

  it('are one Event that counts up', async () => {
    const { recorder, errors, stored, space } = await recording(null);
    for (let index = 0; index < 40; index++) recorder.record(held(`deletion ${index}`));
    const [event] = await waitFor('all of them to be counted', async () => {
      const events = await stored();
      return events[0]?.series?.count === 40 ? events : null;
    });
    expect(event).toMatchObject({
      reason: 'DeletionHeld',
      note: 'deletion 0',
      reportingController: 'zonekeeper.dev/zonekeeper',
      regarding: { kind: 'Pod', name: 'zk-1', namespace: space, uid: 'a-uid' },
    });
    expect(await stored()).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('are about an object that is named', async () => {
    const { recorder, errors, stored, space } = await recording('Deployment/zk-zonekeeper');
    recorder.record(held('one'));
    const [event] = await waitFor('the Event', async () => {
      const events = await stored();
      return events.length > 0 ? events : null;
    });
    expect(event?.regarding).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'zk-zonekeeper',
      namespace: space,
    });
    expect(errors).toEqual([]);
  });

  it('that Kubernetes cannot take are given up with one word, and the next one is written again', async () => {
    const { recorder, errors, stored, way } = await recording(null);
    way.refuse();
    // Returns at once, whatever becomes of it.
    expect(recorder.record(held('lost'))).toBeUndefined();
    await waitFor('the word', () => errors.length === 1);
    expect(errors[0]).toMatchObject({ code: 'kubernetes_unreachable' });
    way.mend();
    recorder.record({ type: 'Normal', reason: 'Synced', action: 'Sync', note: 'after' });
    const events = await waitFor('the next one', async () => {
      const all = await stored();
      return all.some(({ reason }) => reason === 'Synced') ? all : null;
    });
    expect(events.map(({ note }) => note)).not.toContain('lost');
  });
});
