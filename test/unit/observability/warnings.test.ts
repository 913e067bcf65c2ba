import { describe, expect, it } from 'vitest';
import { ZonekeeperError } from '../../../src/errors.ts';
import type { LogFields } from '../../../src/observability/collapse.ts';
import { Warnings } from '../../../src/observability/warnings.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function warnings() {
  const clock = new VirtualClock();
  const lines: (readonly [string, LogFields])[] = [];
  const log = { warn: (fields: LogFields, message: string) => lines.push([message, fields]) };
  const it = new Warnings({ log: log as unknown as ConstructorParameters<typeof Warnings>[0]['log'], clock });
  const failed = (about: string, error: ZonekeeperError) => it.failed(about, error, error.message, { about });
  return { clock, lines, it, failed, said: () => lines.map(([message]) => message) };
}

const away = new ZonekeeperError('database_unreachable', 'The database is away.', { cause: new Error('ECONNREFUSED') });
const bug = (message: string) => new ZonekeeperError('internal', message);

describe('what fails again and again', () => {
  it('is one line for each code, whatever it says, and without a stack', () => {
    const { lines, failed } = warnings();
    for (let n = 0; n < 100; n += 1) failed('request', away);
    failed('request', new ZonekeeperError('database_unreachable', 'The database is still away.'));
    failed('request', new ZonekeeperError('timeout', 'It took too long.'));
    failed('election', away);
    expect(lines).toEqual([
      ['The database is away.', { about: 'request', code: 'database_unreachable' }],
      ['It took too long.', { about: 'request', code: 'timeout' }],
      ['The database is away.', { about: 'election', code: 'database_unreachable' }],
    ]);
  });

  it('is shown as it is where nobody expected it, each apart', () => {
    const [first, second] = [bug('one'), bug('another')];
    const { lines, failed } = warnings();
    failed('request', first);
    failed('request', second);
    failed('request', first);
    expect(lines.map(([, { err }]) => err)).toEqual([first, second]);
  });

  it('is new again once it is over, and what else fails is not', () => {
    const { it: all, said, failed } = warnings();
    failed('listening', away);
    failed('listening', away);
    failed('election', away);
    all.over('listening');
    failed('listening', away);
    failed('election', away);
    expect(said()).toEqual([
      'The database is away.',
      'The database is away.',
      'The database is away. (1 more times in 60 s)',
      'The database is away.',
    ]);
  });

  it('is summed up at the end, and leaves no timer', () => {
    const { clock, it: all, lines, failed } = warnings();
    for (let n = 0; n < 3; n += 1) failed('request', away);
    all.flush();
    expect(lines.at(-1)?.[1]).toMatchObject({ repeats: 2 });
    expect(clock.pending).toBe(0);
  });
});
