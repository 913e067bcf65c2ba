import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../../src/controller/clock.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import { Lease, type LeaseRecord, type LeaseStore, type StoredLease } from '../../../src/leadership/lease.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECOND = 1_000;

/** A Lease as Kubernetes keeps it; holders can be cut off from it. */
class Stored {
  lease: StoredLease | null = null;
  writes = 0;
  readonly cut = new Set<string>();

  store(name: string): LeaseStore {
    const reach = () => {
      if (this.cut.has(name)) throw new ZonekeeperError('kubernetes_unreachable', 'No answer.');
    };
    const write = (record: LeaseRecord) => {
      this.writes++;
      this.lease = { record, version: String(this.writes) };
      return this.lease;
    };
    return {
      read: async () => {
        reach();
        return this.lease;
      },
      create: async (record) => {
        reach();
        return this.lease === null ? write(record) : null;
      },
      update: async (record, version) => {
        reach();
        return this.lease?.version === version ? write(record) : null;
      },
    };
  }
}

function candidate(stored: Stored, time: VirtualClock, name: string, { skewMs = 0, random = (): number => 0.5 } = {}) {
  const events: string[] = [];
  const clock: Clock = {
    now: () => time.now(),
    wall: () => time.wall() + skewMs,
    after: (ms, run) => time.after(ms, run),
  };
  const lease = new Lease({
    store: stored.store(name),
    holder: name,
    clock,
    random,
    events: {
      onHeld: () => events.push('held'),
      onLost: () => events.push('lost'),
      onError: ({ code }) => events.push(code),
    },
  });
  return { lease, events };
}

function world() {
  const time = new VirtualClock();
  return { time, stored: new Stored() };
}

