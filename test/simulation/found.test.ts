import { describe, expect, test } from 'vitest';
import type { Plan, Strike } from './plan.ts';
import { runSchedule } from './run.ts';

const QUIET: Omit<Plan, 'strikes'> = {
  daemons: 1,
  apiBudget: 1_000,
  guard: { share: 1, min: 100 },
  driftMinMs: 5_000,
  smallPages: false,
  deleteGraceMs: 0,
  libraries: false,
  leastFaults: 0,
  lastsMs: 30_000,
};
const want = (at: number, n: number): Strike => ({ at, kind: 'want', n, m: 0 });

/** Runs a plan with several interleavings; returns what went wrong in any of them. */
async function problems(strikes: readonly Strike[], over: Partial<Plan> = {}, seeds = 10): Promise<string[]> {
  const found: string[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { problem } = await runSchedule(seed, { plan: { ...QUIET, ...over, strikes } });
    if (problem !== null) found.push(`${seed}: ${problem}`);
  }
  return found;
}

describe('what the simulation has found stays mended', () => {
  test('names whose reading was committed, but not answered', async () => {
    const lost: Strike = { at: 9_000, kind: 'database call', point: 'source.write', effect: 'fail after' };
    expect(await problems([lost, want(10_000, 0)])).toEqual([]);
  });

  test.each(['fail before', 'fail after'] as const)(
    'the end of an operation that could not be written (%s)',
    async (effect) => {
      const lost: Strike = { at: 9_000, kind: 'database call', point: 'operations.finish', effect };
      expect(await problems([want(5_000, 0), lost, { at: 10_000, kind: 'sync' }])).toEqual([]);
    },
  );

  test('an operation whose taking was not answered', async () => {
    const lost: Strike = { at: 9_000, kind: 'database call', point: 'operations.take', effect: 'fail after' };
    expect(await problems([want(5_000, 0), { at: 10_000, kind: 'sync' }, lost])).toEqual([]);
  });

  test('an operation whose process was paused, and that its successor ended', async () => {
    const paused: Strike = { at: 9_000, kind: 'database call', point: 'ledger.survey', effect: 'pause after' };
    expect(await problems([want(5_000, 0), paused, { at: 9_001, kind: 'sync' }], { daemons: 2 })).toEqual([]);
  });

  test('deletions that are made while somebody asks for a plan', async () => {
    const slow = (at: number, point: string, ms: number): Strike => ({
      ...{ at, kind: 'database call', effect: 'slow after' },
      ...{ point, ms },
    });
    const unwant = (n: number): Strike => ({ at: 9_000, kind: 'unwant', n, m: 0 });
    // Two zones: while the guard judges the names of the first one, those of the second go.
    const made = [slow(8_998, 'ledger.begin', 2_000), slow(8_999, 'ledger.begin', 2_000), unwant(0), unwant(5)];
    const asked: Strike[] = [slow(9_499, 'ledger.deletions', 4_000), { at: 9_500, kind: 'plan and confirm' }];
    expect(await problems([...[0, 1, 5].map((n) => want(3_500, n)), ...made, ...asked])).toEqual([]);
  });

  test('a name that a plan would delete, and that is wanted again by the time it is made', async () => {
    const slow: Strike = { at: 9_001, kind: 'database call', point: 'ledger.survey', effect: 'slow after', ms: 7_000 };
    const strikes: Strike[] = [
      ...[0, 1, 2].map((n) => want(3_500, n)),
      ...[0, 1].map((n): Strike => ({ at: 7_000, kind: 'unwant', n, m: 0 })),
      ...[slow, { at: 9_050, kind: 'plan and confirm' } as const, want(12_000, 0)],
      // While the plan is judged.
      { at: 14_000, kind: 'database call', point: 'source.consumers', effect: 'fail after' },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 } })).toEqual([]);
  });

  test('records that made place for some of another type, before a deletion', async () => {
    const wanted = [0, 1, 2].map((n) => want(3_500, n));
    const cname = [0, 1, 2].map((n): Strike => ({ at: 9_000 + n, kind: 'retarget', n, m: 175 }));
    const strikes = [...wanted, ...cname, { at: 20_000, kind: 'unwant', n: 0, m: 0 } as const];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, lastsMs: 25_000 })).toEqual([]);
  });

  test('names without a record that vanish before their zone is seen', async () => {
    const late = [0, 1, 2].map((at): Strike => ({ at, kind: 'api call', point: 'list_records', effect: 'late' }));
    const unwant = (at: number, n: number): Strike => ({ at, kind: 'unwant', n, m: 0 });
    const wanted = [0, 1, 2, 3].map((n) => want(3_500, n));
    const strikes = [...late, ...wanted, unwant(3_800, 2), unwant(3_801, 3), unwant(50_000, 0)];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, lastsMs: 55_000 })).toEqual([]);
  });

  test('an update whose answer was lost, of a record beside which another one is made then', async () => {
    const lost: Strike = { at: 9_000, kind: 'api call', point: 'batch', effect: 'truncated' };
    const retarget = (at: number, m: number): Strike => ({ at, kind: 'retarget', n: 0, m });
    expect(await problems([want(5_000, 0), lost, retarget(9_001, 90), retarget(9_600, 190)])).toEqual([]);
  });

  test('a list that does not show a record of ours', async () => {
    const stale: Strike = { at: 9_000, kind: 'api call', point: 'list_records', effect: 'stale' };
    expect(await problems([want(8_900, 0), stale, { ...stale, at: 9_100 }])).toEqual([]);
  });

  test('a deletion that somebody ordered, of a record that a person was quicker to delete', async () => {
    const order: Strike = { at: 12_000, kind: 'delete order', n: 0, force: true };
    expect(await problems([want(5_000, 0), { at: 11_999, kind: 'delete', n: 0 }, order])).toEqual([]);
  });

  test('a sync that reads a change of which nobody was notified, and ends early', async () => {
    const deaf: Strike = { at: 9_000, kind: 'notifications', how: 'lost', ms: 20_000 };
    expect(await problems([deaf, want(10_000, 0), { at: 10_500, kind: 'plan and confirm' }])).toEqual([]);
  });

  test('a record that is tracked when its consumer has gone already does not outlive the grace', async () => {
    const lost: Strike = { at: 9_000, kind: 'api call', point: 'batch', effect: 'lost after' };
    const strikes: Strike[] = [want(5_000, 1), lost, want(9_500, 0), { at: 9_700, kind: 'unwant', n: 0, m: 0 }];
    expect(await problems(strikes, { deleteGraceMs: 20_000 })).toEqual([]);
  });

  test('a zone that is seen while the state that says why it was not is on its way', async () => {
    const strikes: Strike[] = [
      { at: 400, kind: 'api call', point: 'list_records', effect: 'limited' },
      { at: 400, kind: 'api call', point: 'list_records', effect: 'limited' },
      { at: 400, kind: 'api call', point: 'list_records', effect: 'limited' },
      { at: 400, kind: 'database call', point: 'ledger.setStates', effect: 'slow before' },
    ];
    expect(await problems([want(100, 0), want(200, 5), want(300, 8), ...strikes])).toEqual([]);
  });

  test('a name that is wanted no more while an order for it waits for its zone', async () => {
    const strikes: Strike[] = [
      { at: 100, kind: 'crash', daemon: 0, ms: 0 },
      { at: 200, kind: 'adopt order', n: 6, force: true },
      { at: 300, kind: 'unwant', n: 6, m: 0 },
    ];
    expect(await problems([want(50, 6), ...strikes])).toEqual([]);
  });

  test('a state that a crash of the database took back', async () => {
    const held = { guard: { share: 0.25, min: 1 } };
    const wanted = [0, 1, 2, 3, 4].map((n) => want(5_000 + n, n));
    const unwanted = [0, 1].map((n): Strike => ({ at: 12_000, kind: 'unwant', n, m: 0 }));
    const crash: Strike = { at: 12_500, kind: 'database crash' };
    expect(await problems([...wanted, ...unwanted, crash], held)).toEqual([]);
  });

  test('a deletion that takes effect long after nobody waits for it any more', async () => {
    const strikes: Strike[] = [
      ...[0, 1, 2, 3].map((n) => want(5_000 + n, n)),
      { at: 11_000, kind: 'api call', point: 'batch', effect: 'late' },
      { at: 12_000, kind: 'unwant', n: 0, m: 0 },
      { at: 14_000, kind: 'want', n: 0, m: 0 },
      { at: 16_000, kind: 'unwant', n: 1, m: 0 },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 } })).toEqual([]);
  });

  test('a deletion that a look finds out about while the guard counts', async () => {
    const strikes: Strike[] = [
      ...[0, 1, 4].map((n) => want(5_000 + n, n)),
      { at: 15_000, kind: 'api call', point: 'batch', effect: 'truncated' },
      { at: 20_000, kind: 'unwant', n: 4, m: 0 },
      { at: 20_200, kind: 'database call', point: 'ledger.deletions', effect: 'slow after' },
      { at: 20_201, kind: 'unwant', n: 0, m: 0 },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, driftMinMs: 15_000 }, 100)).toEqual([]);
  });

  test('a deletion whose settlement was not answered while the guard counts', async () => {
    const strikes: Strike[] = [
      ...[0, 1, 2, 3, 4].map((n) => want(5_000 + n, n)),
      { at: 19_900, kind: 'database call', point: 'ledger.settle', effect: 'fail after' },
      { at: 20_000, kind: 'unwant', n: 0, m: 0 },
      { at: 20_110, kind: 'database call', point: 'ledger.deletions', effect: 'slow after' },
      { at: 20_111, kind: 'unwant', n: 2, m: 0 },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, driftMinMs: 15_000 }, 100)).toEqual([]);
  });

  test('a change that nobody was told of, of a name that is being worked on', async () => {
    const strikes: Strike[] = [
      ...[0, 1].map((n) => want(5_000 + n, n)),
      { at: 11_900, kind: 'database call', point: 'source.consumers', effect: 'slow after' },
      { at: 12_000, kind: 'unwant', n: 0, m: 0 },
      { at: 12_900, kind: 'database call', point: 'source.write', effect: 'fail after' },
      { at: 13_000, kind: 'want', n: 0, m: 0 },
    ];
    expect(await problems(strikes)).toEqual([]);
  });

  test('a change whose notification is lost is found before a resync', async () => {
    const lost: Strike = { at: 9_000, kind: 'notifications', how: 'lost', ms: 20_000 };
    expect(await problems([want(5_000, 0), lost, want(10_000, 1)])).toEqual([]);
  });

  test('a refused adoption whose look shows a record of ours that an outdated list had hidden', async () => {
    const stale: Strike = { at: 12_000, kind: 'api call', point: 'list_records', effect: 'stale' };
    const strikes: Strike[] = [
      want(5_000, 1),
      want(6_000, 0),
      // The guard lets one deletion through; the other is held.
      { at: 9_000, kind: 'unwant', n: 1, m: 0 },
      { at: 10_500, kind: 'unwant', n: 0, m: 0 },
      ...[stale, stale, stale],
      { at: 12_001, kind: 'sync' },
      { at: 14_000, kind: 'adopt order', n: 0, force: true },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, driftMinMs: 15_000 }, 100)).toEqual([]);
  });

  test('a change that is taken back unheard, of a name whose run ends while all is being compared', async () => {
    const strikes: Strike[] = [
      { at: 9_500, kind: 'database call', point: 'ledger.survey', effect: 'slow after', ms: 8_000 },
      { at: 10_000, kind: 'database call', point: 'ledger.begin', effect: 'slow after', ms: 1_300 },
      { at: 10_001, kind: 'want', n: 4, m: 0 },
      { at: 10_400, kind: 'database call', point: 'source.write', effect: 'fail after' },
      { at: 10_401, kind: 'unwant', n: 4, m: 0 },
    ];
    expect(await problems(strikes, { driftMinMs: 15_000 })).toEqual([]);
  });

  test('a deletion on its way whose name is wanted again, when another is judged', async () => {
    const strikes: Strike[] = [
      ...[0, 1].map((n) => want(5_000 + n, n)),
      { at: 10_000, kind: 'database call', point: 'ledger.begin', effect: 'slow after', ms: 2_000 },
      { at: 10_001, kind: 'unwant', n: 0, m: 0 },
      { at: 10_500, kind: 'sync' },
      { at: 10_550, kind: 'database call', point: 'source.write', effect: 'fail after' },
      { at: 10_551, kind: 'want', n: 0, m: 0 },
      { at: 11_000, kind: 'sync' },
      { at: 11_500, kind: 'unwant', n: 1, m: 0 },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, driftMinMs: 15_000 }, 40)).toEqual([]);
  });

  test('a deletion that is being judged when a sync finds its name wanted again', async () => {
    const strikes: Strike[] = [
      ...[0, 1].map((n) => want(5_000 + n, n)),
      // The one deletion of this hour.
      { at: 9_000, kind: 'unwant', n: 1, m: 0 },
      { at: 12_000, kind: 'database call', point: 'source.consumers', effect: 'slow after', ms: 3_000 },
      { at: 12_001, kind: 'unwant', n: 0, m: 0 },
      { at: 12_300, kind: 'sync' },
      { at: 12_400, kind: 'want', n: 0, m: 0 },
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 }, driftMinMs: 15_000 }, 40)).toEqual([]);
  });

  test('a foreign record that a list of several pages misses while a record before it is deleted', async () => {
    const strikes: Strike[] = [
      ...[0, 1, 2, 3, 4].map((n) => want(5_000 + n, n)),
      { at: 8_000, kind: 'foreign', n: 2, m: 0 },
      ...Array.from({ length: 20 }, (_, i): Strike[] => [
        { at: 15_000 + i * 2_500, kind: 'sync' },
        // In the middle of its pages, in some of the interleavings.
        { at: 15_060 + i * 2_500, kind: 'delete', n: 0 },
      ]).flat(),
    ];
    const plan = { ...QUIET, smallPages: true, lastsMs: 66_000, strikes };
    for (let seed = 1; seed <= 20; seed++) {
      const { trace } = await runSchedule(seed, { plan, trace: true });
      const states = trace.filter((line) => / n2\.example\.com is (conflict|in_sync)/.test(line));
      expect(states.map((line) => line.replace(/:.*/, '').slice(-8))).toEqual(['conflict']);
    }
  });

  test('an outdated list shows a record that is gone, while another takes its place', async () => {
    const strikes: Strike[] = [
      ...[0, 1].map((n) => want(5_000 + n, n)),
      { at: 12_000, kind: 'delete', n: 0 },
      { at: 12_001, kind: 'database call', point: 'ledger.begin', effect: 'slow after', ms: 2_000 },
      { at: 12_002, kind: 'sync' },
      ...[1, 2, 3].map((): Strike => ({ at: 13_000, kind: 'api call', point: 'list_records', effect: 'stale' })),
      { at: 13_001, kind: 'sync' },
    ];
    expect(await problems(strikes, { guard: { share: 0, min: 0 }, driftMinMs: 15_000 }, 40)).toEqual([]);
  });

  test('zones that cannot be listed for long: names say why, and come back', async () => {
    const away: Strike = { at: 0, kind: 'api call', point: 'list_zones', effect: 'status 500' };
    const plan = { ...QUIET, lastsMs: 60_000, strikes: [...Array(9).fill(away), want(1_000, 0)] };
    const { problem, trace } = await runSchedule(1, { plan, trace: true });
    expect(problem).toBeNull();
    const states = trace.filter((line) => / n0\.example\.com is /.test(line)).map((line) => line.slice(25));
    expect(states).toEqual([
      expect.stringMatching(/^n0.example.com is failed: Cloudflare answered 500/),
      'n0.example.com is in_sync',
    ]);
  });

  test('a look that makes sure of one record shows another that outdated lists have hidden', async () => {
    const stale = (at: number): Strike => ({ at, kind: 'api call', point: 'list_records', effect: 'stale' });
    const strikes: Strike[] = [
      ...[0, 1, 2].map((n) => want(5_000 + n, n)),
      { at: 12_000, kind: 'api call', point: 'batch', effect: 'lost after' },
      { at: 12_000, kind: 'delete', n: 0 },
      { at: 12_001, kind: 'database call', point: 'ledger.begin', effect: 'slow after', ms: 1_900 },
      { at: 12_002, kind: 'sync' },
      // The look that is to tell what became of the create does not show it.
      stale(13_200),
      { at: 13_300, kind: 'database call', point: 'ledger.begin', effect: 'slow after', ms: 6_000 },
      { at: 13_400, kind: 'retarget', n: 0, m: 57 },
      // And while the next one is on its way, lists show what was before all this.
      ...[0, 1, 2].map(() => stale(16_000)),
      { at: 16_001, kind: 'sync' },
    ];
    expect(await problems(strikes, { driftMinMs: 15_000 }, 100)).toEqual([]);
  });

  test('a host that is suspended while its call waits for the ledger, and goes on when another process leads', async () => {
    const strikes: Strike[] = [
      { at: 9_000, kind: 'database call', point: 'ledger.begin', effect: 'pause after' },
      { at: 9_001, kind: 'database call', point: 'leader.renew', effect: 'fail before' },
      want(10_500, 4),
    ];
    // Whether its host is suspended, too, is drawn.
    expect(await problems(strikes, { daemons: 2 }, 60)).toEqual([]);
  });

  test('the grace of a deletion, while the wall clock of the process is off', async () => {
    const jumps = [-3_600_000, 86_400_000].map((ms): Strike[] => [
      want(5_000, 0),
      want(5_001, 1),
      { at: 10_000, kind: 'clock jumps', daemon: 0, ms },
      { at: 12_000, kind: 'unwant', n: 0, m: 0 },
    ]);
    for (const strikes of jumps) expect(await problems(strikes, { deleteGraceMs: 20_000 })).toEqual([]);
  });

  test('a refused adoption of a record whose deletion waits for its grace', async () => {
    const strikes: Strike[] = [
      want(5_000, 0),
      want(5_001, 1),
      { at: 12_000, kind: 'unwant', n: 0, m: 0 },
      { at: 15_000, kind: 'adopt order', n: 0, force: true },
    ];
    expect(await problems(strikes, { deleteGraceMs: 20_000 })).toEqual([]);
  });

  test('a report of a change after which the state of the name could not be stored', async () => {
    const strikes: Strike[] = [
      want(5_000, 0),
      { at: 8_000, kind: 'broken target', n: 0, m: 0 },
      { at: 11_000, kind: 'notifications', how: 'lost', ms: 5_000 },
      { at: 11_001, kind: 'retarget', n: 0, m: 5 },
      { at: 11_002, kind: 'database call', point: 'ledger.setStates', effect: 'fail before' },
      { at: 11_003, kind: 'sync' },
    ];
    expect(await problems(strikes, {}, 40)).toEqual([]);
  });

  test('a deletion that was let through in the course of a confirmed sync counts as any other', async () => {
    const unwant = (at: number, n: number): Strike => ({ at, kind: 'unwant', n, m: 0 });
    const strikes: Strike[] = [
      ...[0, 1, 2, 3, 4].map((n) => want(5_000 + n, n)),
      unwant(9_000, 0),
      unwant(9_000, 1),
      { at: 10_500, kind: 'plan and confirm' },
      { at: 11_600, kind: 'database call', point: 'ledger.facts', effect: 'slow after', ms: 2_500 },
      { at: 11_601, kind: 'retarget', n: 2, m: 150 },
      unwant(13_000, 2),
      unwant(20_000, 3),
    ];
    expect(await problems(strikes, { guard: { share: 0.25, min: 1 } }, 40)).toEqual([]);
  });

  test('a zone that could not be looked at for minutes', async () => {
    const html: Strike = { at: 10_000, kind: 'api call', point: 'list_records', effect: 'html' };
    const strikes: Strike[] = [want(5_000, 0), ...Array(40).fill(html), { at: 225_000, kind: 'delete', n: 0 }];
    expect(await problems(strikes, { lastsMs: 230_000 })).toEqual([]);
  });
});

test('a seed tells the same story twice', async () => {
  const [one, two] = [await runSchedule(12, { trace: true }), await runSchedule(12, { trace: true })];
  expect(one.trace.length).toBeGreaterThan(100);
  expect(two.trace).toEqual(one.trace);
});
