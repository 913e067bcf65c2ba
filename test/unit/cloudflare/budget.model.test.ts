import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiBudget } from '../../../src/cloudflare/budget.ts';
import { MAX_CALL_MS } from '../../../src/cloudflare/limiter.ts';
import { seededRandom } from '../../support/virtual-clock.ts';
import { FakeSpendLog, limiterClock } from './virtual-budget.ts';

const WINDOW_MS = 300_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

type Step =
  | { readonly kind: 'burst'; readonly calls: number; readonly maxMs: number; readonly abortAfterMs: number | null }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'take over' }
  | { readonly kind: 'ready'; readonly count: number }
  | { readonly kind: 'block'; readonly ms: number }
  | { readonly kind: 'word'; readonly left: number; readonly seconds: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('burst' as const),
      calls: fc.integer({ min: 1, max: 60 }),
      maxMs: fc.constantFrom(0, 500, MAX_CALL_MS),
      abortAfterMs: fc.option(fc.nat(20_000)),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2_000), fc.nat(400_000)) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'take over' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ready' as const), count: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('block' as const), ms: fc.integer({ min: 1, max: 60_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('word' as const), left: fc.nat(50), seconds: fc.nat(300) }) },
);

/** Cloudflare, which counts a call some time between when it left and when it was answered. */
class Cloudflare {
  readonly arrivals: number[] = [];

  /** The most calls in any 300 s. */
  get most(): number {
    const sorted = this.arrivals.toSorted((a, b) => a - b);
    let first = 0;
    let most = 0;
    for (const [index, at] of sorted.entries()) {
      while ((sorted[first] ?? at) <= at - WINDOW_MS) first += 1;
      most = Math.max(most, index - first + 1);
    }
    return most;
  }
}

test('whatever happens, no 5 minutes hold more calls than the limit; and in peace all of it can be used', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 3, maxLength: 25 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 25 }),
      fc.integer(),
      async (steps, limit, lotCalls, seed) => {
        const clock = limiterClock();
        const random = seededRandom(seed);
        const log = new FakeSpendLog(clock);
        const cloudflare = new Cloudflare();
        /** One life of the process: when it is killed, nothing of it leaves any more. */
        const live = async () => {
          const life = { alive: true };
          const budget = new ApiBudget({
            limit,
            clock,
            lotCalls,
            log: {
              reserve: (calls) => (life.alive ? log.reserve(calls) : new Promise(() => {})),
              outstanding: (withinMs) => log.outstanding(withinMs),
            },
          });
          await budget.start();
          return { life, budget };
        };
        const call = (process: Awaited<ReturnType<typeof live>>, maxMs: number) => async () => {
          if (!process.life.alive) return;
          const ms = random() * maxMs;
          // Also when the process is killed meanwhile: it is on its way.
          clock.after(random() * ms, () => cloudflare.arrivals.push(clock.now()));
          await new Promise<void>((resolve) => clock.after(ms, resolve));
        };
        let process = await live();
        for (const step of steps) {
          const { budget } = process;
          switch (step.kind) {
            case 'burst': {
              const giveUp = new AbortController();
              for (let index = 0; index < step.calls; index++) {
                const priority = Math.floor(random() * 10);
                budget.run(call(process, step.maxMs), { priority, signal: giveUp.signal }).catch(() => {});
              }
              if (step.abortAfterMs !== null) clock.after(step.abortAfterMs, () => giveUp.abort());
              break;
            }
            case 'wait':
              await clock.advance(step.ms);
              break;
            case 'restart':
              process.life.alive = false;
              process = await live();
              break;
            case 'take over':
              await budget.start();
              break;
            case 'ready':
              for (let index = 0; index < step.count; index++) {
                void budget.ready().then(() => budget.run(call(process, 1_000)).catch(() => {}));
              }
              break;
            case 'block':
              budget.limited(step.ms);
              break;
            case 'word':
              budget.learn(new Headers({ ratelimit: `"default";r=${step.left};t=${step.seconds}` }));
              break;
          }
          expect(budget.remaining()).toBeGreaterThanOrEqual(0);
        }
        // Long enough for all that waits, one window after the other.
        await clock.advance(2_000 * (WINDOW_MS + MAX_CALL_MS + 1_000));
        expect(cloudflare.most).toBeLessThanOrEqual(limit);
        expect(process.budget.waiting).toBe(0);
        expect(process.budget.remaining()).toBe(limit);
        const before = cloudflare.arrivals.length;
        for (let index = 0; index < limit + 1; index++) process.budget.run(call(process, 0)).catch(() => {});
        await clock.advance(0);
        expect(cloudflare.arrivals.length - before).toBe(limit);
        expect(process.budget.waiting).toBe(1);
        process.budget.stop();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
