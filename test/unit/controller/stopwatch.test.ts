import { expect, test } from 'vitest';
import { Stopwatch } from '../../../src/controller/stopwatch.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('both clocks go on: it counts what passes', async () => {
  const clock = new VirtualClock();
  const watch = new Stopwatch(clock);
  expect(watch.elapsedMs()).toBe(0);
  await clock.advance(700);
  expect(watch.elapsedMs()).toBe(700);
});

test('the host was suspended: the wall clock counts', async () => {
  const clock = new VirtualClock();
  const watch = new Stopwatch(clock);
  await clock.advance(100);
  clock.setWall(60_000);
  expect(watch.elapsedMs()).toBe(60_100);
  await clock.advance(100);
  expect(watch.elapsedMs()).toBe(60_200);
});

test('a wall clock that is set back prolongs nothing', async () => {
  const clock = new VirtualClock();
  const watch = new Stopwatch(clock);
  clock.setWall(-3_600_000);
  await clock.advance(500);
  expect(watch.elapsedMs()).toBe(500);
});

test('a wall clock that was set back still counts a suspension after it', async () => {
  const clock = new VirtualClock();
  const watch = new Stopwatch(clock);
  clock.setWall(-3_600_000);
  await clock.advance(500);
  expect(watch.elapsedMs()).toBe(500);
  clock.setWall(60_000);
  expect(watch.elapsedMs()).toBe(60_500);
});

test('what is over stays over when the wall clock is set back after that', () => {
  const clock = new VirtualClock();
  const watch = new Stopwatch(clock);
  clock.setWall(60_000);
  expect(watch.elapsedMs()).toBe(60_000);
  clock.setWall(-60_000);
  expect(watch.elapsedMs()).toBe(60_000);
});
