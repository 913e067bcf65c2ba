import { expect, test } from 'vitest';
import { Election } from '../../../src/leadership/leader.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** A candidate of its own row, which says yes to whoever asks. `answerMs`: how long an answer takes. */
function elected(clock: VirtualClock, answer: () => Promise<void> = async () => undefined) {
  const events: string[] = [];
  let epoch = 0;
  const election = new Election({
    db: {
      rows: async (sql) => {
        if (sql.includes('epoch = epoch + 1')) epoch += 1;
        await answer();
        return [[epoch]];
      },
      channel: (name) => name,
    },
    holder: 'a',
    address: () => '',
    clock,
    random: () => 0.5,
    info: () => ({}),
    events: {
      onElected: (epoch) => events.push(`elected in ${epoch}`),
      onLost: () => events.push('lost'),
      onError: ({ code }) => events.push(code),
    },
  });
  election.start();
  return { election, events };
}

test('a leader whose host was suspended leads no more when it goes on, although its monotonic clock saw nothing', async () => {
  const clock = new VirtualClock();
  const { election, events } = elected(clock);
  await clock.advance(100);
  expect(election.remainingMs()).toBeGreaterThan(7_000);
  clock.setWall(20_000);
  expect(election.remainingMs()).toBe(0);
  await clock.advance(3_400);
  expect(events).toEqual(['elected in 1', 'lost']);
});

test('a wall clock that is set back does not prolong the time of a leader', async () => {
  const clock = new VirtualClock();
  const { election } = elected(clock);
  await clock.advance(1_000);
  const before = election.remainingMs();
  clock.setWall(-3_600_000);
  await clock.advance(500);
  expect(election.remainingMs()).toBe(before - 500);
});

test('nobody is elected by an answer that was read after a suspension', async () => {
  const clock = new VirtualClock();
  const answered = Promise.withResolvers<void>();
  const { election, events } = elected(clock, () => answered.promise);
  await clock.advance(10);
  clock.setWall(60_000);
  answered.resolve();
  await clock.advance(10);
  expect(events).not.toContain('elected in 1');
  expect(election.remainingMs()).toBe(0);
});
