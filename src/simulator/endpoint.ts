import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, sleep } from '../controller/clock.ts';
import { type Answer, failureAnswer, htmlAnswer, limitedAnswer, success } from './answer.ts';
import { type Api, isAccount } from './api.ts';
import { MAX_API_BODY, parseJson, readBody } from './body.ts';
import { ApiFailure, FAILURES } from './failure.ts';
import type { Fault, Faults } from './faults.ts';
import type { RateVerdict } from './rate-limit.ts';
import { type Route, routeOf } from './route.ts';
import { drop, reset, send } from './send.ts';
import type { Settings } from './settings.ts';
import type { Grant, Tokens } from './tokens.ts';
import type { OpenRequest, Traffic } from './traffic.ts';
import type { World } from './world.ts';
import { batchOf, batchSize } from './writes.ts';

/** What the endpoint needs of the simulator. */
export interface EndpointParts {
  readonly clock: Clock;
  readonly api: Api;
  readonly world: World;
  readonly tokens: Tokens;
  readonly traffic: Traffic;
  readonly faults: Faults;
  readonly settings: Settings;
  /** Aborted when the simulator ends. */
  readonly ended: AbortSignal;
}

/** One request on its way through the endpoint. */
interface Call {
  readonly route: Route;
  readonly url: URL;
  readonly method: string;
  readonly entry: OpenRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly fault: Fault | undefined;
  readonly rate: RateVerdict | undefined;
}

const WITH_BODY: readonly string[] = ['POST', 'PUT', 'PATCH'];

/**
 * The HTTP side of the API, from arrival to answer: count, authorize, limit, let faults strike, read, wait half the latency,
 * carry out, wait the other half, send. What is carried out is neither undone nor left out when the caller has gone.
 */
export class Endpoint {
  readonly #parts: EndpointParts;
  #rays = 0;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { traffic, world, faults, settings, clock, tokens } = this.#parts;
    const method = request.method ?? 'GET';
    const route = routeOf(method, url.pathname);
    const zone = world.byId(route.zoneId ?? '')?.name ?? null;
    const path = url.pathname + url.search;
    const entry = traffic.begin(route.operation, method, path, zone);
    const address = request.socket.remoteAddress ?? '';
    const admitted = attempt(() => admit(route, tokens, request.headers.authorization, address));
    // Who is not known has no budget that could be spent.
    const rate = 'failure' in admitted ? undefined : settings.rateLimit?.take(clock.now());
    const fault =
      rate?.allowed === false ? undefined : faults.strike({ operation: route.operation, method, path, zone });
    entry.fault = fault?.id ?? null;
    const call: Call = { route, url, method, entry, request, response, fault, rate };
    try {
      await this.#answer(call, admitted);
    } catch (error) {
      await this.#failed(call, error);
    }
  }

  /** Mostly the connection broke while the body came in, or the simulator ends; what else went wrong must be seen. */
  async #failed(call: Call, error: unknown): Promise<void> {
    const { request, response, entry } = call;
    if (this.#parts.ended.aborted || !request.complete || response.destroyed || response.headersSent) {
      return this.#gone(call, () => reset(response));
    }
    const message = `The simulator itself failed: ${error instanceof Error ? error.message : error}`;
    this.#parts.traffic.end(entry, 500, 10001);
    const answer = failureAnswer(new ApiFailure(500, { code: 10001, message }));
    await send(response, answer, undefined, { clock: this.#parts.clock, ended: this.#parts.ended });
  }

  async #answer(call: Call, admitted: Attempt<Admission>): Promise<void> {
    const { fault, rate, response } = call;
    const effect = fault?.spec.effect;
    if (rate?.allowed === false) return this.#send(call, limitedAnswer(rate.resetSeconds, 971, tooMany(this.#parts)));
    if (effect?.kind === 'reset') return this.#gone(call, () => reset(response));
    const instead = effect === undefined ? undefined : replacedBy(effect);
    if (instead !== undefined) return this.#send(call, instead);
    const body = await this.#read(call);
    if (effect?.kind === 'lost' && !effect.applied) return this.#gone(call, () => drop(response));
    await this.#wait(this.#parts.settings.latencyMs / 2 + (effect?.kind === 'delay' ? effect.ms : 0));
    if (effect?.kind === 'hang' && effect.applied !== true) await this.#hold(call);
    const answer = this.#execute(call, admitted, body);
    if (effect?.kind === 'hang' && effect.applied === true) await this.#hold(call);
    await this.#wait(this.#parts.settings.latencyMs / 2);
    if (effect?.kind === 'lost') return this.#gone(call, () => drop(response));
    return this.#send(call, answer);
  }

  async #read({ request, method, entry, route }: Call): Promise<Attempt<unknown>> {
    if (!WITH_BODY.includes(method)) return { value: undefined };
    const text = await readBody(request, MAX_API_BODY);
    if (text === null) return { failure: FAILURES.tooLarge() };
    if (!(request.headers['content-type'] ?? '').includes('application/json')) {
      return { failure: FAILURES.contentType() };
    }
    const value = parseJson(text);
    const batch = route.operation === 'batch' ? attempt(() => batchOf(value)) : undefined;
    const size = batch === undefined ? 1 : 'failure' in batch ? 0 : batchSize(batch.value);
    this.#parts.traffic.carries(entry, size);
    return value === undefined ? { failure: FAILURES.body() } : { value };
  }

  #execute(call: Call, admitted: Attempt<Admission>, body: Attempt<unknown>): Answer {
    const { route, url, entry, method, fault } = call;
    const { api, faults } = this.#parts;
    const effect = fault?.spec.effect;
    const done = attempt(() => {
      const admission = unwrap(admitted);
      if ('answer' in admission) return admission.answer;
      return api.execute({
        route,
        path: url.pathname,
        query: url.searchParams,
        body: unwrap(body),
        grant: admission.grant,
        sequence: entry.sequence,
        staleWrites: effect?.kind === 'stale' ? effect.writes : 0,
        check: (record, pointer) =>
          faults.refuse({ operation: route.operation, method, path: entry.path, zone: entry.zone }, record, pointer),
      });
    });
    return 'failure' in done ? failureAnswer(done.failure) : done.value;
  }

  /** Waits until the fault is cleared. Rejects when the simulator ends. */
  async #hold({ fault }: Call): Promise<void> {
    if ((await fault?.hold()) === false) throw new Error('the simulator ends');
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await sleep(this.#parts.clock, ms, this.#parts.ended);
  }

  #gone({ entry }: Call, end: () => void): void {
    this.#parts.traffic.end(entry, 'none', null);
    end();
  }

  async #send(call: Call, answer: Answer): Promise<void> {
    const { response, rate, fault, entry } = call;
    const { clock, ended, traffic, settings } = this.#parts;
    this.#rays += 1;
    response.setHeader('cf-ray', `${this.#rays.toString(16).padStart(16, '0')}-SIM`);
    if (rate !== undefined && settings.rateLimitHeaders) {
      const { requests, windowMs } = settings.rateLimit?.options ?? { requests: 0, windowMs: 0 };
      response.setHeader('Ratelimit', `"default";r=${rate.remaining};t=${rate.resetSeconds}`);
      response.setHeader('Ratelimit-Policy', `"default";q=${requests};w=${Math.ceil(windowMs / 1000)}`);
    }
    // Counted before the last byte is out, so that whoever has the answer finds it in the counters.
    traffic.end(entry, answer.status, answer.code);
    await send(response, answer, fault?.spec.effect, { clock, ended });
  }
}

