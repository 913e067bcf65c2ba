import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toError, ZonekeeperError } from '../errors.ts';
import { MAX_CONTROL_BODY, parseJson, readBody } from './body.ts';
import type { Control } from './control.ts';
import { BODIES, checked } from './control-schema.ts';
import { ApiFailure } from './failure.ts';
import type { StoredRecord } from './record.ts';
import type { SettingsChange } from './settings.ts';
import type { Zone } from './zone.ts';

/** Where the control routes are. */
export const CONTROL_PREFIX = '/_simulator';

/** A control request. */
interface ControlRequest {
  readonly query: URLSearchParams;
  /** What follows the route's own path: an id or a name. */
  readonly rest: string;
  readonly body: unknown;
}

type Run = (request: ControlRequest) => unknown;

/** One control route, as the index page lists it. */
interface ControlRoute {
  readonly method: string;
  readonly path: string;
  readonly run: Run;
}

/** Bytes of records that are put together before they are written. */
const CHUNK = 256 * 1024;

/**
 * The control side over HTTP: JSON in and out. Errors are problem details (RFC 9457); a record that the rules refuse is a 422
 * with Cloudflare's `errors`.
 */
export class ControlRoutes {
  readonly #control: Control;
  readonly #routes: readonly ControlRoute[];

  constructor(control: Control) {
    this.#control = control;
    this.#routes = routesOf(control);
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.slice(CONTROL_PREFIX.length);
    try {
      if (request.method === 'GET' && path === '/records') return await this.#stream(response, url.searchParams);
      const [, head = '', rest = ''] = /^(\/[a-z-]*)(?:\/(.+))?$/.exec(path) ?? [];
      const route = this.#routes.find((one) => one.path === head && one.method === request.method);
      if (route === undefined) throw new ZonekeeperError('not_found', `There is no ${request.method} ${url.pathname}.`);
      const body = await bodyOf(request);
      json(response, 200, route.run({ query: url.searchParams, rest: decoded(rest), body }) ?? {});
    } catch (error) {
      problem(response, error);
    }
  }

  /** All records that fit, each with the name of its zone, without holding the answer in memory. */
  async #stream(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const filter = {
      zone: query.get('zone') ?? undefined,
      name: query.get('name') ?? undefined,
      type: query.get('type') ?? undefined,
      content: query.get('content') ?? undefined,
      comment: query.get('comment') ?? undefined,
    };
    response.setHeader('content-type', 'application/json');
    await pipeline(Readable.from(chunksOf(this.#control.stored(filter)), { objectMode: false }), response);
  }
}

/** A JSON array of records in pieces of some size. */
function* chunksOf(records: Iterable<{ readonly zone: Zone; readonly record: StoredRecord }>): Generator<string> {
  let text = '[';
  let separator = '\n';
  for (const { zone, record } of records) {
    text += `${separator}{"zone_name":"${zone.name}",${record.json.slice(1)}`;
    separator = ',\n';
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  yield `${text}\n]\n`;
}

function routesOf(control: Control): readonly ControlRoute[] {
  const route = (method: string, path: string, run: Run): ControlRoute => ({ method, path, run });
  return [
    route('POST', '/seed', ({ body }) => ({ zones: control.seed(checked(BODIES.seed, body).zones) })),
    route('GET', '/zones', () => ({ zones: control.zones() })),
    route('DELETE', '/zones', ({ rest }) => control.removeZone(rest)),
    route('POST', '/records', ({ body }) => ({
      records: (Array.isArray(body) ? body : [body]).map((one: unknown) => control.add(checked(BODIES.record, one))),
    })),
    route('PATCH', '/records', ({ body }) => {
      const { set, ...selector } = checked(BODIES.edit, body);
      return { records: control.edit(selector, set) };
    }),
    route('DELETE', '/records', ({ query }) => ({ records: control.remove(selectorOf(query)) })),
    route('POST', '/faults', ({ body }) => control.addFault(checked(BODIES.fault, body))),
    route('GET', '/faults', () => ({ faults: control.faults() })),
    route('DELETE', '/faults', ({ rest }) => ({ cleared: control.clearFaults(rest === '' ? undefined : rest) })),
    route('GET', '/tokens', () => ({ tokens: control.tokens() })),
    route('PUT', '/tokens', ({ body }) => control.setTokens(checked(BODIES.tokens, body).tokens)),
    route('PATCH', '/tokens', ({ body }) => control.setToken(checked(BODIES.token, body))),
    route('GET', '/settings', () => control.settings()),
    route('PATCH', '/settings', ({ body }) => control.configure(settingsOf(body))),
    route('GET', '/counters', () => control.counters()),
    route('DELETE', '/counters', () => control.resetCounters()),
    route('GET', '/requests', ({ query }) => control.requests(numberOf(query, 'since'))),
    route('GET', '/changes', ({ query }) => {
      const actor = query.get('actor');
      return control.changes({
        since: numberOf(query, 'since'),
        zone: query.get('zone') ?? undefined,
        name: query.get('name') ?? undefined,
        actor: actor === 'api' || actor === 'person' ? actor : undefined,
      });
    }),
    route('POST', '/reset', () => control.reset()),
  ];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ZonekeeperError('bad_request', `${JSON.stringify(text)} is not well-formed.`);
  }
}

function settingsOf(body: unknown): SettingsChange {
  const {
    latency_ms: latencyMs,
    rate_limit: limit,
    rate_limit_headers: rateLimitHeaders,
  } = checked(BODIES.settings, body);
  const rateLimit =
    limit == null
      ? limit
      : { requests: limit.requests, windowMs: limit.window_ms, kind: limit.kind, blockMs: limit.block_ms };
  return { latencyMs, rateLimit, rateLimitHeaders };
}

function selectorOf(query: URLSearchParams) {
  const name = query.get('name');
  if (name === null) throw new ZonekeeperError('bad_request', 'The parameter "name" is needed.');
  return {
    name,
    type: query.get('type') ?? undefined,
    content: query.get('content') ?? undefined,
    id: query.get('id') ?? undefined,
  };
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new ZonekeeperError('bad_request', `The parameter "${name}" must be a number.`);
  return Number(text);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request, MAX_CONTROL_BODY);
  if (text === null) throw new ZonekeeperError('body_too_large', `At most ${MAX_CONTROL_BODY} bytes.`);
  if (text === '') return undefined;
  const body = parseJson(text);
  if (body === undefined) throw new ZonekeeperError('bad_request', 'The body is not JSON.');
  return body;
}

function json(response: ServerResponse, status: number, value: unknown, type = 'application/json'): void {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.end(`${JSON.stringify(value)}\n`);
}

function problem(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const type = 'application/problem+json';
  if (thrown instanceof ApiFailure) {
    const { message, errors } = thrown;
    json(response, 422, { status: 422, title: 'The record is refused', detail: message, errors }, type);
    return;
  }
  const error = toError(thrown);
  const { status, title } = error.spec;
  json(response, status, { status, title, detail: error.message, code: error.code }, type);
}
