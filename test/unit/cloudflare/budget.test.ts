import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiBudget, type BudgetOptions, LOT_COUNTS_MS } from '../../../src/cloudflare/budget.ts';
import type { Limiter } from '../../../src/cloudflare/limiter.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';
import { FakeSpendLog, limiterClock } from './virtual-budget.ts';

let clock: VirtualClock;
let log: FakeSpendLog;

beforeEach(() => {
  // Bottleneck's own timers, all of them of no length, run between two moments of virtual time.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  clock = limiterClock();
  log = new FakeSpendLog(clock);
});

afterEach(() => {
  vi.useRealTimers();
});

async function started(options: Partial<BudgetOptions> = {}): Promise<ApiBudget> {
  const budget = new ApiBudget({ limit: 10, clock, log, ...options });
  await budget.start();
  return budget;
}

/** Calls that end at once (or after `ms`); remembers when each left. */
function calls(budget: Limiter, count: number, options: { ms?: number; priority?: number; signal?: AbortSignal } = {}) {
  const left: number[] = [];
  const { ms = 0, ...rest } = options;
  const done = Promise.allSettled(
    Array.from({ length: count }, () =>
      budget.run(async () => {
        left.push(clock.now());
        if (ms > 0) await new Promise<void>((resolve) => clock.after(ms, resolve));
      }, rest),
    ),
  );
  return { left, done };
}

const headers = (ratelimit: string) => new Headers({ ratelimit });

describe('the limit', () => {
  test('may leave in one burst; the next call leaves when the first counts no more', async () => {
    const budget = await started();
    const { left, done } = calls(budget, 12);
    await clock.advance(300_999);
    expect(left).toHaveLength(10);
    expect(budget.remaining()).toBe(0);
    expect(budget.waiting).toBe(2);
    await clock.advance(1);
    expect(left.slice(10)).toEqual([301_000, 301_000]);
    await done;
  });

  test('a call counts for 5 minutes after it ended, not after it left', async () => {
    const budget = await started({ limit: 1 });
    const { left } = calls(budget, 2, { ms: 20_000 });
    await clock.advance(320_999);
    expect(left).toEqual([0]);
    await clock.advance(1);
    expect(left).toEqual([0, 321_000]);
  });

  test('a call that fails counts like any other, and what it threw comes out', async () => {
    const budget = await started();
    const failing = budget.run(() => Promise.reject(new Error('no luck')));
    const rejected = expect(failing).rejects.toThrow('no luck');
    await clock.advance(0);
    await rejected;
    expect(budget.spentInWindow()).toBe(1);
  });

  test('comes back in full: a hundred windows later, a burst is as large as the first', async () => {
    const budget = await started();
    for (let round = 0; round < 100; round++) {
      const { left } = calls(budget, 10, { ms: 100 });
      await clock.advance(302_000);
      expect(left).toHaveLength(10);
      expect(left.every((at) => at < clock.now() - 300_000)).toBe(true);
    }
    expect(budget.spentInWindow()).toBe(0);
  });

  test('holds no more than eight calls at once', async () => {
    const budget = await started({ limit: 100 });
    let under = 0;
    let most = 0;
    for (let index = 0; index < 30; index++) {
      void budget.run(async () => {
        most = Math.max(most, ++under);
        await new Promise<void>((resolve) => clock.after(250, resolve));
        under -= 1;
      });
    }
    await clock.advance(1_000);
    expect(most).toBe(8);
    expect(budget.spentInWindow()).toBe(30);
  });

  test('is a whole number of calls', () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) expect(() => new ApiBudget({ limit, clock, log })).toThrow();
  });
});

