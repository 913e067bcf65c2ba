import { problemOf, unreachable } from './problem.ts';
import type { HistoryEntry, Name, NameState, Operation, Report, Status, Summary } from './types.ts';

const TOKEN = 'zonekeeper-token';

/** The API token of this tab; null when none was given. */
export function token(): string | null {
  return sessionStorage.getItem(TOKEN);
}

/** Keeps the token for as long as the tab lives, and nowhere else. */
export function setToken(value: string): void {
  if (value === '') sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, value);
}

/** The headers that every request of this page carries. */
export function headers(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const given = token();
  return { 'x-zonekeeper-actor': 'page', ...(given !== null && { authorization: `Bearer ${given}` }), ...more };
}

/** One request. Throws a {@link Problem}. */
async function call<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: headers({ ...(body !== undefined && { 'content-type': 'application/json' }), ...more }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw unreachable();
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, answer);
  return answer as T;
}

/** Which names to list. */
export interface ListQuery {
  readonly states: readonly NameState[];
  readonly q: string;
  readonly zone: string;
  readonly descending: boolean;
}

/** One page of names. */
export function listDnsRecords(
  query: ListQuery,
  cursor: string | null,
  limit: number,
): Promise<{ records: Name[]; next: string | null }> {
  const params = new URLSearchParams({ limit: String(limit) });
  if (query.states.length > 0) params.set('state', query.states.join(','));
  if (query.q !== '') params.set('q', query.q);
  if (query.zone !== '') params.set('zone', query.zone);
  if (query.descending) params.set('order', 'desc');
  if (cursor !== null) params.set('cursor', cursor);
  return call('GET', `/api/dns/records?${params}`);
}

/** One name with its history. */
export function getDnsRecord(fqdn: string): Promise<Name & { history: HistoryEntry[] }> {
  return call('GET', `/api/dns/records/${encodeURIComponent(fqdn)}`);
}

/** What a sync would do now. */
export function planDnsRecords(fqdns: readonly string[] | null): Promise<Report> {
  const params = new URLSearchParams((fqdns ?? []).map((fqdn): [string, string] => ['fqdn', fqdn]));
  return call('GET', `/api/dns/plan${fqdns === null ? '' : `?${params}`}`);
}

/** Asks for a sync of these names (null: of all). With `confirm`, exactly the plan of that hash. */
export function syncDnsRecords(fqdns: readonly string[] | null, confirm: string | null = null): Promise<Operation> {
  return call(
    'POST',
    '/api/dns/sync',
    { ...(fqdns !== null && { fqdns }), ...(confirm !== null && { confirm }) },
    { prefer: 'respond-async' },
  );
}

/** Deletes a name's records at Cloudflare and from `dns_records`. */
export function deleteDnsRecord(fqdn: string, force: boolean): Promise<Report> {
  return call('DELETE', `/api/dns/records/${encodeURIComponent(fqdn)}${force ? '?force=true' : ''}`);
}

/** Takes over the foreign record that holds the name. */
export function adoptDnsRecord(fqdn: string): Promise<Report> {
  return call('POST', `/api/dns/records/${encodeURIComponent(fqdn)}/adopt`, {});
}

export const getSummary = (): Promise<Summary> => call('GET', '/api/dns/summary');
export const getStatus = (): Promise<Status> => call('GET', '/api/status');
export const getOperation = (id: string): Promise<Operation> =>
  call('GET', `/api/dns/operations/${encodeURIComponent(id)}`);
export const listOperations = (cursor: string | null): Promise<{ operations: Operation[]; next: string | null }> =>
  call('GET', `/api/dns/operations?limit=50${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
