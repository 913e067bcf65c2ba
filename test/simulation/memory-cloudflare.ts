import { APIConnectionError, APIError, APIUserAbortError } from 'cloudflare/core/error';
import type { Sdk, SdkOptions } from '../../src/cloudflare/transport.ts';
import type { Answer } from '../../src/simulator/answer.ts';
import { failureAnswer, htmlAnswer, limitedAnswer } from '../../src/simulator/answer.ts';
import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { Control } from '../../src/simulator/control.ts';
import { ApiFailure, FAILURES } from '../../src/simulator/failure.ts';
import { API_PREFIX, type Route, routeOf } from '../../src/simulator/route.ts';
import type { Machine } from './machine.ts';
import { API_POINTS, type ApiPoint } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

/** What a fault does to one API call. */
export const API_EFFECTS = [
  ...(['crash before', 'crash after', 'pause after', 'unreachable', 'reset before'] as const),
  ...(['lost after', 'lost, then late', 'late', 'hangs'] as const),
  ...(['html', 'status 500', 'truncated', 'empty', 'limited', 'limited silently', 'stale', 'refused'] as const),
] as const;
export type ApiEffect = (typeof API_EFFECTS)[number];

/** A request that leaves a process. */
export interface Departure {
  readonly machine: Machine;
  /** The life of the machine in which it left. */
  readonly life: number;
  readonly operation: string;
  readonly zoneId: string | null;
  readonly body: BatchSent | null;
  /** The fault that strikes it. */
  readonly effect: ApiEffect | null;
}

/** The body of a batch call. */
export interface BatchSent {
  readonly deletes?: readonly { readonly id: string }[];
  readonly patches?: readonly { readonly id: string; readonly name: string }[];
  readonly posts?: readonly { readonly name: string; readonly comment: string }[];
}

/** What the world does to calls, and what it is told of them. */
export interface Sky {
  strike(machine: Machine, point: ApiPoint): ApiEffect | null;
  onDeparture(departure: Departure): void;
  onArrival(departure: Departure): void;
  /** A process waits for the answer no longer, and counts on the call not to take effect any more. */
  onGivenUp(departure: Departure): void;
  /** A request has changed records. */
  onMade(departure: Departure, entries: readonly ChangeEntry[]): void;
  /** A process reads that its budget is spent, and for how long: null where the answer does not say. */
  onLimited(departure: Departure, retryAfterMs: number | null): void;
}

/** Does a call take effect when nobody may wait for it any more? */
export function isLate(effect: ApiEffect | null): boolean {
  return effect === 'late' || effect === 'lost, then late';
}

const BATCH = 200;
/** Pages as small as this make lists of several pages from a handful of records. */
const SMALL_PAGE = 3;
const HANGS_MS = 120_000;
/** Nobody waits for a call for longer. */
const GIVEN_UP_MS = 31_000;
/** Within what a caller waits, within what its successor has to wait, or after that. */
const LATE_MS = [1_000, 18_000, GIVEN_UP_MS] as const;
const LATE_BY_MS = 9_000;

/** Cloudflare in this process: the simulator without HTTP, reached by a `fetch` that the world can strike. */
export class MemoryCloudflare {
  readonly control: Control;
  readonly #scheduler: Scheduler;
  readonly #sky: Sky;
  readonly #smallPages: boolean;
  /** Until when. */
  readonly #poisoned = new Map<string, number>();
  readonly #full = new Map<string, number>();
  #sequence = 0;

  constructor(scheduler: Scheduler, sky: Sky, zones: readonly string[], smallPages: boolean) {
    this.#scheduler = scheduler;
    this.#sky = sky;
    this.#smallPages = smallPages;
    this.control = new Control({
      clock: { now: () => scheduler.now, wall: () => scheduler.now, after: () => ({ cancel: () => undefined }) },
      random: () => scheduler.random(),
      requestLog: 10,
      changeLog: 20_000,
      settings: {},
      tokens: null,
      zones: zones.map((name) => ({ name, quota: 2 * BATCH })),
    });
  }

  /** Number of the last change. */
  get last(): number {
    return this.control.parts.changes.last;
  }

  /** From now on, for so long, nothing may be written to this name. */
  poison(fqdn: string, ms: number): void {
    this.#poisoned.set(fqdn, this.#scheduler.now + ms);
  }

  /** The zone takes no more records for so long. */
  fill(zoneId: string, ms: number): void {
    this.#full.set(zoneId, this.#scheduler.now + ms);
  }

  /** Everything is taken again. */
  calm(): void {
    this.#poisoned.clear();
    this.#full.clear();
  }

  changes(since = 0): readonly ChangeEntry[] {
    return this.control.changes({ since }).changes;
  }

