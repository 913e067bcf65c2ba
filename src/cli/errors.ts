import { problemBody, toError, type ZonekeeperError } from '../errors.ts';
import type { Redactor } from '../observability/redactor.ts';
import { printable } from './table.ts';

const MAX_CAUSES = 5;

export interface ErrorPrint {
  /** As a problem object (RFC 9457) on one line, as the HTTP API answers it. */
  readonly json: boolean;
  readonly redactor: Redactor;
}

/** What is printed of an error: what happened, every single problem, what led to it, and what to do about it. */
export function formatError(thrown: unknown, { json, redactor }: ErrorPrint): string {
  const error = toError(thrown);
  return json ? `${JSON.stringify(redactor.value(problemBody(error)))}\n` : redactor.text(textOf(error));
}

function textOf(error: ZonekeeperError): string {
  const problems = problemsOf(error);
  const lines =
    problems.length > 1
      ? [`error: ${error.spec.title}`, ...problems.map((problem) => `  - ${clean(problem)}`)]
      : [`error: ${clean(error.message)}`];
  for (const cause of causesOf(error)) lines.push(`  because: ${clean(cause)}`);
  const command = error.facts.command;
  const todo =
    error.code === 'usage' && typeof command === 'string' ? `See \`zonekeeper ${command} --help\`.` : error.todo;
  lines.push(`  what to do: ${todo}`);
  // A bug: whoever reports it needs the place.
  if (error.code === 'internal') lines.push(stackOf(error));
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function problemsOf(error: ZonekeeperError): string[] {
  const { problems } = error.facts;
  return Array.isArray(problems) ? problems.filter((problem) => typeof problem === 'string') : [];
}

function causesOf(error: ZonekeeperError): string[] {
  const causes: string[] = [];
  let cause: unknown = error.cause;
  while (cause instanceof Error && causes.length < MAX_CAUSES) {
    // Most of our messages quote what led to them.
    if (cause.message !== '' && !error.message.includes(cause.message)) causes.push(cause.message);
    cause = cause.cause;
  }
  return causes;
}

function stackOf(error: ZonekeeperError): string {
  const stack = error.cause instanceof Error ? error.cause.stack : error.stack;
  return (stack ?? '').split('\n').slice(1).join('\n');
}

const clean = (text: string): string => printable(text.replaceAll('\n', ' '));