describe('a Lease', () => {
  it('is made by the first, and renewed every two seconds', async () => {
    const { time, stored } = world();
    const a = candidate(stored, time, 'a');
    a.lease.start();
    await time.advance(0);
    expect(a.lease.held).toBe(true);
    expect(stored.lease?.record).toMatchObject({ holder: 'a', durationSeconds: 15, transitions: 0 });
    await time.advance(20 * SECOND);
    expect(stored.writes).toBe(11);
    expect(a.events).toEqual(['held']);
  });

  it('that nobody renews is taken 15 seconds after the last change that was seen, not before', async () => {
    const { time, stored } = world();
    const [a, b] = [candidate(stored, time, 'a'), candidate(stored, time, 'b')];
    a.lease.start();
    await time.advance(0);
    b.lease.start();
    await time.advance(0);
    stored.cut.add('a');
    await time.advance(9 * SECOND);
    expect(a.lease.held).toBe(true);
    await time.advance(1 * SECOND);
    expect(a.lease.held).toBe(false);
    expect(b.lease.held).toBe(false);
    await time.advance(4 * SECOND);
    expect(b.lease.held).toBe(false);
    await time.advance(6 * SECOND);
    expect(b.lease.held).toBe(true);
    expect(stored.lease?.record).toMatchObject({ holder: 'b', transitions: 1 });
  });

  it('is judged by what was seen, not by clocks: one of them may be an hour off', async () => {
    for (const skewMs of [-3_600_000, 3_600_000]) {
      const { time, stored } = world();
      const [a, b] = [candidate(stored, time, 'a'), candidate(stored, time, 'b', { skewMs })];
      a.lease.start();
      await time.advance(0);
      b.lease.start();
      await time.advance(120 * SECOND);
      expect([a.lease.held, b.lease.held]).toEqual([true, false]);
      stored.cut.add('a');
      await time.advance(22 * SECOND);
      expect([a.lease.held, b.lease.held]).toEqual([false, true]);
    }
  });

  it('that is given back is free at once', async () => {
    const { time, stored } = world();
    const [a, b] = [candidate(stored, time, 'a'), candidate(stored, time, 'b')];
    a.lease.start();
    await time.advance(0);
    b.lease.start();
    await time.advance(SECOND);
    await a.lease.stop();
    expect(stored.lease?.record).toMatchObject({ holder: '', durationSeconds: 1 });
    b.lease.poke();
    await time.advance(0);
    expect(b.lease.held).toBe(true);
    expect(stored.lease?.record.transitions).toBe(1);
    await time.advance(60 * SECOND);
    expect(a.lease.held).toBe(false);
  });

  it('is left to others for a while by who cannot do the work', async () => {
    const { time, stored } = world();
    const [a, b] = [candidate(stored, time, 'a'), candidate(stored, time, 'b')];
    a.lease.start();
    await time.advance(0);
    b.lease.start();
    await time.advance(0);
    a.lease.standBack(30 * SECOND);
    await time.advance(5 * SECOND);
    expect([a.lease.held, b.lease.held]).toEqual([false, true]);
    // Whoever else there may be has the time to look.
    await b.lease.stop();
    await time.advance(7 * SECOND);
    expect(a.lease.held).toBe(false);
    await time.advance(6 * SECOND);
    expect(a.lease.held).toBe(true);
  });

  it('that nobody else wants is taken again soon by who left it to others: what it could not do may be over', async () => {
    const { time, stored } = world();
    const a = candidate(stored, time, 'a');
    a.lease.start();
    await time.advance(0);
    a.lease.standBack(60 * SECOND);
    await time.advance(7 * SECOND);
    expect(a.lease.held).toBe(false);
    await time.advance(6 * SECOND);
    expect(a.lease.held).toBe(true);
    expect(a.events).toEqual(['held', 'lost', 'held']);
  });

  it('that somebody else took by force is lost at the next renewal', async () => {
    const { time, stored } = world();
    const a = candidate(stored, time, 'a');
    a.lease.start();
    await time.advance(0);
    stored.lease = { record: { ...(stored.lease as StoredLease).record, holder: 'by hand' }, version: 'x' };
    await time.advance(2 * SECOND);
    expect(a.events).toEqual(['held', 'lost']);
  });

  it('that was deleted is made anew, without a moment of two holders', async () => {
    const { time, stored } = world();
    const a = candidate(stored, time, 'a');
    a.lease.start();
    await time.advance(0);
    stored.lease = null;
    await time.advance(2 * SECOND);
    expect(a.lease.held).toBe(true);
    expect(a.events).toEqual(['held']);
  });

  it('is not held on an answer that came too late', async () => {
    const { time, stored } = world();
    const gate = Promise.withResolvers<void>();
    const slow = stored.store('a');
    const events: string[] = [];
    const lease = new Lease({
      store: { ...slow, read: () => gate.promise.then(() => null) },
      holder: 'a',
      clock: time,
      random: () => 0.5,
      events: { onHeld: () => events.push('held'), onLost: () => undefined, onError: ({ code }) => events.push(code) },
    });
    onTestFinished(() => lease.stop());
    lease.start();
    await time.advance(5 * SECOND);
    gate.resolve();
    await time.advance(0);
    expect(lease.held).toBe(false);
    expect(events).toEqual(['internal']);
  });

  it('is held no more when the host was suspended, which the monotonic clock does not see', async () => {
    const { time, stored } = world();
    const { lease } = candidate(stored, time, 'a');
    lease.start();
    await time.advance(SECOND);
    expect(lease.held).toBe(true);
    time.setWall(60 * SECOND);
    expect(lease.held).toBe(false);
    expect(lease.remainingMs()).toBe(0);
    await time.advance(3 * SECOND);
    // It is as we left it, so nobody else held it meanwhile.
    expect(lease.held).toBe(true);
  });

  it('has one holder at any moment, whoever is cut off and whenever', async () => {
    // A generator that is small and good enough to vary the order of events.
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const { time, stored } = world();
    const names = ['a', 'b', 'c'];
    const all = names.map((name, index) => candidate(stored, time, name, { skewMs: (index - 1) * 3_600_000, random }));
    for (const { lease } of all) lease.start();
    const holders = new Set<string>();
    for (let step = 0; step < 4_000; step++) {
      await time.advance(Math.floor(random() * 500));
      const held = names.filter((_, index) => all[index]?.lease.held);
      expect(held.length).toBeLessThanOrEqual(1);
      for (const name of held) holders.add(name);
      if (random() < 0.02) stored.cut.add(held[0] ?? 'b');
      if (random() < 0.02) stored.cut.delete(names[Math.floor(random() * 3)] as string);
    }
    expect(holders.size).toBe(3);
  });
});
