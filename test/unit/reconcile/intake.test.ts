import { expect, test } from 'vitest';
import { PRIORITY } from '../../../src/controller/priority.ts';
import { WorkQueue } from '../../../src/controller/queue.ts';
import { type Context, mergeContexts } from '../../../src/reconcile/context.ts';
import { Intake } from '../../../src/reconcile/intake.ts';
import type { ManagedZone } from '../../../src/reconcile/zone.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const NAME = 'a.example.com';

/** An intake over zones that come and go as the test says, and why a name was queued. */
function intake() {
  const clock = new VirtualClock();
  const world: { home: ManagedZone | undefined; known: boolean; told: boolean } = {
    ...{ home: undefined, known: true, told: false },
  };
  const queue = new WorkQueue<string, Context>({
    ...{ clock, random: () => 0, backoff: { baseMs: 1, factor: 2, maxMs: 1 }, maxKeys: 100_000, merge: mergeContexts },
  });
  const zones = {
    of: () => world.home,
    get known() {
      return world.known;
    },
  };
  const one = new Intake({
    ...{ queue, zones, clock, passive: false, toldUnlisted: () => world.told },
    ledger: { unsettledNames: async () => [] },
  });
  const queued = () => {
    const item = queue.take();
    return item === null || item === undefined ? null : { trigger: item.context.trigger, since: item.context.since };
  };
  return { one, world, queued, change: (since: number) => one.add([NAME], { ...CHANGE, since }) };
}

const CHANGE = { trigger: 'change', priority: PRIORITY.event } as const;
const zone = (ready: boolean) => ({ mirror: { ready }, failure: null }) as unknown as ManagedZone;

test('a change of a zone that has not been seen waits for its comparison, and counts from its commit', () => {
  const { one, world, queued, change } = intake();
  world.home = zone(false);
  change(5);
  expect(queued()).toBeNull();
  Object.assign(world.home.mirror, { ready: true });
  one.addCompared([NAME], world.home);
  expect(queued()).toEqual({ trigger: 'change', since: 5 });
});

test('what a comparison finds in order is forgotten: a later reason is a reason of its own', () => {
  const { one, world, queued } = intake();
  world.home = zone(false);
  one.add([NAME], { ...CHANGE, since: 5 });
  Object.assign(world.home.mirror, { ready: true });
  one.addCompared([], world.home);
  one.add([NAME], { trigger: 'drift', priority: PRIORITY.check, since: 900 });
  expect(queued()).toEqual({ trigger: 'drift', since: 900 });
});

test('a change keeps its time when its zone goes before it was seen', () => {
  const { one, world, queued, change } = intake();
  const gone = zone(false);
  world.home = gone;
  change(5);
  world.home = zone(true);
  one.zonesGone([gone]);
  one.addCompared([NAME], null);
  expect(queued()).toEqual({ trigger: 'change', since: 5 });
});

test('while the zones are not known, names wait, until it is told why', () => {
  const { world, queued, change } = intake();
  world.known = false;
  change(5);
  expect(queued()).toBeNull();
  world.told = true;
  change(7);
  expect(queued()).toEqual({ trigger: 'change', since: 5 });
});

test('of more changes than are remembered, the names are looked at all the same; a comparison makes room', () => {
  const { one, world, queued, change } = intake();
  const many = Array.from({ length: 20_000 }, (_, i) => `${i}.example.com`);
  const home = zone(false);
  world.home = home;
  one.add(many, { ...CHANGE, since: 5 });
  one.add(many, { ...CHANGE, since: 6 });
  change(7);
  Object.assign(home.mirror, { ready: true });
  one.addCompared([NAME], home);
  expect(queued()?.trigger).toBe('start');
  Object.assign(home.mirror, { ready: false });
  one.add(['b.example.com'], { ...CHANGE, since: 8 });
  Object.assign(home.mirror, { ready: true });
  one.addCompared(['b.example.com'], home);
  expect(queued()).toEqual({ trigger: 'change', since: 8 });
});
