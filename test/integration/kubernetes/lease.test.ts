import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/controller/clock.ts';
import { Database } from '../../../src/database/database.ts';
import { leaseStore } from '../../../src/kubernetes/lease-store.ts';
import { Fence } from '../../../src/leadership/fence.ts';
import { leaderStatus } from '../../../src/leadership/leader.ts';
import { LeaseLeadership } from '../../../src/leadership/leadership.ts';
import type { LeaseTimes } from '../../../src/leadership/lease.ts';
import { install } from '../../support/installation.ts';
import { connectAs, sharedKubernetes } from '../../support/kubernetes.ts';
import { requires } from '../../support/requires.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';
import { GivenUp, waitFor } from '../../support/wait.ts';

/** The shape of the usual times, but shorter: the row of a leader that is gone is free before its Lease is. */
const TIMES: LeaseTimes = { durationMs: 10_000, renewDeadlineMs: 7_000, retryMs: 400 };
const ROW_TTL_MS = 9_000;
/** Several of these times, on a machine that stalls. */
const PATIENCE_MS = 120_000;

interface Candidate {
  readonly name: string;
  readonly leadership: LeaseLeadership;
  readonly events: string[];
  readonly toKubernetes: TcpProxy;
  readonly toPostgres: TcpProxy;
}

requires('kube-apiserver', 'kubectl')('leadership by a Lease', () => {
  const kubernetes = sharedKubernetes();
  let lastLease = 0;

  /** Some candidates for one Lease and one database, each with a way of its own to both. */
  async function candidates(count: number, skewMs: (index: number) => number = () => 0) {
    const { db, test } = await install();
    const { url } = test;
    const lease = `lease-${++lastLease}`;
    const all: Candidate[] = [];
    for (let index = 0; index < count; index++) {
      const toKubernetes = await tcpProxy({ port: Number(new URL(kubernetes.server).port) });
      const toPostgres = await tcpProxy({ host: new URL(url).hostname, port: Number(new URL(url).port) });
      const server = `https://127.0.0.1:${toKubernetes.port}`;
      const client = await connectAs(kubernetes.configFor(kubernetes.adminToken, { server }));
      const own = new URL(url);
      own.hostname = '127.0.0.1';
      own.port = String(toPostgres.port);
      const database = new Database({ url: own.href, schema: db.schema, applicationName: 'test', connections: 2 });
      const name = `candidate-${index}`;
      const events: string[] = [];
      const leadership = new LeaseLeadership({
        db: database,
        holder: name,
        address: () => `http://${name}`,
        clock: { ...systemClock, wall: () => systemClock.wall() + skewMs(index) },
        random: Math.random,
        info: () => ({}),
        store: leaseStore(client, 'default', lease),
        times: TIMES,
        ttlMs: ROW_TTL_MS,
        events: {
          onElected: (epoch) => events.push(`elected ${epoch}`),
          onLost: (reason) => events.push(reason),
          onError: ({ code, message }) => events.push(`${code}: ${message}`),
        },
      });
      onTestFinished(async () => {
        // So that nothing waits for an answer that will not come.
        for (const way of [toKubernetes, toPostgres]) way.mend();
        await leadership.stop();
        await database.close();
      });
      all.push({ name, leadership, events, toKubernetes, toPostgres });
    }
    const leaders = () => all.filter(({ leadership }) => leadership.epoch !== null && leadership.remainingMs() > 0);
    /** Waits for a leader among those that are not `other`; there must never be two. */
    const leader = (other?: Candidate) =>
      waitFor(
        'one of them to lead',
        () => {
          if (leaders().length > 1) throw new GivenUp(`two lead: ${leaders().map(({ name }) => name)}`);
          return leaders().find((one) => one !== other);
        },
        PATIENCE_MS,
      ).catch((error) => {
        throw new Error(`${error.message}; ${JSON.stringify(all.map(({ name, events }) => [name, events]))}`);
      });
    return { all, db, lease, leader, leaders };
  }

  async function spec(lease: string) {
    return JSON.parse(await kubernetes.kubectl('get', 'lease', lease, '-o', 'jsonpath={.spec}')) as {
      holderIdentity: string;
      leaseTransitions: number;
      leaseDurationSeconds: number;
      renewTime: string;
    };
  }

  it('of three candidates one leads; it gives the Lease back when it stops, and the next one has it', async () => {
    const { all, db, lease, leader } = await candidates(3);
    for (const { leadership } of all) leadership.start();
    const first = await leader();
    await waitFor('all to have asked', () => all.every(({ leadership }) => leadership.settled));
    expect(await spec(lease)).toMatchObject({
      holderIdentity: first.name,
      leaseTransitions: 0,
      leaseDurationSeconds: 10,
      renewTime: expect.stringMatching(/\.\d{6}Z$/),
    });
    await first.leadership.stop();
    // What the daemon hears from PostgreSQL.
    for (const { leadership } of all) leadership.poke();
    const second = await leader(first);
    expect(await spec(lease)).toMatchObject({ holderIdentity: second.name, leaseTransitions: 1 });
    expect(await leaderStatus(db)).toMatchObject({ holder: second.name, epoch: 2 });
  });

  it('who cannot reach Kubernetes stops before another one begins, and its epoch is over', async () => {
    const { all, db, leader } = await candidates(2, (index) => (index - 0.5) * 7_200_000);
    for (const { leadership } of all) leadership.start();
    const first = await leader();
    const epoch = first.leadership.epoch ?? 0;
    first.toKubernetes.cut();
    const second = await leader(first);
    expect(first.leadership.remainingMs()).toBe(0);
    await expect(db.transaction((tx) => new Fence(epoch).hold(tx))).rejects.toMatchObject({ code: 'not_leader' });
    await db.transaction((tx) => new Fence(second.leadership.epoch ?? 0).hold(tx));
    first.toKubernetes.mend();
    await second.leadership.stop();
    expect(await leader(second)).toBe(first);
  });

  it('who cannot reach PostgreSQL gives the Lease to another one', async () => {
    const { all, leader } = await candidates(2);
    for (const { leadership } of all) leadership.start();
    const first = await leader();
    first.toPostgres.cut();
    expect(await leader(first)).not.toBe(first);
    expect(first.leadership.epoch).toBeNull();
  });

  it('a holder that is dead is followed when its time is over', async () => {
    const { all, lease, leader, leaders } = await candidates(2);
    for (const { leadership } of all) leadership.start();
    const first = await leader();
    for (const way of [first.toKubernetes, first.toPostgres] satisfies TcpProxy[]) way.cut();
    await leader(first);
    expect(await spec(lease)).toMatchObject({ leaseTransitions: 1 });
    expect(leaders()).toHaveLength(1);
  });
});

describe('a process that is in no cluster', () => {
  it('is told so', async () => {
    await expect(connectAs('/nowhere/kubeconfig')).rejects.toMatchObject({ code: 'kubernetes_unreachable' });
  });
});