  /** What a process calls Cloudflare with, through the SDK. */
  fetchOf(machine: Machine): typeof fetch {
    return (input, init) => {
      const url = new URL(String(input));
      const method = init?.method?.toUpperCase() ?? 'GET';
      const header = new Headers(init?.headers as Record<string, string>).get('authorization');
      const asked = {
        route: routeOf(method, url.pathname),
        path: url.pathname,
        query: url.searchParams,
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
        authorization: header ?? undefined,
      };
      const { signal } = init ?? {};
      return this.#call(machine, asked, {
        short: false,
        signal,
        aborted: () => signal?.reason,
        broken: (error) => error,
      });
    };
  }

  /** The same without the SDK's ways: most of the time of a schedule would be spent there. */
  sdkOf(machine: Machine, token: string): Sdk {
    const send = async (asked: Omit<Asked, 'authorization'>, { signal }: SdkOptions) => {
      const response = await this.#call(machine, { ...asked, authorization: `Bearer ${token}` }, { signal, ...AS_SDK });
      if (response.ok) return response;
      const text = await response.text();
      const body = parsed(text);
      throw APIError.generate(response.status, body, body === undefined ? text : undefined, response.headers);
    };
    const call = (asked: Omit<Asked, 'authorization'>, options: SdkOptions) => {
      const sent = send(asked, options);
      return { asResponse: () => sent };
    };
    return {
      zones: {
        list: (params, options) =>
          call({ route: { operation: 'list_zones' }, path: `${API_PREFIX}/zones`, query: queryOf(params) }, options),
      },
      dns: {
        records: {
          list: ({ zone_id: zoneId, ...params }, options) => {
            const route = { operation: 'list_records', zoneId } as const;
            return call({ route, path: pathOf(zoneId), query: queryOf(params) }, options);
          },
          batch: ({ zone_id: zoneId, ...params }, options) => {
            const route = { operation: 'batch', zoneId } as const;
            const path = `${pathOf(zoneId)}/batch`;
            return call({ route, path, query: new URLSearchParams(), body: params }, options);
          },
        },
      },
    };
  }

  #call(machine: Machine, asked: Asked, { short, signal, aborted, broken }: Ways): Promise<Response> {
    const scheduler = this.#scheduler;
    const { life } = machine;
    const { zoneId } = asked.route;
    const operation = pointOf(asked);
    return new Promise((resolve, reject) => {
      if (!machine.alive) return;
      const effect = this.#sky.strike(machine, operation);
      if (effect === 'crash before') return machine.crash();
      const body = (asked.body ?? null) as BatchSent | null;
      const departure = { machine, life, operation, zoneId: zoneId ?? null, body, effect };
      this.#sky.onDeparture(departure);
      const giveUp = () => {
        this.#sky.onGivenUp(departure);
        reject(aborted());
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      const back = (ms: number, run: () => void) => void scheduler.after(ms, machine, run, life);
      const lose = () => reject(broken(reset()));
      if (effect === 'unreachable') {
        this.#sky.onGivenUp(departure);
        return back(scheduler.delay(1, 100), () => reject(broken(refused())));
      }
      if (effect === 'reset before') return back(scheduler.delay(1, 100), lose);
      if (effect === 'lost, then late') {
        // A gateway gives up, what stands behind it does not: nobody can tell that from a call that never got there.
        back(scheduler.delay(1, 100), () => {
          this.#sky.onGivenUp(departure);
          lose();
        });
      }
      const there = isLate(effect) ? scheduler.pick(LATE_MS) + scheduler.delay(0, LATE_BY_MS) : scheduler.delay(5, 150);
      if (isLate(effect)) scheduler.linger(there);
      if (effect === 'hangs') scheduler.linger(GIVEN_UP_MS);
      scheduler.after(there, null, () => {
        this.#sky.onArrival(departure);
        const instead = replaced(effect, operation === 'batch');
        const { last } = this;
        const answer = instead ?? this.#execute(asked, effect);
        if (this.last !== last) this.#sky.onMade(departure, this.changes(last));
        scheduler.tell(machine.name, () => `api.${operation} ${answer.status}${effect === null ? '' : ` (${effect})`}`);
        if (effect === 'crash after' && machine.life === life) return machine.crash();
        if (effect === 'pause after' && machine.life === life) machine.pauseForAWhile();
        const ms = effect === 'hangs' ? HANGS_MS : scheduler.delay(5, 150);
        const text = effect === 'truncated' ? answer.body.slice(0, answer.body.length / 2) : answer.body;
        back(ms, () => {
          if (effect === 'lost after' || effect === 'lost, then late') return lose();
          // Who has given up does not read it.
          if (answer.status === 429 && signal?.aborted !== true) this.#sky.onLimited(departure, retryAfterOf(answer));
          resolve(responseOf(answer, text, short));
        });
      });
    });
  }

  #lasts(until: ReadonlyMap<string, number>, key: string): boolean {
    return (until.get(key) ?? 0) > this.#scheduler.now;
  }

  #execute({ route, path, query, body, authorization }: Asked, effect: ApiEffect | null): Answer {
    // A look at one name comes in one page: no name has as many records as a page of Cloudflare's holds.
    const ofZone = route.operation === 'list_records' && !query.has('name.exact');
    if (this.#smallPages && ofZone) query.set('per_page', String(SMALL_PAGE));
    this.#sequence += 1;
    try {
      const { api, tokens } = this.control.parts;
      return api.execute({
        route,
        path,
        query,
        body,
        grant: tokens.authorize(authorization, '192.0.2.250'),
        sequence: this.#sequence,
        staleWrites: effect === 'stale' ? 1 + this.#scheduler.below(4) : 0,
        check: ({ name }, pointer) => {
          if (effect === 'refused' || this.#lasts(this.#poisoned, name)) throw FAILURES.ipv4();
          if (pointer.startsWith('/posts') && this.#lasts(this.#full, route.zoneId ?? '')) throw FAILURES.quota();
        },
      });
    } catch (error) {
      if (error instanceof ApiFailure) return failureAnswer(error);
      throw error;
    }
  }
}

/** One request. */
interface Asked {
  readonly route: Route;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body?: unknown;
  readonly authorization: string | undefined;
}

/** How a call is given up, and what is thrown then and for a connection that breaks. */
interface Ways {
  /** Without the SDK. */
  readonly short: boolean;
  readonly signal: AbortSignal | null | undefined;
  readonly aborted: () => unknown;
  readonly broken: (error: Error) => unknown;
}

/** What the SDK throws. */
const AS_SDK = {
  short: true,
  aborted: () => new APIUserAbortError(),
  broken: (cause: Error) => new APIConnectionError({ cause }),
};

/** What `fetch` throws when the connection is lost. */
function reset(): Error {
  return failed('read', 'ECONNRESET');
}

/** What `fetch` throws when there is none: nothing was sent. */
function refused(): Error {
  return failed('connect', 'ECONNREFUSED');
}

function failed(syscall: string, code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(`${syscall} ${code}`), { code, syscall }) });
}

