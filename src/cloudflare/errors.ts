import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'cloudflare/core/error';
import { DeadlineExceeded } from '../controller/deadline.ts';
import { type ErrorCode, isError, ZonekeeperError } from '../errors.ts';
import { AnswerTooLong } from './bounded.ts';
import {
  type ApiMessage,
  describe,
  describeText,
  type ElementRef,
  elementsOf,
  field,
  flatten,
  messagesOf,
  tidy,
} from './messages.ts';
import { parseRetryAfter } from './ratelimit.ts';

/** What is called, as metrics and sentences name it. */
export type Operation = 'zones' | 'list' | 'lookup' | 'batch';

/** Which call failed. */
export interface CallContext {
  readonly operation: Operation;
  /** Name of the zone; undefined for `zones`. */
  readonly zone: string | undefined;
  /** Takes secrets out of a text that may repeat what was sent. */
  readonly hide: (text: string) => string;
  /** Wall-clock milliseconds, for a Retry-After that is a date. */
  readonly wallMs: number;
}

/** What a failed call means. */
export interface CallFailure {
  readonly error: ZonekeeperError;
  /**
   * For a write. `refused`: Cloudflare said no, nothing was done. `unknown`: the answer was lost, it may have been done.
   * `unsent`: it did not get in (no connection, or turned away by the rate limit); nothing was done, and nothing is wrong
   * with it.
   */
  readonly effect: 'refused' | 'unknown' | 'unsent';
  /** `record`: one of the records sent is at fault. `quota`: the zone is full. `call`: whatever is sent meets the same. */
  readonly about: 'record' | 'quota' | 'call';
  /** The elements of a batch that the answer names. Mostly it names none. */
  readonly elements: readonly ElementRef[];
  /** HTTP status, or a word for what came instead of one: the label of the metric. */
  readonly status: string;
}

/** Codes of Cloudflare, by what they mean to us. What is in no list follows from the HTTP status. */
const MEANINGS = new Map<number, ErrorCode>([
  ...codes('cloudflare_conflict', 81053, 81054, 81056, 81057, 81058),
  ...codes('cloudflare_gone', 81044),
  ...codes('cloudflare_quota', 81045),
  ...codes('cloudflare_validation', 1004),
  ...codes('cloudflare_auth', 6003, 6103, 6111, 9103, 9106, 9107, 9109, 10000, 10001),
  ...codes('cloudflare_zone_gone', 7000, 7003),
  ...codes('cloudflare_limited', 971, 1015, 10100, 10300),
]);
/** Whole ranges that tell of a record's name, type, content, ttl, proxying (90xx), tags and comment (93xx). */
const VALIDATION = /^9[03]\d\d$/;
/** They concern the call, not a record in it: they win over whatever else an answer lists. */
const OF_THE_CALL: readonly ErrorCode[] = ['cloudflare_limited', 'cloudflare_auth', 'cloudflare_zone_gone'];
/** In a zone these mean that the token lacks a permission there: the same token has listed the zone before. */
const NOT_PERMITTED: readonly number[] = [10000, 10001];

