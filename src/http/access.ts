import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ZonekeeperError } from '../errors.ts';
import type { Access } from './services.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Throws `unauthorized` unless the request carries the token, or may read without it. */
export function requireToken(request: FastifyRequest, access: Access): void {
  const token = access.token();
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (token === null) {
    if (reads || !access.anonymousRead) return;
    throw new ZonekeeperError(
      'unauthorized',
      'Without ZONEKEEPER_API_TOKEN, this daemon answers only reading requests.',
    );
  }
  const sent = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (sent !== undefined && equal(sent, token)) return;
  if (reads && sent === undefined && access.anonymousRead) return;
  throw new ZonekeeperError(
    'unauthorized',
    sent === undefined ? 'The request carries no token.' : 'The token is not the right one.',
  );
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
  if (access.token() !== null || access.hosts.length === 0) return;
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.test(name) && !access.hosts.includes(name)) {
    throw new ZonekeeperError('forbidden', `This daemon is not called ${shown(name)}.`);
  }
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 100));

/** Who asked, as it is written into operations and history: what the client calls itself, and from where. */
export function actorOf(request: FastifyRequest): string {
  const claimed = request.headers['x-zonekeeper-actor'];
  const agent = typeof claimed === 'string' && claimed !== '' ? claimed : 'api';
  // One line of printable ASCII: it is shown on pages and in logs.
  return `${agent.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)} (${request.ip})`;
}
