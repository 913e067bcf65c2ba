import { isError } from '../errors.ts';

/** An error as it stands in a log line, under `err`. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** Left out for errors of the registry, whose message and cause say it all. */
  readonly stack?: string;
  readonly facts?: unknown;
  readonly cause?: LoggedError;
}

const MAX_CAUSES = 6;
const MAX_TEXT = 4_000;

/** Anything thrown, with its causes, as plain data. Fields of foreign errors are not copied: nobody knows what they hold. */
export function loggedError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: cut(String(thrown)) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  const known = isError(thrown) && thrown.code !== 'internal';
  return {
    type: thrown.name,
    message: cut(thrown.message),
    ...(code === undefined ? {} : { code }),
    ...(isError(thrown) && Object.keys(thrown.facts).length > 0 ? { facts: thrown.facts } : {}),
    ...(known || thrown.stack === undefined ? {} : { stack: cut(thrown.stack) }),
    ...(thrown.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: loggedError(thrown.cause, depth + 1) }),
  };
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