/** Connection errors that come before a request leaves, beside those of the system calls that open a connection. */
const BEFORE_SENDING =
  /^(UND_ERR_CONNECT_TIMEOUT|ENOTFOUND|EAI_\w+|ECONNREFUSED|CERT_\w+|ERR_TLS_CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;
const MAX_CAUSES = 5;
const UNUSABLE = 'gave an answer that cannot be used';

/** The meaning of whatever the SDK, `fetch` or our own deadline threw in the course of one call. */
export function failureOf(thrown: unknown, context: CallContext): CallFailure {
  if (thrown instanceof DeadlineExceeded) {
    return unavailable(context, `did not answer within ${thrown.ms / 1000} s`, 'unknown', 'timeout');
  }
  if (isError(thrown)) return { error: thrown, effect: 'unsent', about: 'call', elements: [], status: 'unsent' };
  if (thrown instanceof APIUserAbortError) {
    return unavailable(context, 'was not waited for any longer', 'unknown', 'aborted');
  }
  if (thrown instanceof AnswerTooLong) {
    return unavailable(context, `${UNUSABLE}: ${thrown.message}`, 'unknown', 'too_long');
  }
  if (thrown instanceof APIConnectionTimeoutError) return unavailable(context, 'timed out', 'unknown', 'timeout');
  if (thrown instanceof APIError && typeof thrown.status === 'number') {
    const body: unknown = thrown.error;
    // Without JSON, the SDK's message is the status and the text of the body.
    const text = body === undefined ? thrown.message.replace(/^\d+ (status code \(no body\)$)?/, '') : '';
    return failureOfAnswer(thrown.status, body, text, thrown.headers ?? null, context);
  }
  const cause = thrown instanceof APIConnectionError ? thrown.cause : thrown;
  const { code, sent } = connectionError(cause);
  const reason = code ?? (cause instanceof Error ? tidy(cause.message) : 'connection lost');
  return sent
    ? unavailable(context, `broke off (${reason})`, 'unknown', 'connection')
    : unavailable(context, `could not be reached (${reason})`, 'unsent', 'connection');
}

/**
 * The meaning of an answer that is not a success: its status, its body as JSON (undefined when it is none) or as text, and
 * its headers.
 */
export function failureOfAnswer(
  status: number,
  body: unknown,
  text: string,
  headers: Headers | null,
  context: CallContext,
): CallFailure {
  const messages = messagesOf(body);
  const said = messages.length > 0 ? describe(messages) : body === undefined ? describeText(text) : 'no reason';
  const code = meaning(status, messages, context);
  const retryAfterMs =
    code === 'cloudflare_limited' ? parseRetryAfter(headers?.get('retry-after') ?? null, context.wallMs) : null;
  const error = new ZonekeeperError(
    code,
    context.hide(`Cloudflare answered ${status} to ${asked(context)}: ${said}.`),
    {
      facts: {
        status,
        cloudflare_codes: flatten(messages).map((message) => message.code),
        ...pointerFact(messages, context),
      },
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    },
  );
  const effect = code === 'cloudflare_limited' ? 'unsent' : code === 'cloudflare_unavailable' ? 'unknown' : 'refused';
  const about = subject(code, status, messages);
  return { error, effect, about, elements: elementsOf(messages), status: String(status) };
}

/** An answer of success that cannot be used: what it should have said is not known. */
export function failureOfBody(why: string, status: number, context: CallContext): CallFailure {
  return unavailable(context, `${UNUSABLE}: ${why}`, 'unknown', String(status));
}

function unavailable(context: CallContext, what: string, effect: 'unknown' | 'unsent', status: string): CallFailure {
  const message = context.hide(`Cloudflare ${what} (asked for ${asked(context)}).`);
  const error = new ZonekeeperError('cloudflare_unavailable', message, { facts: { status, cloudflare_codes: [] } });
  return { error, effect, about: 'call', elements: [], status };
}

function asked({ operation, zone }: CallContext): string {
  const what = { zones: 'the list of zones', list: 'the records', lookup: 'the records of a name', batch: 'a batch' };
  return zone === undefined ? what[operation] : `${what[operation]} in ${zone}`;
}

function meaning(status: number, messages: readonly ApiMessage[], context: CallContext): ErrorCode {
  if (status === 429) return 'cloudflare_limited';
  // Whatever it says: a server in trouble may have done it before it got there.
  if (status >= 500 || status === 408) return 'cloudflare_unavailable';
  const all = flatten(messages);
  const known = all.flatMap(({ code }) => meaningOfCode(code) ?? []);
  const ofTheCall = OF_THE_CALL.find((code) => known.includes(code));
  if (ofTheCall === 'cloudflare_limited') return ofTheCall;
  if (status === 401) return 'cloudflare_auth';
  if (status === 403) {
    const token = all.some(({ code }) => MEANINGS.get(code) === 'cloudflare_auth' && !NOT_PERMITTED.includes(code));
    return token || context.zone === undefined ? 'cloudflare_auth' : 'cloudflare_permission';
  }
  if (ofTheCall !== undefined) return ofTheCall;
  const first = messages.find((message) => meaningOf(message) !== undefined);
  return (first === undefined ? undefined : meaningOf(first)) ?? 'cloudflare_rejected';
}

/** What is behind an error says more than the error: a validation error may hide a conflict. */
function meaningOf(message: ApiMessage): ErrorCode | undefined {
  const behind = flatten(message.chain).flatMap(({ code }) => meaningOfCode(code) ?? []);
  return behind[0] ?? meaningOfCode(message.code);
}

function meaningOfCode(code: number): ErrorCode | undefined {
  return MEANINGS.get(code) ?? (VALIDATION.test(String(code)) ? 'cloudflare_validation' : undefined);
}

function subject(code: ErrorCode, status: number, messages: readonly ApiMessage[]): CallFailure['about'] {
  if (code === 'cloudflare_quota') return 'quota';
  if (code === 'cloudflare_validation' || code === 'cloudflare_conflict' || code === 'cloudflare_gone') return 'record';
  // An unknown refusal that comes as proper JSON is most likely about something in the body.
  const ofTheBody = messages.length > 0 && (status < 300 || [400, 404, 409, 422].includes(status));
  return code === 'cloudflare_rejected' && ofTheBody ? 'record' : 'call';
}

function pointerFact(messages: readonly ApiMessage[], context: CallContext): { pointer?: string } {
  const pointer = flatten(messages).find((message) => message.pointer !== null)?.pointer;
  return pointer == null ? {} : { pointer: context.hide(pointer) };
}

/** The system's code for a lost connection, and whether the request can have left before. */
function connectionError(error: unknown): { code: string | null; sent: boolean } {
  let code: string | null = null;
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause !== undefined; depth++) {
    const own = field(cause, 'code');
    if (typeof own === 'string') {
      code = own;
      const call = field(cause, 'syscall');
      if (call === 'connect' || call === 'getaddrinfo' || BEFORE_SENDING.test(own)) return { code, sent: false };
    }
    cause = field(cause, 'cause');
  }
  return { code, sent: true };
}

function codes(meaning: ErrorCode, ...list: readonly number[]): readonly [number, ErrorCode][] {
  return list.map((code) => [code, meaning]);
}
