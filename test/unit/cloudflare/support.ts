import type { ApiObserver, CallReport, CloudflareOptions } from '../../../src/cloudflare/client.ts';
import { CloudflareApi } from '../../../src/cloudflare/client.ts';
import type { Limiter, RunOptions } from '../../../src/cloudflare/limiter.ts';
import type { WriteOperation, WriteUnit, Zone } from '../../../src/cloudflare/port.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export const TOKEN = 'a-token-that-nobody-may-see';
export const ZONE: Zone = { id: 'z1', name: 'example.com', batchLimit: 200, commentLimit: 100, paused: false };

/** Lets every call through and remembers what it was told. */
export class OpenLimiter implements Limiter {
  runs = 0;
  readonly priorities: (number | undefined)[] = [];
  readonly learnt: (string | null)[] = [];
  readonly blocks: (number | undefined)[] = [];

  async run<T>(call: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    options.admit?.();
    this.runs += 1;
    this.priorities.push(options.priority);
    return call();
  }

  async ready(): Promise<void> {}

  learn(headers: Headers): void {
    this.learnt.push(headers.get('ratelimit'));
  }

  limited(retryAfterMs: number | undefined): void {
    this.blocks.push(retryAfterMs);
  }
}

export class Reports implements ApiObserver {
  readonly calls: CallReport[] = [];
  readonly batches: number[] = [];

  onCall(report: CallReport): void {
    this.calls.push(report);
  }

  onBatch(operations: number): void {
    this.batches.push(operations);
  }
}

/** One request as the fake server got it. */
export interface Received {
  readonly method: string;
  readonly url: URL;
  readonly token: string | null;
  readonly body: unknown;
}

export type Answering = (request: Received, init: RequestInit) => Response | Promise<Response>;

/** An API whose `fetch` is the function given. */
export function fakeApi(answer: Answering, options: Partial<CloudflareOptions> = {}) {
  const limiter = new OpenLimiter();
  const reports = new Reports();
  const clock = new VirtualClock();
  const received: Received[] = [];
  const fetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const request: Received = {
      method: init.method ?? 'GET',
      url: new URL(String(url)),
      token: new Headers(init.headers).get('authorization'),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    };
    received.push(request);
    return answer(request, init);
  };
  const api = new CloudflareApi({
    token: TOKEN,
    clock,
    limiter,
    observer: reports,
    baseUrl: 'http://cloudflare.test/client/v4',
    fetch: fetch as typeof globalThis.fetch,
    ...options,
  });
  return { api, limiter, reports, clock, received };
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}

export function ok(result: unknown, info: object = {}): Response {
  return json({ success: true, errors: [], messages: [], result, result_info: info });
}

export function refusal(status: number, ...errors: readonly object[]): Response {
  return json({ success: false, errors, messages: [], result: null }, status);
}

export function create(fqdn: string, content = '192.0.2.1'): WriteOperation {
  return {
    action: 'create',
    fqdn,
    spec: { type: 'A', content, ttl: 1, proxied: false },
    comment: `zonekeeper/test/${fqdn.split('.')[0]}`,
  };
}

export function update(fqdn: string, recordId: string, content = '192.0.2.2'): WriteOperation {
  return { action: 'update', fqdn, recordId, spec: { type: 'A', content, ttl: 1, proxied: false } };
}

export function remove(fqdn: string, recordId: string): WriteOperation {
  return { action: 'delete', fqdn, recordId };
}

export function unit(...operations: readonly WriteOperation[]): WriteUnit {
  return { fqdn: operations[0]?.fqdn ?? '', operations };
}

/** A record as Cloudflare shows it. */
export function raw(fields: Partial<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'r1',
    name: 'www.example.com',
    type: 'A',
    content: '192.0.2.1',
    proxiable: true,
    proxied: false,
    ttl: 1,
    settings: {},
    meta: {},
    comment: null,
    tags: [],
    created_on: '2025-01-01T00:00:00.000000Z',
    modified_on: '2025-01-01T00:00:00.000000Z',
    ...fields,
  };
}

/** Carries out a batch like a server that refuses nothing. */
export function carriedOut(body: unknown): object {
  const { deletes = [], patches = [], posts = [] } = body as Record<string, Record<string, unknown>[]>;
  return {
    deletes: deletes.map(({ id }) => raw({ id })),
    patches: patches.map((patch) => raw(patch)),
    posts: posts.map((post, index) => raw({ ...post, id: `new-${index}-${post.name}` })),
  };
}
