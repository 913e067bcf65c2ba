import type { Answer } from '../../src/simulator/answer.ts';
import { failureAnswer, htmlAnswer, limitedAnswer } from '../../src/simulator/answer.ts';
import type { ChangeEntry } from '../../src/simulator/change-log.ts';
import { Control } from '../../src/simulator/control.ts';
import { ApiFailure } from '../../src/simulator/failure.ts';
import { routeOf } from '../../src/simulator/route.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

/** What a fault does to one API call. */
export const API_EFFECTS = [
  ...(['crash before', 'crash after', 'reset before', 'lost after', 'late', 'hangs'] as const),
  ...(['html', 'status 500', 'truncated', 'empty', 'limited', 'limited silently', 'stale', 'refused'] as const),
] as const;
export type ApiEffect = (typeof API_EFFECTS)[number];

/** A request that leaves a process. */
export interface Departure {
  readonly machine: Machine;
  readonly operation: string;
  readonly zoneId: string | null;
  readonly body: BatchSent | null;
}

/** The body of a batch call. */
export interface BatchSent {
  readonly deletes?: readonly { readonly id: string }[];
  readonly patches?: readonly { readonly id: string; readonly name: string }[];
  readonly posts?: readonly { readonly name: string; readonly comment: string }[];
}

/** What the world does to calls, and what it is told of them. */
export interface Sky {
  strike(machine: Machine, operation: string): ApiEffect | null;
  onDeparture(departure: Departure): void;
  onArrival(departure: Departure): void;
}

const BATCH = 200;
/** Pages as small as this make lists of several pages from a handful of records. */
const SMALL_PAGE = 5;
const HANGS_MS = 120_000;
const LATE_MS = 40_000;

/** Cloudflare in this process: the simulator without HTTP, reached by a `fetch` that the world can strike. */
export class MemoryCloudflare {
  readonly control: Control;
  readonly #scheduler: Scheduler;
  readonly #sky: Sky;
  readonly #smallPages: boolean;
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

  changes(since = 0): readonly ChangeEntry[] {
    return this.control.changes({ since }).changes;
  }

  /** What a process calls Cloudflare with. */
  fetchOf(machine: Machine): typeof fetch {
    return (input, init) => this.#call(machine, new URL(String(input)), init ?? {});
  }

  #call(machine: Machine, url: URL, init: RequestInit): Promise<Response> {
    const scheduler = this.#scheduler;
    const { life } = machine;
    const method = init.method?.toUpperCase() ?? 'GET';
    const route = routeOf(method, url.pathname);
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as BatchSent) : null;
    const departure = { machine, operation: route.operation, zoneId: route.zoneId ?? null, body };
    return new Promise((resolve, reject) => {
      if (!machine.alive) return;
      const effect = this.#sky.strike(machine, route.operation);
      if (effect === 'crash before') return machine.crash();
      this.#sky.onDeparture(departure);
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      const broken = () => reject(new TypeError('fetch failed', { cause: new Error('ECONNRESET') }));
      const back = (ms: number, run: () => void) => void scheduler.after(ms, machine, run, life);
      if (effect === 'reset before') return back(scheduler.delay(1, 100), broken);
      const there = effect === 'late' ? scheduler.delay(1_000, LATE_MS) : scheduler.delay(5, 150);
      scheduler.after(there, null, () => {
        this.#sky.onArrival(departure);
        const instead = replaced(effect, route.operation === 'batch');
        const answer = instead ?? this.#execute(url, method, init, effect);
        scheduler.tell(
          machine.name,
          () => `api.${route.operation} ${answer.status}${effect === null ? '' : ` (${effect})`}`,
        );
        if (effect === 'crash after' && machine.life === life) return machine.crash();
        const ms = effect === 'hangs' ? HANGS_MS : scheduler.delay(5, 150);
        const text = effect === 'truncated' ? answer.body.slice(0, answer.body.length / 2) : answer.body;
        back(ms, effect === 'lost after' ? broken : () => resolve(responseOf(answer, text, url)));
      });
    });
  }

  #execute(url: URL, method: string, init: RequestInit, effect: ApiEffect | null): Answer {
    const route = routeOf(method, url.pathname);
    const query = new URLSearchParams(url.search);
    if (this.#smallPages && route.operation === 'list_records') query.set('per_page', String(SMALL_PAGE));
    this.#sequence += 1;
    try {
      const { api, tokens } = this.control.parts;
      const header = new Headers(init.headers as Record<string, string>).get('authorization') ?? undefined;
      const grant = tokens.authorize(header, '192.0.2.250');
      return api.execute({
        route,
        path: url.pathname,
        query,
        body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
        grant,
        sequence: this.#sequence,
        staleWrites: effect === 'stale' ? 1 + this.#scheduler.below(4) : 0,
        check: () => {
          if (effect !== 'refused') return;
          throw new ApiFailure(400, { code: 9005, message: 'Content for A record must be a valid IPv4 address.' });
        },
      });
    } catch (error) {
      if (error instanceof ApiFailure) return failureAnswer(error);
      throw error;
    }
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

function responseOf(answer: Answer, text: string, url: URL): Response {
  const headers = new Headers({ 'content-type': answer.type ?? 'application/json', ...answer.headers });
  const { status } = answer;
  const response = { status, ok: status < 300, statusText: '', headers, url: url.href, redirected: false, body: null };
  const json = async () => JSON.parse(text);
  return { ...response, text: async () => text, json } as unknown as Response;
}
