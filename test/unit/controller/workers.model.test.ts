import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRIORITIES } from '../../../src/controller/priority.ts';
import { WorkQueue } from '../../../src/controller/queue.ts';
import { type Result, WorkerPool } from '../../../src/controller/workers.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

/**
 * A level-triggered world: adds only say that a key has a new version, a run reads the newest one when it starts. Whatever
 * the runs come to, the last version of every key must be seen by a run that succeeds.
 */

const scenario = fc.record({
  seed: fc.integer(),
  concurrency: fc.integer({ min: 1, max: 4 }),
  adds: fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 30 }),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      priority: fc.constantFrom(...PRIORITIES),
      delayMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 60, size: 'max' },
  ),
});

test('the last version of every key is seen by a run, one run per key at a time, never too many at once', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ seed, concurrency, adds }) => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const running = new Set<string>();
      const wanted = new Map<string, number>();
      const seen = new Map<string, number>();
      const broken: string[] = [];
      let trouble = true;

      const process = async (key: string): Promise<Result<null>> => {
        // Noted, not thrown: the pool takes what is thrown here for a run that failed.
        if (running.has(key)) broken.push(`two runs of ${key}`);
        running.add(key);
        if (running.size > concurrency) broken.push(`${running.size} runs at once`);
        const version = wanted.get(key) ?? 0;
        try {
          if (random() < 0.7) await new Promise<void>((resolve) => clock.after(random() * 50, resolve));
          const luck = trouble ? random() : 1;
          if (luck < 0.2) throw new Error('no luck');
          if (luck < 0.4) return { retry: true };
          if (luck < 0.5) return { requeueAfterMs: random() * 100 };
          seen.set(key, version);
          return 'done';
        } finally {
          running.delete(key);
        }
      };

      const queue = new WorkQueue<string, null>({
        clock,
        random,
        backoff: { baseMs: 5, factor: 2, maxMs: 100 },
        maxKeys: 10,
        merge: () => null,
      });
      const pool = new WorkerPool<string, null>({
        queue,
        clock,
        process,
        concurrency,
        timeoutMs: 1000,
        onError: () => {},
      });
      pool.start();

      for (const { afterMs, key, priority, delayMs } of adds) {
        await clock.advance(afterMs);
        wanted.set(key, (wanted.get(key) ?? 0) + 1);
        const add = { priority, context: null };
        expect(delayMs === undefined ? queue.add(key, add) : queue.addAfter(key, delayMs, add)).toBe(true);
      }
      trouble = false;
      await clock.runUntil(() => queue.size === 0, 10_000);

      expect(broken).toEqual([]);
      expect(seen).toEqual(wanted);
      expect(pool.active).toBe(0);
      expect(clock.pending, 'no timer is left behind').toBe(0);
    }),
    { numRuns: 200 },
  );
});
