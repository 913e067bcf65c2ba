import { describe, expect, test } from 'vitest';
import {
  because,
  type Context,
  carryOn,
  causeOfDeletion,
  mergeContexts,
  type Watcher,
} from '../../../src/reconcile/context.ts';
import { FlapDetector } from '../../../src/reconcile/flap.ts';
import { isNewlyLate } from '../../../src/reconcile/objective.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const watcher = (): Watcher => ({ settled: () => undefined });
const asked = (over: Partial<Context>): Context => ({
  ...because('sync', 50),
  operationId: 'o1',
  actor: 'me',
  ...over,
});

describe('two reasons for one run', () => {
  test('the more urgent one speaks, the earliest moment counts, all listeners are told', () => {
    const [a, b] = [watcher(), watcher()];
    const merged = mergeContexts({ ...because('change', 10), watchers: [a] }, asked({ watchers: [b] }));
    expect(merged).toMatchObject({ trigger: 'sync', since: 10, operationId: 'o1', actor: 'me' });
    expect(merged.watchers).toHaveLength(2);
  });

  test('do not depend on their order', () => {
    const [x, y] = [because('drift', 5), asked({})];
    expect(mergeContexts(x, y)).toEqual(mergeContexts(y, x));
  });

  test('what comes again and again does not count while a hold lasts; what ends the hold counts from its own moment', () => {
    const held: Context = { ...because('change', 900), held: true };
    for (const trigger of ['drift', 'resync'] as const) {
      const merged = mergeContexts(because(trigger, 20), held);
      expect(merged).toEqual(mergeContexts(held, because(trigger, 20)));
      expect(merged).toMatchObject({ since: 900, held: true });
    }
    const merged = mergeContexts(held, because('change', 20));
    expect(merged.since).toBe(20);
    expect(merged.held).toBeUndefined();
    expect(mergeContexts(held, { ...held, since: 800 })).toMatchObject({ since: 800, held: true });
  });

  test('what was counted as late is not counted again; what merges with something earlier stands in its shadow', () => {
    const late: Context = { ...because('change', 10), late: true };
    expect(mergeContexts(late, because('change', 20)).late).toBe(true);
    expect(mergeContexts(late, because('change', 5)).late).toBeUndefined();
  });

  test('what is tried again stays in its trace, unless somebody asks anew or its wait is over', () => {
    const attempts = { first: 'the first', count: 3, endedAt: 15 };
    const pending: Context = { ...because('change', 10), attempts };
    const both = (a: Context, b: Context) => {
      expect(mergeContexts(a, b).attempts).toEqual(mergeContexts(b, a).attempts);
      return mergeContexts(a, b);
    };
    expect(both(pending, because('drift', 20)).attempts).toEqual(attempts);
    expect(both(pending, because('change', 20)).attempts).toEqual(attempts);
    expect(both(pending, asked({ traceparent: 'a request' }))).toMatchObject({
      traceparent: 'a request',
      attempts: null,
    });
    // The retry of a sync, and a change after it.
    const retried = asked({ traceparent: 'a request', attempts });
    expect(both(retried, because('change', 70)).attempts).toEqual(attempts);
    const held: Context = { ...pending, since: 900, held: true };
    expect(both(held, because('change', 20)).attempts).toBeNull();
    expect(both(held, because('drift', 20)).attempts).toEqual(attempts);
  });

  test('an order is carried out once: the next run has neither it nor the listeners', () => {
    const context = asked({ watchers: [watcher()], order: { kind: 'delete', force: true } });
    expect(carryOn(context)).toMatchObject({ watchers: [], order: null, operationId: 'o1' });
  });
});

test('a promise is newly broken once it is over, until that is counted', () => {
  expect(isNewlyLate({ since: 1_000 }, 6_000)).toBe(false);
  expect(isNewlyLate({ since: 1_000 }, 6_001)).toBe(true);
  expect(isNewlyLate({ since: 1_000, late: true }, 60_000)).toBe(false);
});

describe('what the history says of a deletion', () => {
  const confirmed = asked({ confirmed: true });

  test('was it confirmed, it was made by the operation that was', () => {
    expect(causeOfDeletion(confirmed, true)).toEqual({ trigger: 'sync', operationId: 'o1', actor: 'me' });
  });

  test('was it not, it was not, though it was made in its course: the guard counts it', () => {
    expect(causeOfDeletion(confirmed, false)).toMatchObject({ trigger: 'sync', operationId: null });
    expect(causeOfDeletion(mergeContexts(because('change', 10), confirmed), false).operationId).toBeNull();
    expect(causeOfDeletion(asked({}), false).operationId).toBe('o1');
  });

  test('was it ordered, the order made it; what follows an order was not ordered', () => {
    const ordered = asked({ trigger: 'delete', order: { kind: 'delete', force: true } });
    expect(causeOfDeletion(ordered, false).trigger).toBe('delete');
    expect(causeOfDeletion(carryOn(ordered), false).trigger).toBe('change');
  });
});

describe('a record that somebody keeps changing back', () => {
  test('is repaired at once a few times, then at growing pauses, and at once again after a quiet time', async () => {
    const clock = new VirtualClock();
    const flaps = new FlapDetector(clock);
    for (let i = 0; i < 4; i++) flaps.repaired('a');
    expect(flaps.pauseMs('a')).toBe(0);
    flaps.repaired('a');
    expect(flaps.pauseMs('a')).toBe(60_000);
    await clock.advance(60_000);
    expect(flaps.pauseMs('a')).toBe(0);
    flaps.repaired('a');
    expect(flaps.pauseMs('a')).toBe(120_000);
    expect(flaps.pauseMs('b')).toBe(0);
    await clock.advance(600_000);
    expect(flaps.pauseMs('a')).toBe(0);
  });
});
