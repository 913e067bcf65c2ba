import type { Operation } from './traffic.ts';

/** The prefix of Cloudflare's API. */
export const API_PREFIX = '/client/v4';

/** What a method and a path ask for. */
export interface Route {
  readonly operation: Operation;
  readonly zoneId?: string;
  readonly recordId?: string;
  readonly accountId?: string;
  /** The path exists, the method does not. */
  readonly wrongMethod?: boolean;
}

const RECORD_OPERATIONS: Readonly<Record<string, Operation>> = {
  GET: 'get',
  PATCH: 'update',
  PUT: 'overwrite',
  DELETE: 'delete',
};

/** The operation behind a path of the API (without query); `unknown` when there is none. */
export function routeOf(method: string, path: string): Route {
  if (!path.startsWith(`${API_PREFIX}/`)) return { operation: 'unknown' };
  const parts = path.slice(API_PREFIX.length).split('/').slice(1);
  const [first, second = '', third, fourth, ...more] = parts;
  if (more.length > 0) return { operation: 'unknown' };
  if (first === 'user')
    return only(method, 'GET', path === `${API_PREFIX}/user/tokens/verify`, { operation: 'verify' });
  if (first === 'accounts') {
    const known = third === 'tokens' && fourth === 'verify';
    return only(method, 'GET', known, { operation: 'verify', accountId: second });
  }
  if (first !== 'zones') return { operation: 'unknown' };
  if (parts.length === 1) return only(method, 'GET', true, { operation: 'list_zones' });
  if (parts.length === 2) return only(method, 'GET', second !== '', { operation: 'get_zone', zoneId: second });
  if (third !== 'dns_records' || second === '') return { operation: 'unknown' };
  return recordRoute(method, second, fourth);
}

function recordRoute(method: string, zoneId: string, last: string | undefined): Route {
  if (last === undefined) {
    if (method === 'POST') return { operation: 'create', zoneId };
    return only(method, 'GET', true, { operation: 'list_records', zoneId });
  }
  if (last === 'batch') return only(method, 'POST', true, { operation: 'batch', zoneId });
  if (last === 'usage') return only(method, 'GET', true, { operation: 'usage', zoneId });
  const operation = RECORD_OPERATIONS[method];
  if (last === '') return { operation: 'unknown' };
  return operation === undefined ? { operation: 'unknown', wrongMethod: true } : { operation, zoneId, recordId: last };
}

function only(method: string, allowed: string, known: boolean, route: Route): Route {
  if (!known) return { operation: 'unknown' };
  return method === allowed ? route : { operation: 'unknown', wrongMethod: true };
}
