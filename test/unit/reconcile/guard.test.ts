import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/dns/record.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import type { Ledger } from '../../../src/ledger/port.ts';
import { Guard } from '../../../src/reconcile/guard.ts';
import type { Source } from '../../../src/sources/port.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ZONE = { id: 'z', name: 'example.com' };

/** A guard over a ledger and a source that say what the test wants. */
function guarded(
  world: {
    tracked?: number;
    recent?: number;
    uncertain?: string[];
    wanted?: string[];
    anything?: boolean;
    unreadable?: boolean;
  } = {},
) {
  const { tracked = 100, recent = 0, uncertain = [], wanted = [], anything = true, unreadable = false } = world;
  const clock = new VirtualClock();
  const ledger = {
    trackedIn: async () => tracked,
    deletions: async () => {
      told.onAsked();
      return { anythingWanted: anything, done: recent, predecessors: 0, uncertain };
    },
  } as unknown as Ledger;
  const source = {
    stillWanted: async () => {
      if (unreadable) throw new ZonekeeperError('desired_unreadable', 'The view is broken.');
      return new Set(wanted);
    },
  } as unknown as Source;
  const guard = new Guard({ ledger, source, clock, limit: { share: 0.25, min: 10 } });
  const told = { guard, clock, onAsked: () => {} };
  return told;
}

const deletion = (n: number) => {
  const fqdn = `n${n}.example.com`;
  const change: Change = {
    fqdn,
    action: 'delete',
    type: 'A',
    recordId: `r${n}`,
    before: null,
    after: null,
    reason: '',
    replaced: false,
  };
  return { fqdn, changes: [change] };
};
const deletions = (count: number) => Array.from({ length: count }, (_, n) => deletion(n));
const kinds = async (guard: Guard, count: number) => [
  ...new Set((await guard.judge(ZONE, deletions(count))).map(({ kind }) => kind)),
];

describe('the delete guard', () => {
  test('lets a few deletions through', async () => {
    expect(await kinds(guarded().guard, 10)).toEqual(['allowed']);
  });

  test('lets a share of the zone through, and holds all of a wave above it', async () => {
    expect(await kinds(guarded({ tracked: 100 }).guard, 25)).toEqual(['allowed']);
    expect(await kinds(guarded({ tracked: 100 }).guard, 26)).toEqual(['held']);
  });

  test('counts what was deleted within the hour', async () => {
    expect(await kinds(guarded({ tracked: 100, recent: 10 }).guard, 15)).toEqual(['allowed']);
    expect(await kinds(guarded({ tracked: 100, recent: 10 }).guard, 16)).toEqual(['held']);
  });

  test('counts who is on the way, also when the name is wanted again, until it is known what became of it', async () => {
    const { guard } = guarded({ tracked: 0 });
    expect(await guard.admit(ZONE, [deletion(99)])).toEqual([{ kind: 'allowed' }]);
    guard.settled(ZONE.name, deletion(99).fqdn);
    expect(await kinds(guard, 10)).toEqual(['held']);
    guard.ended(deletion(99).fqdn);
    expect(await kinds(guard, 10)).toEqual(['allowed']);
  });

  test('counts a name that is on the way in two zones in the one where that is not over', async () => {
    const { guard } = guarded({ tracked: 0 });
    const other = { id: 'y', name: 'lab.example.com' };
    for (const zone of [ZONE, other]) {
      await guard.admit(zone, [deletion(99)]);
      guard.settled(zone.name, deletion(99).fqdn);
    }
    guard.deleted(other.name, deletion(99).fqdn);
    expect(await kinds(guard, 10)).toEqual(['held']);
    guard.deleted(ZONE.name, deletion(99).fqdn);
    expect(await kinds(guard, 10)).toEqual(['allowed']);
  });

  test('counts deletions that were given up, since they may still happen; those that wait anyway only once', async () => {
    const uncertain = Array.from({ length: 10 }, (_, n) => `n${n}.example.com`);
    expect(await kinds(guarded({ tracked: 100, uncertain }).guard, 25)).toEqual(['allowed']);
    expect(await kinds(guarded({ tracked: 100, uncertain: ['gone.example.com'] }).guard, 25)).toEqual(['held']);
  });

  test('counts a deletion that is made while the ledger is asked', async () => {
    const world = guarded({ tracked: 100 });
    const { guard } = world;
    guard.expect('example.com', ['gone.example.com']);
    let asked = 0;
    world.onAsked = () => {
      asked += 1;
      if (asked === 1) guard.deleted('example.com', 'gone.example.com');
    };
    // Asked again: by then, the ledger would tell of it.
    expect(await kinds(guard, 25)).toEqual(['allowed']);
    expect(asked).toBe(2);
    world.onAsked = () => guard.deleted('example.com', 'another.example.com');
    expect(await kinds(guard, 25)).toEqual(['held']);
  });

  test('judges a wave as a whole, however it is cut', async () => {
    const { guard } = guarded({ tracked: 100 });
    guard.expect(
      'example.com',
      deletions(60).map(({ fqdn }) => fqdn),
    );
    expect((await guard.judge(ZONE, [deletion(0)]))[0]?.kind).toBe('held');
    expect((await guard.judge(ZONE, [deletion(1)]))[0]?.kind).toBe('held');
  });

  test('lets go once the names are wanted again', async () => {
    const { guard } = guarded({ tracked: 100 });
    guard.expect(
      'example.com',
      deletions(60).map(({ fqdn }) => fqdn),
    );
    for (const { fqdn } of deletions(59)) guard.settled('example.com', fqdn);
    expect((await guard.judge(ZONE, [deletion(59)]))[0]?.kind).toBe('allowed');
  });

  test('zones are counted apart', async () => {
    const { guard } = guarded({ tracked: 100 });
    guard.expect(
      'example.org',
      deletions(60).map(({ fqdn }) => fqdn),
    );
    expect(await kinds(guard, 5)).toEqual(['allowed']);
  });

  test('holds everything when nobody wants anything at all', async () => {
    const [judged] = await guarded({ anything: false }).guard.judge(ZONE, [deletion(0)]);
    expect(judged).toMatchObject({ kind: 'held', problem: { code: 'delete_held' } });
  });

  test('holds everything while desired cannot be read', async () => {
    const [judged] = await guarded({ unreadable: true }).guard.judge(ZONE, [deletion(0)]);
    expect(judged).toMatchObject({ kind: 'held', problem: { code: 'desired_unreadable' } });
  });

  test('tells which names are wanted after all', async () => {
    const judged = await guarded({ wanted: ['n0.example.com'] }).guard.judge(ZONE, deletions(2));
    expect(judged.map(({ kind }) => kind)).toEqual(['wanted', 'allowed']);
  });

  test('a confirmation lets exactly the named records go, for a while', async () => {
    const { guard, clock } = guarded({ tracked: 100 });
    guard.release(deletions(40).map(({ changes }) => changes[0]?.recordId ?? ''));
    const judged = await guard.judge(ZONE, deletions(80));
    expect(judged.filter(({ kind }) => kind === 'allowed')).toHaveLength(40);
    expect(judged.slice(0, 40).every(({ kind }) => kind === 'allowed')).toBe(true);
    await clock.advance(600_000);
    expect(await kinds(guard, 80)).toEqual(['held']);
  });
});
