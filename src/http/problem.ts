import { z } from 'zod';
import { ERRORS, type ErrorCode, problemBody, type ZonekeeperError } from '../errors.ts';

/** An error as the API answers it (RFC 9457), with what to do about it. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Identifies the kind of error; the last part is `code`.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    todo: z.string().meta({ description: 'What to do about it.' }),
    retry: z.enum(['never', 'backoff', 'after']),
    request_id: z.string().optional(),
  })
  .loose()
  .meta({ id: 'Problem', description: 'An error (RFC 9457). May hold further facts.' });

export type Problem = z.infer<typeof problemSchema>;

/** The media type of problem bodies. */
export const PROBLEM_TYPE = 'application/problem+json';

/** The body for an error. Its facts are part of it; none of them replaces a standard member. */
export function problemOf(error: ZonekeeperError, requestId?: string): Problem {
  return { ...problemBody(error), ...(requestId === undefined ? {} : { request_id: requestId }) };
}

/** The problem of an operation that failed in another process: code and sentence came through the database. */
export function codeOr(code: string, otherwise: ErrorCode): ErrorCode {
  return code in ERRORS ? (code as ErrorCode) : otherwise;
}
