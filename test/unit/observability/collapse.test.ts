import { describe, expect, it } from 'vitest';
import { Collapse, type LogFields } from '../../../src/observability/collapse.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function collapse(maxKeys?: number) {
  const clock = new VirtualClock();
  const lines: (readonly [string, LogFields])[] = [];
  const options = {
    clock,
    intervalMs: 60_000,
    write: (message: string, fields: LogFields) => lines.push([message, fields]),
  };
  return { clock, lines, it: new Collapse(maxKeys === undefined ? options : { ...options, maxKeys }) };
}

describe('equal warnings', () => {
  it('are written once at once, then as one summary per interval while they go on', async () => {
    const { clock, lines, it: warnings } = collapse();
    for (let n = 0; n < 150; n += 1) {
      warnings.say('zone', 'could not look', { attempt: n });
      await clock.advance(1_000);
    }
    expect(lines).toEqual([
      ['could not look', { attempt: 0 }],
      ['could not look (59 more times in 60 s)', { attempt: 59, repeats: 59 }],
      ['could not look (60 more times in 60 s)', { attempt: 119, repeats: 60 }],
    ]);
  });

  it('are new again after a quiet interval', async () => {
    const { clock, lines, it: warnings } = collapse();
    warnings.say('zone', 'first');
    await clock.advance(60_000);
    warnings.say('zone', 'second');
    expect(lines.map(([message]) => message)).toEqual(['first', 'second']);
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it('do not hide different ones', () => {
    const { lines, it: warnings } = collapse();
    warnings.say('a', 'a');
    warnings.say('b', 'b');
    expect(lines).toHaveLength(2);
  });

  it('are counted together where there are too many kinds of them', async () => {
    const { clock, lines, it: warnings } = collapse(2);
    for (let n = 0; n < 1_000; n += 1) warnings.say(`zone ${n}`, `zone ${n} failed`);
    await clock.advance(60_000);
    expect(lines.map(([message]) => message)).toEqual([
      'zone 0 failed',
      'zone 1 failed',
      'zone 2 failed',
      'zone 999 failed (997 other warnings; the last in 60 s)',
    ]);
  });

  it('are summarized at the end, and leave no timer', () => {
    const { clock, lines, it: warnings } = collapse();
    warnings.say('a', 'a');
    warnings.say('a', 'a');
    warnings.flush();
    warnings.flush();
    expect(lines.map(([message]) => message)).toEqual(['a', 'a (1 more times in 60 s)']);
    expect(clock.pending).toBe(0);
  });
});