describe('the line', () => {
  test('lets the most urgent go first, and equals in the order in which they came', async () => {
    const budget = await started({ limit: 1 });
    calls(budget, 1);
    await clock.advance(0);
    const order: string[] = [];
    const asked = [5, 9, 0, 5, 3, 0].map((priority, index) =>
      budget.run(async () => order.push(`${priority}.${index}`), { priority }),
    );
    await clock.advance(6 * 302_000);
    await Promise.all(asked);
    expect(order).toEqual(['0.2', '0.5', '3.4', '5.0', '5.3', '9.1']);
  });

  test('who gives up leaves at once, and the turn serves the next', async () => {
    const budget = await started({ limit: 1 });
    calls(budget, 1);
    await clock.advance(0);
    const giveUp = new AbortController();
    const urgent = calls(budget, 3, { priority: 0, signal: giveUp.signal });
    const patient = calls(budget, 1, { priority: 9 });
    await clock.advance(1_000);
    expect(budget.waiting).toBe(4);
    giveUp.abort(new Error('we stop'));
    expect((await urgent.done).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(budget.waiting).toBe(1);
    await clock.advance(300_000);
    expect(patient.left).toEqual([301_000]);
    expect(urgent.left).toEqual([]);
    expect(budget.spentInWindow()).toBe(1);
    await clock.advance(301_000);
    expect(budget.remaining()).toBe(1);
  });

  test('who had given up before is not let in', async () => {
    const budget = await started();
    const { left, done } = calls(budget, 1, { signal: AbortSignal.abort(new Error('we stop')) });
    await clock.advance(1_000);
    expect(await done).toMatchObject([{ status: 'rejected' }]);
    expect([left.length, budget.spentInWindow(), budget.waiting]).toEqual([0, 0, 0]);
  });

  test('giving up a thousand times in a row costs nothing', async () => {
    const budget = await started({ limit: 1 });
    calls(budget, 1);
    await clock.advance(0);
    for (let round = 0; round < 1_000; round++) {
      const giveUp = new AbortController();
      const { done } = calls(budget, 1, { signal: giveUp.signal });
      giveUp.abort(new Error('we stop'));
      await done;
    }
    const { left } = calls(budget, 1);
    await clock.advance(301_000);
    expect(left).toHaveLength(1);
  });

  test('a call that is not admitted when its turn comes costs nothing', async () => {
    const budget = await started({ limit: 1 });
    let made = false;
    const refused = budget.run(async () => (made = true), {
      admit: () => {
        throw new Error('too late');
      },
    });
    const rejected = expect(refused).rejects.toThrow('too late');
    await clock.advance(0);
    await rejected;
    expect([made, budget.remaining()]).toEqual([false, 1]);
    const { left } = calls(budget, 1);
    await clock.advance(0);
    expect(left).toHaveLength(1);
  });

  test('has an end', async () => {
    const budget = await started({ limit: 1 });
    calls(budget, 1);
    await clock.advance(0);
    const { done } = calls(budget, 5_001);
    budget.stop();
    const reasons = (await done).flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons.filter(({ code }) => code === 'cloudflare_limited')).toHaveLength(1);
    expect(reasons.filter(({ code }) => code === 'shutting_down')).toHaveLength(5_000);
  });
});

