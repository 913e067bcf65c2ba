import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { LOG_LEVELS } from '../config/log-levels.ts';
import { loggedError } from './log-error.ts';
import type { Redactor } from './redactor.ts';

export type { Logger } from 'pino';
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = 'auto' | 'pretty' | 'json';

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto`: pretty when `terminal`. */
  readonly format: LogFormat;
  readonly redactor: Redactor;
  /** 1 for a daemon, 2 for commands that print data. Ignored where `output` is given. */
  readonly fd?: 1 | 2;
  readonly terminal?: boolean;
  /** Wall-clock milliseconds. */
  readonly wall?: () => number;
  readonly output?: { write(text: string): unknown };
}

/** A process's log. */
export interface Log {
  readonly logger: Logger;
  /** The level of the logger and of all its children that were not given one of their own. */
  level: LogLevel;
}

/**
 * The log: one JSON object a line with `time` (ISO 8601), `level` (a word) and `msg`, or the same for people. Other fields
 * have one name everywhere: `fqdn`, `zone`, `operation_id`, `err`. Lines are written in this thread, those of one turn of
 * the event loop together, so that none is lost when the process ends.
 */
export async function createLog(options: LogOptions): Promise<Log> {
  const { fd = 1, format, wall = Date.now } = options;
  const output = options.output ?? gathered(destination({ fd, sync: true }));
  const pretty = format === 'pretty' || (format === 'auto' && options.terminal === true);
  const logger = pino(
    {
      level: options.level,
      base: undefined,
      timestamp: () => `,"time":"${new Date(wall()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: loggedError, error: loggedError },
      depthLimit: 8,
      edgeLimit: 200,
    },
    redacted(options.redactor, output, pretty ? await prettyFormat() : null),
  );
  let level = options.level;
  return {
    logger,
    get level() {
      return level;
    },
    set level(wanted) {
      level = wanted;
      // Children have the logger as their prototype, and so its level with it.
      logger.level = wanted;
    },
  };
}

function redacted(
  redactor: Redactor,
  output: { write(text: string): unknown },
  format: ((line: string) => string) | null,
): DestinationStream {
  return {
    write: (line) => {
      const clean = redactor.line(line);
      output.write(format === null ? `${clean}\n` : format(clean));
    },
  };
}

/** An error may be the last that is heard of the process: it does not wait for the end of the turn. */
const URGENT = /"level":"(?:error|fatal)"/;

/** Gathers the lines of one turn into one write: a thousand changes are a thousand lines, and need not be as many calls. */
function gathered(output: { write(text: string): unknown }): { write(text: string): void } {
  let waiting = '';
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text !== '') output.write(text);
  };
  process.once('exit', flush);
  return {
    write: (text) => {
      if (waiting === '') setImmediate(flush);
      waiting += text;
      if (URGENT.test(text)) flush();
    },
  };
}

async function prettyFormat(): Promise<(line: string) => string> {
  // Only for people at a terminal; the daemon's JSON does not need it.
  const { prettyFactory } = await import('pino-pretty');
  const print = prettyFactory({
    colorize: process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    errorLikeObjectKeys: ['err', 'error'],
  });
  return (line) => print(line) ?? '';
}
