/**
 * A local Cloudflare: the part of the v4 API that deals with zones and DNS records, faithful to its documented limits, error
 * codes, normal forms and transactions, and to what its users report where the documentation is silent.
 *
 *     const simulator = await startSimulator({ port: 8799 });
 *     simulator.seed([{ name: 'example.com', plan: 'pro', records: [{ type: 'A', name: '@', content: '192.0.2.1' }] }]);
 *     // CLOUDFLARE_BASE_URL=simulator.url, any token
 *
 * It serves `zonekeeper simulate`, the demo, rehearsals of one's own set-up, and tests. Besides the API there is a control
 * side, over HTTP under `/_simulator` and in process by the methods of {@link Simulator}: zones and records to start from,
 * edits as a person at the dashboard would make them, faults, tokens, latency, counters, a log of requests and a log of
 * changes. Everything is in memory. `GET /` lists the routes.
 *
 * How a request goes: `endpoint.ts` (count, authorize, limit, faults) → `api.ts` (one method an operation) → `writes.ts`
 * (transactions) → `zone.ts` (records, and what may stand beside what). `fields.ts`, `name.ts` and `content.ts` hold the
 * normal forms; `list.ts` the filters; `failure.ts` every error code.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, type Random, systemClock } from '../controller/clock.ts';
import { Control, type Simulation } from './control.ts';
import { ControlRoutes } from './control-routes.ts';
import { Endpoint } from './endpoint.ts';
import { indexPage } from './index-page.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import { API_PREFIX } from './route.ts';
import type { TokenOptions } from './tokens.ts';
import type { ZoneSeed } from './world.ts';

/** How a simulator starts. */
export interface SimulatorOptions {
  /** Address to listen on: 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** 0, the default, takes a free one. */
  readonly port?: number | undefined;
  /** The accepted tokens; any that is not empty by default. */
  readonly tokens?: readonly (string | TokenOptions)[] | undefined;
  /** Milliseconds that each answer takes: 0 by default. Half of it passes before the request is carried out. */
  readonly latencyMs?: number | undefined;
  /** `off`, or other numbers than Cloudflare's 1,200 in 300,000 ms for all tokens together. */
  readonly rateLimit?: RateLimitOptions | 'off' | undefined;
  /** Whether answers carry `Ratelimit` and `Ratelimit-Policy`: yes by default. */
  readonly rateLimitHeaders?: boolean | undefined;
  /** Zones to start with. */
  readonly zones?: readonly ZoneSeed[] | undefined;
  /** For latency, windows, dates and logs: the system's by default. */
  readonly clock?: Clock | undefined;
  /** For faults with a probability: `Math.random` by default. */
  readonly random?: Random | undefined;
  /** Requests that the request log keeps at least: 10,000 by default. */
  readonly requestLog?: number | undefined;
  /** Changes that the change log keeps at least: 200,000 by default. */
  readonly changeLog?: number | undefined;
}

/** A running simulator: its addresses, and all of its control side. */
export interface Simulator extends Simulation {
  /** Base URL of the API, for CLOUDFLARE_BASE_URL: `http://127.0.0.1:8799/client/v4`. */
  readonly url: string;
  /** `http://127.0.0.1:8799`; the control routes are below it, under `/_simulator`. */
  readonly origin: string;
  /** Stops at once: open connections are cut, held requests are dropped without effect. Idempotent. */
  close(): Promise<void>;
}

/** Longer than clients keep a connection, so that none is closed just as a request leaves. */
const KEEP_ALIVE_MS = 75_000;

/** Starts a simulator. Rejects when the address cannot be listened on or a seed is not valid. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const control = new Control({
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    requestLog: options.requestLog ?? 10_000,
    changeLog: options.changeLog ?? 200_000,
    settings: {
      latencyMs: options.latencyMs,
      rateLimit: options.rateLimit === 'off' ? null : options.rateLimit,
      rateLimitHeaders: options.rateLimitHeaders,
    },
    tokens: options.tokens?.map((token) => (typeof token === 'string' ? { token } : token)) ?? null,
    zones: options.zones ?? [],
  });
  const ended = new AbortController();
  const server = createSimulatorServer(control, ended.signal);
  const origin = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= new Promise((resolve) => {
      ended.abort();
      control.end();
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closed;
  };
  return Object.assign(control, { url: origin + API_PREFIX, origin, close });
}

function createSimulatorServer(control: Control, ended: AbortSignal): Server {
  const endpoint = new Endpoint({ ...control.parts, ended });
  const routes = new ControlRoutes(control);
  const server = createServer((request, response) => {
    // A connection that breaks is the caller's matter, or one of our faults.
    response.on('error', () => {});
    // Whatever is asked for, even `//` or a whole address, is taken as a path.
    const url = URL.parse(`http://simulator${request.url}`) ?? new URL('http://simulator/invalid');
    if (url.pathname.startsWith('/_simulator')) void routes.handle(request, response, url);
    else if (url.pathname !== '/') void endpoint.handle(request, response, url);
    else response.setHeader('content-type', 'text/plain; charset=utf-8').end(indexPage());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // A request may be held for as long as a fault says.
  server.requestTimeout = 0;
  return server;
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const { address, port: actual, family } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`);
    });
  });
}

export type { Actor, ChangeEntry, ChangeFilter } from './change-log.ts';
export type { ChangesAnswer, RecordFilter, RequestsAnswer, SettingsState, ZoneSummary } from './control.ts';
export type { FaultEffect, FaultSpec, FaultStatus } from './fault.ts';
export type { RecordInput } from './fields.ts';
export type { RecordSelector } from './person.ts';
export type { PlanName } from './plan.ts';
export type { RateLimitOptions } from './rate-limit.ts';
export type { DnsRecord } from './record.ts';
export type { SettingsChange } from './settings.ts';
export type { TokenOptions } from './tokens.ts';
export type { Counters, Operation, RequestEntry } from './traffic.ts';
export type { ZoneSeed } from './world.ts';