/** A caller who may go on, or whose answer is known already. */
type Admission = { readonly grant: Grant } | { readonly answer: Answer };

type Attempt<T> = { readonly value: T } | { readonly failure: ApiFailure };

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof ApiFailure) return { failure: error };
    throw error;
  }
}

function unwrap<T>(attempt: Attempt<T>): T {
  if ('failure' in attempt) throw attempt.failure;
  return attempt.value;
}

/** Throws ApiFailure for a caller who is not let in. */
function admit(route: Route, tokens: Tokens, header: string | undefined, address: string): Admission {
  if (route.operation !== 'verify') return { grant: tokens.authorize(header, address) };
  if (route.accountId !== undefined && !isAccount(route.accountId)) throw FAILURES.notPermitted();
  const { id, status } = tokens.verify(header, address);
  // Code 10000 stands in the message of a success, too (developers.cloudflare.com/api/resources/user/subresources/tokens/).
  const messages =
    status === 'active' ? '[{"code":10000,"message":"This API Token is valid and active","type":null}]' : '[]';
  return { answer: success(JSON.stringify({ id, status }), messages) };
}

/** The answer of a fault that comes in the place of any work. */
function replacedBy(effect: Fault['spec']['effect']): Answer | undefined {
  if (effect.kind === 'html') return htmlAnswer(effect.status);
  if (effect.kind === 'limited') return limitedAnswer(effect.seconds === undefined ? 1 : effect.seconds, effect.code);
  if (effect.kind !== 'status') return undefined;
  const { status, code = 10001, message = 'Internal server error' } = effect;
  return failureAnswer(new ApiFailure(status, { code, message }));
}

function tooMany({ settings }: EndpointParts): string {
  const { requests, windowMs } = settings.rateLimit?.options ?? { requests: 0, windowMs: 0 };
  return `Please wait and consider throttling your request speed: more than ${requests} requests in ${windowMs / 1000} s.`;
}
