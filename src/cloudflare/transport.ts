import { APIError, APIUserAbortError } from 'cloudflare/core/error';
import { BaseRecords, type RecordBatchParams, type RecordListParams } from 'cloudflare/resources/dns/records';
import { BaseZones, type ZoneListParams } from 'cloudflare/resources/zones/zones';
import { createClient } from 'cloudflare/tree-shakable';
import type { Clock } from '../controller/clock.ts';
import { DeadlineExceeded, withTimeout } from '../controller/deadline.ts';
import { Stopwatch } from '../controller/stopwatch.ts';
import { ZonekeeperError } from '../errors.ts';
import { bounded } from './bounded.ts';
import {
  type CallContext,
  type CallFailure,
  failureOf,
  failureOfAnswer,
  failureOfBody,
  type Operation,
} from './errors.ts';
import { field } from './messages.ts';
import { type TimelyInit, timely } from './timely.ts';

/** The port to Cloudflare's SDK, and all that is used of it. Nothing above this file depends on which form stands behind it. */
export interface Sdk {
  readonly zones: { list(params: ZoneListParams, options: SdkOptions): SdkCall };
  readonly dns: {
    readonly records: {
      list(params: RecordListParams, options: SdkOptions): SdkCall;
      batch(params: RecordBatchParams, options: SdkOptions): SdkCall;
    };
  };
}

/** What the SDK takes beside a call's parameters. */
export interface SdkOptions {
  readonly signal: AbortSignal;
  readonly timeout: number;
  /** A {@link TimelyInit}, which the SDK does not know. */
  readonly fetchOptions: object;
}

/** A call that the SDK has prepared: of its answer, only the raw form is used. */
export interface SdkCall {
  asResponse(): Promise<Response>;
}

/** An answer: the JSON of a success, with the headers of either. */
export type Answer =
  | { readonly ok: true; readonly body: unknown; readonly status: string }
  | { readonly ok: false; readonly failure: CallFailure };

/** One call. */
export interface Call {
  readonly operation: Operation;
  /** Name of the zone; undefined for `zones`. */
  readonly zone: string | undefined;
  /** Milliseconds that connection, headers and body may take together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly send: (client: Sdk, options: SdkOptions) => SdkCall;
}

export interface TransportOptions {
  readonly clock: Clock;
  readonly token: string;
  /** Cloudflare's own by default. */
  readonly baseUrl?: string | undefined;
  /** The global `fetch` by default. */
  readonly fetch?: typeof fetch | undefined;
  /** Makes another SDK for a token than Cloudflare's. */
  readonly sdk?: ((token: string) => Sdk) | undefined;
  /** Called with the headers of every answer, as soon as they are there. */
  readonly onHeaders: (headers: Headers) => void;
}

const CLOUDFLARE = 'https://api.cloudflare.com/client/v4';
/** What a header may hold (RFC 9110, 5.5), without spaces. */
const TOKEN = /^[\x21-\x7e]{1,1024}$/;
/** The SDK's own time-out covers the headers alone; it must never be the one that ends a call. */
const SDK_SLACK_MS = 60_000;
/** Of one answer. A page of 5,000 records, each with the longest comment and name, has less than a quarter of it. */
const ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * One HTTP call through Cloudflare's SDK, and what became of it; it never throws for what the network or Cloudflare does.
 *
 * The SDK makes the request (address, query, headers, JSON) and tells the errors apart. The body of a success is read here:
 * the SDK makes an empty list of an HTML page with status 200 and does not look at `success`, and an empty list of a
 * zone's records is the one answer that must never be made up.
 */
export class Transport {
  readonly #options: TransportOptions;
  #token: string;
  #client: Sdk;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#token = checkedToken(options.token);
    this.#client = sdk(this.#token, options);
  }

  /** From the next call on, this token is used. Throws `config_invalid` for what cannot be one. */
  setToken(token: string): void {
    this.#token = checkedToken(token);
    this.#client = sdk(this.#token, this.#options);
  }

  async call(call: Call): Promise<Answer> {
    const context: CallContext = {
      operation: call.operation,
      zone: call.zone,
      hide: hiding(this.#token),
      wallMs: this.#options.clock.wall(),
    };
    const client = this.#client;
    const age = new Stopwatch(this.#options.clock);
    let late: DeadlineExceeded | null = null;
    const mayLeave = () => {
      if (age.elapsedMs() < call.timeoutMs) return;
      late = new DeadlineExceeded(call.timeoutMs);
      throw late;
    };
    try {
      return await withTimeout(
        this.#options.clock,
        call.timeoutMs,
        (signal) => this.#exchange(client, call, context, { signal, mayLeave }),
        call.signal,
      );
    } catch (thrown) {
      if (thrown instanceof APIError && thrown.headers !== undefined) this.#options.onHeaders(thrown.headers);
      return { ok: false, failure: failureOf(late ?? aborted(thrown, call.signal), context) };
    }
  }

  async #exchange(
    client: Sdk,
    call: Call,
    context: CallContext,
    { signal, mayLeave }: { readonly signal: AbortSignal; readonly mayLeave: () => void },
  ): Promise<Answer> {
    const timeout = Math.ceil(call.timeoutMs) + SDK_SLACK_MS;
    const fetchOptions: TimelyInit = { mayLeave };
    const response = await call.send(client, { signal, timeout, fetchOptions }).asResponse();
    this.#options.onHeaders(response.headers);
    const text = await response.text();
    const body = parse(text);
    if (field(body, 'success') === true) return { ok: true, body, status: String(response.status) };
    const failure =
      field(body, 'success') === false
        ? failureOfAnswer(response.status, body, '', response.headers, context)
        : failureOfBody(bodyFault(text, body), response.status, context);
    return { ok: false, failure };
  }
}

/** The SDK with just the two resources that are used: a fraction of its size and start-up time. */
function sdk(token: string, options: TransportOptions): Sdk {
  if (options.sdk !== undefined) return options.sdk(token);
  return createClient({
    resources: [BaseRecords, BaseZones],
    apiToken: token,
    // Given, so that the SDK does not look for them in the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: (options.baseUrl ?? CLOUDFLARE).replace(/\/+$/, ''),
    fetch: bounded(options.fetch ?? timely(fetch), ANSWER_BYTES),
    // It would repeat a POST whose answer was lost, and calls that the budget does not know of.
    maxRetries: 0,
    logLevel: 'off',
    // A redirected POST becomes a GET, and the answer to that would be taken for the write's.
    fetchOptions: { redirect: 'manual' },
  });
}

function checkedToken(token: string): string {
  const text = token.trim();
  if (TOKEN.test(text)) return text;
  // Never shown, not even in part.
  throw new ZonekeeperError(
    'config_invalid',
    text === ''
      ? 'The Cloudflare API token is empty.'
      : 'The Cloudflare API token holds characters that no token has, or is longer than 1024.',
  );
}

function hiding(token: string): (text: string) => string {
  return (text) => text.replaceAll(token, '[token]');
}

/** The reason of a caller that gave up says nothing of what became of its call: the answer is lost. */
function aborted(thrown: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted === true && thrown === signal.reason ? new APIUserAbortError() : thrown;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bodyFault(text: string, body: unknown): string {
  if (body !== undefined) return 'JSON without "success"';
  return /^\s*[{[]/.test(text) ? 'JSON that ends too early' : 'not JSON';
}
