import { describe, expect, test } from 'vitest';
import { deadline, withTimeout } from '../../../src/controller/deadline.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const forever = () => new Promise<never>(() => {});

describe('a deadline', () => {
  test('aborts its signal when the time is up', async () => {
    const clock = new VirtualClock();
    const { signal } = deadline(clock, 100);
    await clock.advance(99);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ name: 'DeadlineExceeded', ms: 100 });
  });

  test('follows its parent, also one that is aborted already', () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    const before = deadline(clock, 100, parent.signal);
    parent.abort('stopping');
    const after = deadline(clock, 100, parent.signal);
    expect([before.signal.reason, after.signal.reason]).toEqual(['stopping', 'stopping']);
    expect(clock.pending).toBe(0);
  });

  test('leaves nothing behind when it is cancelled', async () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    const { signal, cancel } = deadline(clock, 100, parent.signal);
    cancel();
    cancel();
    expect(clock.pending).toBe(0);
    parent.abort();
    expect(signal.aborted).toBe(false);
  });

  test('without a limit waits for its parent alone', () => {
    const clock = new VirtualClock();
    deadline(clock, Number.POSITIVE_INFINITY);
    expect(clock.pending).toBe(0);
  });
});

describe('work with a time limit', () => {
  test('yields its result in time', async () => {
    const clock = new VirtualClock();
    expect(await withTimeout(clock, 100, async () => 'done')).toBe('done');
    expect(clock.pending).toBe(0);
  });

  test('rejects when the time is up, even if the work goes on', async () => {
    const clock = new VirtualClock();
    const answer = expect(withTimeout(clock, 100, forever)).rejects.toThrow('not finished within 100 ms');
    await clock.advance(100);
    await answer;
  });

  test('passes on an error and an abort', async () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    await expect(withTimeout(clock, 100, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    const answer = expect(withTimeout(clock, 100, forever, parent.signal)).rejects.toThrow('stopping');
    parent.abort(new Error('stopping'));
    await answer;
    await expect(withTimeout(clock, 100, async () => 'late', parent.signal)).rejects.toThrow('stopping');
    expect(clock.pending).toBe(0);
  });
});
