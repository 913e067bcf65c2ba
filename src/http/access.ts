import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ZonekeeperError } from '../errors.ts';
import type { Access } from './services.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, where somebody else than the configuration knows the token. */
    user: string | null;
  }
}

/**
 * Throws `unauthorized` or `not_permitted` unless the request carries a token that may do what it asks for, or may read
 * without one; or the error of whoever should have known the token.
 */
export async function authorize(request: FastifyRequest, access: Access): Promise<void> {
  const token = access.token();
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const sent = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === null && access.review === null) {
    if (reads || !access.anonymousRead) return;
    throw new ZonekeeperError(
      'unauthorized',
      'Without ZONEKEEPER_API_TOKEN, this daemon answers only reading requests.',
    );
  }
  if (sent === undefined) {
    if (reads && access.anonymousRead) return;
    throw new ZonekeeperError('unauthorized', 'The request carries no token.');
  }
  if (token !== null && equal(sent, token)) return;
  if (access.review === null) throw new ZonekeeperError('unauthorized', 'The token is not the right one.');
  const verdict = await access.review(sent, reads ? 'read' : 'write');
  request.user = verdict.user;
  if (verdict.allowed) return;
  throw new ZonekeeperError(verdict.user === null ? 'unauthorized' : 'not_permitted', verdict.reason);
}

// Digests have one length, so that the comparison takes the same time for every guess.
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/**
 * Refuses what a page of somebody else could make a browser send: a request whose Origin is not our own, and, where no
 * token guards us, a Host that is not ours (DNS rebinding).
 */
export function requireSameSite(request: FastifyRequest, access: Access): void {
  const { host, origin } = request.headers;
  if (origin !== undefined && origin !== 'null' && hostOf(origin) !== host) {
    throw new ZonekeeperError('forbidden', `The request comes from ${shown(origin)}.`);
  }
  if (origin === 'null' && request.method !== 'GET')
    throw new ZonekeeperError('forbidden', 'The request has no origin.');
  if (access.token() !== null || access.review !== null || access.hosts.length === 0) return;
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.test(name) && !access.hosts.includes(name)) {
    throw new ZonekeeperError('forbidden', `This daemon is not called ${shown(name)}.`);
  }
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 100));

/** Who asked, as it is written into operations and history: whom the token names, or what the client calls itself, and from where. */
export function actorOf(request: FastifyRequest): string {
  const claimed = request.user ?? request.headers['x-zonekeeper-actor'];
  const agent = typeof claimed === 'string' && claimed !== '' ? claimed : 'api';
  // One line of printable ASCII: it is shown on pages and in logs.
  return `${agent.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)} (${request.ip})`;
}

/** The trace context that goes into an operation. */
export function traceOf(request: FastifyRequest): { traceparent?: string } {
  return request.traced === null ? {} : { traceparent: request.traced.traceparent };
}