/** Where a fault can strike: the pages of a list are calls of their own, and so is a look at one name. */
function pointOf({ route: { operation }, query }: Asked): ApiPoint {
  if (operation !== 'list_records') {
    const point = API_POINTS.find((one) => one === operation);
    if (point === undefined) throw new Error(`No fault strikes ${operation}: it is none of the points of plan.ts.`);
    return point;
  }
  if (query.has('name.exact')) return 'lookup';
  return (query.get('page') ?? '1') === '1' ? operation : 'next_page';
}

function pathOf(zoneId: string): string {
  return `${API_PREFIX}/zones/${zoneId}/dns_records`;
}

/** Nested parameters are written with a dot, as the SDK does it. */
function queryOf(params: object): URLSearchParams {
  const flat = Object.entries(params).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([inner, one]) => [`${key}.${inner}`, String(one)])
      : [[key, String(value)]],
  );
  return new URLSearchParams(flat as [string, string][]);
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The answer of a fault that comes in the place of any work. */
function replaced(effect: ApiEffect | null, write: boolean): Answer | null {
  if (effect === 'html') return htmlAnswer(502);
  if (effect === 'status 500') return failureAnswer(new ApiFailure(500, { code: 10001, message: 'Internal error' }));
  if (effect === 'limited') return limitedAnswer(5);
  if (effect === 'limited silently') return limitedAnswer(null);
  // An empty list where there is none, and a success that tells nothing.
  if (effect === 'empty') return { status: 200, code: null, body: write ? '' : '{"success":true,"result":null}' };
  return null;
}

function responseOf({ status, type = 'application/json', headers }: Answer, text: string, short: boolean): Response {
  const given = { 'content-type': type, ...headers };
  // Making real ones takes longer than the whole answer.
  const all = short ? { get: (name: keyof typeof given) => given[name] ?? null } : new Headers(given);
  const response = { status, ok: status < 300, statusText: '', headers: all, url: '', redirected: false, body: null };
  const json = async () => JSON.parse(text);
  return { ...response, text: async () => text, json } as unknown as Response;
}

function retryAfterOf({ headers }: Answer): number | null {
  const seconds = headers?.['retry-after'];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}
