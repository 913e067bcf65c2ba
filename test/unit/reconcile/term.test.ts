import { expect, test } from 'vitest';
import type { Clock } from '../../../src/controller/clock.ts';
import { Fence } from '../../../src/leadership/fence.ts';
import { Term } from '../../../src/reconcile/term.ts';
import type { TermOptions } from '../../../src/reconcile/term-options.ts';

/** A clock whose timers run when they are told to, in any order. */
function handClock() {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    wall: () => 0,
    after: (_ms, run) => {
      timers.push(run);
      return { cancel: () => void timers.splice(timers.indexOf(run), timers.includes(run) ? 1 : 0) };
    },
  };
  return { clock, timers };
}

test('a term ends although its comparison waits for a first reading that never begins', async () => {
  const { clock, timers } = handClock();
  const settings = { passive: false, concurrency: 1, resyncMs: 300_000 };
  const options: Partial<TermOptions> = { clock, random: () => 0, fence: new Fence(1), ...settings };
  // None of its ports is called: it ends before that.
  const term = new Term(options as TermOptions);
  term.start();
  term.readEverything();
  // The timer that was set last is that of the comparison; the reading's is still to come when the term ends.
  timers.at(-1)?.();
  await expect(term.stop(0)).resolves.toBeUndefined();
}, 10_000);
