import { describe, expect, it } from 'vitest';
import { ZonekeeperError } from '../../../src/errors.ts';
import { createLog, type LogFormat, type LogLevel } from '../../../src/observability/logger.ts';
import { Redactor } from '../../../src/observability/redactor.ts';

async function logTo(options: { level?: LogLevel; format?: LogFormat; terminal?: boolean } = {}) {
  const redactor = new Redactor();
  redactor.add('postgres://app:CANARY-db@db/app');
  redactor.add('CANARY-token');
  const lines: string[] = [];
  const log = await createLog({
    level: options.level ?? 'info',
    format: options.format ?? 'json',
    terminal: options.terminal ?? false,
    redactor,
    wall: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    output: { write: (text: string) => lines.push(text) },
  });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('is one JSON object a line, with time and level as people read them', async () => {
    const { log, lines } = await logTo();
    log.logger.child({ zone: 'example.com' }).info({ fqdn: 'a.example.com', operation_id: '7' }, 'created');
    expect(lines).toEqual([
      '{"level":"info","time":"2026-01-02T03:04:05.006Z","zone":"example.com","fqdn":"a.example.com","operation_id":"7","msg":"created"}\n',
    ]);
  });

  it('shows errors with code, facts and causes, and a stack only where it helps', async () => {
    const { log, parsed } = await logTo();
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', config: { password: 'CANARY' } });
    log.logger.error(
      { err: new ZonekeeperError('database_unreachable', 'No answer.', { cause, facts: { host: 'db' } }) },
      'x',
    );
    expect(parsed()[0]?.err).toEqual({
      type: 'ZonekeeperError',
      message: 'No answer.',
      code: 'database_unreachable',
      facts: { host: 'db' },
      cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED', stack: expect.stringContaining('refused') },
    });
  });

  it('survives what is no error, refers to itself, or has no end', async () => {
    const { log, parsed } = await logTo();
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const endless = new Error('again');
    endless.cause = endless;
    log.logger.warn({ err: 'a string', loop }, 'odd');
    log.logger.warn({ err: endless }, 'odd');
    log.logger.warn({ err: null, big: 'x'.repeat(100) }, 'odd');
    expect(parsed()).toHaveLength(3);
  });

  it.each<LogFormat>(['json', 'pretty'])('shows no secret as %s, wherever it stands', async (format) => {
    const { log, lines } = await logTo({ format, level: 'trace' });
    const { logger } = log;
    const error = new Error('failed with CANARY-token', { cause: new Error('postgres://other:CANARY@host/db') });
    logger.error({ err: error }, 'because of CANARY-token');
    logger.error(error);
    logger.info({ nested: { deep: ['CANARY-token'] }, 'CANARY-token': 1 }, 'x %s %o', 'CANARY-token', {
      a: 'CANARY-db',
    });
    logger.child({ url: 'postgres://app:CANARY-db@db/app' }).debug('child');
    logger.trace({ req: { headers: { authorization: 'Bearer CANARY' } } }, 'header');
    logger.fatal({ err: new ZonekeeperError('internal', 'CANARY-token', { facts: { t: 'CANARY-token' } }) });
    expect(lines).toHaveLength(6);
    expect(lines.join('')).not.toContain('CANARY');
  });

  it('changes its level while it runs, with that of every child', async () => {
    const { log, lines } = await logTo({ level: 'warn' });
    const child = log.logger.child({ zone: 'z' }).child({ fqdn: 'a.z' }, { serializers: {} });
    child.info('silent');
    log.level = 'debug';
    child.debug('heard');
    expect(log.level).toBe('debug');
    log.level = 'error';
    child.warn('silent');
    log.logger.warn('silent');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['heard']);
  });

  it('is pretty on a terminal and JSON elsewhere, unless told', async () => {
    const line = async (format: LogFormat, terminal: boolean) => {
      const { log, lines } = await logTo({ format, terminal });
      log.logger.info('hello');
      return lines[0] ?? '';
    };
    expect(await line('auto', false)).toMatch(/^\{/);
    expect(await line('json', true)).toMatch(/^\{/);
    expect(await line('auto', true)).toMatch(/INFO.*hello/);
    expect(await line('pretty', false)).toMatch(/INFO.*hello/);
  });
});