describe('ready', () => {
  test('resolves at once while the budget is not spent, and spends nothing', async () => {
    const budget = await started({ limit: 2 });
    await budget.ready();
    await clock.advance(1_000);
    expect(budget.remaining()).toBe(2);
  });

  test('lets no more go than there are turns, and who was ready before goes first', async () => {
    const budget = await started({ limit: 2 });
    calls(budget, 2);
    await clock.advance(0);
    const ready: number[] = [];
    const left: number[] = [];
    for (let writer = 0; writer < 6; writer++) {
      void budget.ready().then(async () => {
        ready.push(writer);
        await new Promise<void>((resolve) => clock.after(50, resolve));
        await budget.run(async () => left.push(writer));
      });
    }
    await clock.advance(301_500);
    expect([ready, left]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    await clock.advance(303_000);
    expect(left).toEqual([0, 1, 2, 3]);
    await clock.advance(303_000);
    expect(left).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('waits for the gate and can be given up', async () => {
    const budget = await started();
    budget.limited(60_000);
    let ready = false;
    const giveUp = new AbortController();
    const waiting = expect(budget.ready({ signal: giveUp.signal })).rejects.toThrow('we stop');
    void budget.ready().then(() => {
      ready = true;
    });
    await clock.advance(59_999);
    giveUp.abort(new Error('we stop'));
    await waiting;
    expect(ready).toBe(false);
    await clock.advance(1);
    expect(ready).toBe(true);
    await clock.advance(1_000);
    expect(budget.remaining()).toBe(10);
  });
});

describe('the gate', () => {
  test('closes for all until Retry-After is over; then they go on', async () => {
    const limits: number[] = [];
    const budget = await started({ limit: 100, onLimited: (ms) => limits.push(ms) });
    budget.limited(42_000);
    const { left, done } = calls(budget, 20);
    await clock.advance(41_999);
    expect(left).toEqual([]);
    expect(budget.gateClosedUntil).toBe(42_000);
    await clock.advance(1);
    await done;
    expect(left).toEqual(Array(20).fill(42_000));
    expect(budget.gateClosedUntil).toBe(null);
    expect(limits).toEqual([42_000]);
  });

  test('closes for 5 minutes where Cloudflare does not say, and never opens early for a shorter word', async () => {
    const budget = await started();
    budget.limited(undefined);
    budget.limited(1_000);
    expect(budget.gateClosedUntil).toBe(300_000);
    budget.limited(1e9);
    expect(budget.gateClosedUntil).toBe(600_000);
  });

  test('who gives up in front of it leaves at once, and spends nothing', async () => {
    const budget = await started();
    budget.limited(60_000);
    const giveUp = new AbortController();
    const { left, done } = calls(budget, 20, { signal: giveUp.signal });
    await clock.advance(1_000);
    giveUp.abort(new Error('we stop'));
    expect((await done).every(({ status }) => status === 'rejected')).toBe(true);
    await clock.advance(60_000);
    expect([left.length, budget.remaining()]).toEqual([0, 10]);
  });
});

describe('what answers tell', () => {
  test('where fewer are left than we think, the difference is gone until Cloudflare gives it back', async () => {
    const budget = await started({ limit: 100 });
    budget.learn(headers('"default";r=3;t=30'));
    expect(budget.remaining()).toBe(3);
    const { left } = calls(budget, 10);
    await clock.advance(30_999);
    expect(left).toHaveLength(3);
    await clock.advance(1);
    expect(left).toHaveLength(10);
    await clock.advance(301_000);
    expect(budget.remaining()).toBe(100);
  });

  test('more than we think is no reason to send more', async () => {
    const budget = await started();
    budget.learn(headers('"default";r=1199;t=300'));
    expect(budget.remaining()).toBe(10);
  });

  test('the same word again changes nothing; calls under way may not be in it yet', async () => {
    const budget = await started({ limit: 100 });
    const { left } = calls(budget, 4, { ms: 1_000 });
    await clock.advance(0);
    expect(left).toHaveLength(4);
    budget.learn(headers('"default";r=20;t=30'));
    expect(budget.remaining()).toBe(17);
    budget.learn(headers('"default";r=20;t=30'));
    expect(budget.remaining()).toBe(17);
  });

  test.each(['', 'nonsense', '"default"', '"default";r=x;t=3', '"default";r=3', 'r=3;t=3'])(
    '%j tells nothing',
    async (text) => {
      const budget = await started();
      budget.learn(headers(text));
      expect(budget.remaining()).toBe(10);
    },
  );

  test('of several limits the tightest holds', async () => {
    const budget = await started({ limit: 100 });
    budget.learn(headers('"default";r=50;t=30, "burst";r=2;t=1'));
    expect(budget.remaining()).toBe(2);
    await clock.advance(2_000);
    expect(budget.remaining()).toBe(50);
    await clock.advance(29_000);
    expect(budget.remaining()).toBe(100);
  });
});

describe('the log', () => {
  test('is written before a call leaves, once for many calls', async () => {
    const budget = await started({ limit: 1_000 });
    const { left, done } = calls(budget, 1_000);
    await clock.advance(0);
    await done;
    expect(left).toHaveLength(1_000);
    expect(log.reserved).toBeGreaterThanOrEqual(1_000);
    expect(log.statements).toBeLessThanOrEqual(3 + 1_000 / 25 + 1);
  });

  test('nothing leaves while it cannot be written: the calls fail, and cost nothing', async () => {
    const budget = await started();
    log.broken = new Error('no database');
    const { left, done } = calls(budget, 3);
    await clock.advance(0);
    expect(await done).toMatchObject(Array(3).fill({ status: 'rejected', reason: { message: 'no database' } }));
    expect([left.length, budget.remaining()]).toEqual([0, 10]);
    log.broken = null;
    const later = calls(budget, 3);
    await clock.advance(0);
    expect(later.left).toHaveLength(3);
  });

  test('a few calls reserve few, and an old reservation is not used', async () => {
    const budget = await started({ limit: 1_000 });
    for (let round = 0; round < 5; round++) {
      calls(budget, 2);
      await clock.advance(30_000);
    }
    expect([log.statements, log.reserved]).toEqual([5, 25]);
  });

  test('a reservation from before the host was suspended is not used', async () => {
    const budget = await started({ limit: 1_000 });
    calls(budget, 2);
    await clock.advance(1_000);
    clock.setWall(600_000);
    calls(budget, 2);
    await clock.advance(1_000);
    expect([log.statements, log.reserved]).toEqual([2, 10]);
  });

  test('a reservation that comes too late is not used; when that goes on, the call fails', async () => {
    const budget = await started();
    log.delayMs = 31_000;
    const { left, done } = calls(budget, 1);
    await clock.advance(100_000);
    expect(await done).toMatchObject([{ status: 'rejected', reason: { code: 'database_failed' } }]);
    expect(left).toEqual([]);
  });

  test('who starts anew counts all that its predecessor had reserved', async () => {
    const first = await started({ limit: 100, lotCalls: 25 });
    calls(first, 12);
    await clock.advance(0);
    const reserved = log.reserved;
    expect(reserved).toBeGreaterThan(12);
    const second = await started({ limit: 100 });
    expect(second.remaining()).toBe(100 - reserved);
    await clock.advance(LOT_COUNTS_MS + 1_000);
    expect(second.remaining()).toBe(100);
  });

  test('calls wait until it was read', async () => {
    const budget = new ApiBudget({ limit: 10, clock, log });
    const { left } = calls(budget, 2);
    await clock.advance(1_000);
    expect([left.length, budget.remaining(), budget.waiting]).toEqual([0, 0, 2]);
    await budget.start();
    await clock.advance(0);
    expect(left).toHaveLength(2);
  });

  test('is read again by who takes over: its own calls are not counted twice for long', async () => {
    const budget = await started({ limit: 100 });
    calls(budget, 3);
    const { left } = calls(budget, 4, { ms: 10_000 });
    await clock.advance(1_000);
    await budget.start();
    expect(budget.remaining()).toBe(100 - 4 - log.reserved);
    await clock.advance(9_000);
    expect(budget.remaining()).toBe(100 - log.reserved);
    expect(left).toHaveLength(4);
    await clock.advance(LOT_COUNTS_MS);
    expect(budget.remaining()).toBe(100);
  });

  test('a start that cannot read it changes nothing', async () => {
    const budget = await started();
    calls(budget, 4);
    await clock.advance(0);
    log.broken = new Error('no database');
    await expect(budget.start()).rejects.toThrow('no database');
    expect(budget.spentInWindow()).toBe(4);
  });
});

describe('a clock that is set', () => {
  test('back by an hour does not hold up a call', async () => {
    let wall = Date.UTC(2025, 0, 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: wall });
    const set = { now: () => clock.now(), wall: () => wall, after: clock.after.bind(clock) };
    const budget = await started({ clock: set });
    calls(budget, 3);
    await clock.advance(1_000);
    wall -= 3_600_000;
    vi.setSystemTime(wall);
    const { left } = calls(budget, 9);
    await clock.advance(0);
    expect(left).toHaveLength(7);
    expect(vi.getMockedSystemTime()?.getTime()).toBe(wall);
    await clock.advance(301_000);
    expect(left).toHaveLength(9);
  });
});

describe('stopping', () => {
  test('turns away who waits and who comes, leaves no timer, and lets a call under way end', async () => {
    const budget = await started({ limit: 2 });
    let ended = false;
    const under = budget.run(async () => {
      await new Promise<void>((resolve) => clock.after(5_000, resolve));
      ended = true;
    });
    await clock.advance(0);
    budget.limited(60_000);
    const waiting = calls(budget, 3);
    await clock.advance(0);
    budget.stop();
    expect((await waiting.done).map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
      Array(3).fill('shutting_down'),
    );
    await expect(budget.run(async () => 1)).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(budget.ready()).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(budget.start()).rejects.toMatchObject({ code: 'shutting_down' });
    await clock.advance(5_000);
    await under;
    expect(ended).toBe(true);
    expect(clock.pending).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
