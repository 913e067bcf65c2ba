import { FAILURES } from './failure.ts';
import { recordName } from './name.ts';
import type { DnsRecord, StoredRecord } from './record.ts';
import type { Zone } from './zone.ts';

/** Which page of a list. */
export interface PageRequest {
  readonly page: number;
  readonly perPage: number;
}

/** One page with what `result_info` says of it. */
export interface Page<T> extends PageRequest {
  readonly items: readonly T[];
  readonly total: number;
}

const RECORDS_PER_PAGE = { default: 100, max: 5_000_000 } as const;
const ORDERS = ['type', 'name', 'content', 'ttl', 'proxied'] as const;
type Test = (record: DnsRecord) => boolean;

/** The page that a query asks for, cut off at the largest that there is. Throws ApiFailure for what is no page number. */
export function pageRequest(query: URLSearchParams, limits: { default: number; max: number }): PageRequest {
  return {
    page: positive(query, 'page', 1),
    perPage: Math.min(positive(query, 'per_page', limits.default), limits.max),
  };
}

/** Cuts a page out of a list. */
export function pageOf<T>(all: readonly T[], { page, perPage }: PageRequest): Page<T> {
  const start = (page - 1) * perPage;
  return { page, perPage, total: all.length, items: all.slice(start, start + perPage) };
}

/**
 * One page of the records of a zone, filtered and ordered as the query says; the oldest first by default.
 * developers.cloudflare.com/api/resources/dns/subresources/records/methods/list/. `staleWrites`: as they were so many
 * writes ago.
 */
export function listRecords(zone: Zone, query: URLSearchParams, staleWrites = 0): Page<StoredRecord> {
  const request = pageRequest(query, RECORDS_PER_PAGE);
  const tests = testsOf(query, zone.name);
  const all = query.get('match') === 'any';
  const passes: Test = (record) => (all ? tests.some((test) => test(record)) : tests.every((test) => test(record)));
  const source = sourceOf(zone, query, staleWrites);
  const found = tests.length === 0 ? source : source.filter(({ data }) => passes(data));
  return pageOf(ordered(found, query), request);
}

/** All records, or just those of the name where the index can answer: a look-up must not cost a walk over the zone. */
function sourceOf(zone: Zone, query: URLSearchParams, staleWrites: number): readonly StoredRecord[] {
  if (staleWrites > 0) return zone.listBefore(staleWrites);
  const name = query.get('name.exact') ?? query.get('name');
  if (name === null || query.get('match') === 'any') return zone.list();
  return [...zone.named(recordName(name, zone.name) ?? '')];
}

function positive(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw FAILURES.page(name);
  return Number(text);
}

/** The filters of a query. All of them are documented to ignore case. */
function testsOf(query: URLSearchParams, zone: string): readonly Test[] {
  const tests: Test[] = [];
  const type = query.get('type')?.toUpperCase();
  if (type !== undefined) tests.push((record) => record.type === type);
  const proxied = query.get('proxied');
  if (proxied !== null) tests.push((record) => record.proxied === (proxied === 'true'));
  tests.push(
    ...textTests(
      query,
      'name',
      (record) => record.name,
      (value) => recordName(value, zone) ?? value,
    ),
  );
  tests.push(
    ...textTests(
      query,
      'content',
      (record) => record.content,
      (value) => value,
    ),
  );
  tests.push(
    ...textTests(
      query,
      'comment',
      (record) => record.comment ?? '',
      (value) => value,
    ),
  );
  if (query.has('comment.present')) tests.push((record) => record.comment !== null);
  if (query.has('comment.absent')) tests.push((record) => record.comment === null);
  const search = query.get('search')?.toLowerCase();
  if (search !== undefined) {
    tests.push(({ name, content, comment }) => `${name}\n${content}\n${comment ?? ''}`.toLowerCase().includes(search));
  }
  return tests;
}

function textTests(
  query: URLSearchParams,
  field: string,
  read: (record: DnsRecord) => string,
  whole: (value: string) => string,
): readonly Test[] {
  const tests: Test[] = [];
  const add = (
    parameter: string,
    normal: (value: string) => string,
    test: (text: string, value: string) => boolean,
  ) => {
    const raw = query.get(parameter);
    if (raw === null) return;
    const value = normal(raw).toLowerCase();
    tests.push((record) => test(read(record).toLowerCase(), value));
  };
  const same = (value: string) => value;
  add(field, whole, (text, value) => text === value);
  add(`${field}.exact`, whole, (text, value) => text === value);
  add(`${field}.contains`, same, (text, value) => text.includes(value));
  add(`${field}.startswith`, same, (text, value) => text.startsWith(value));
  add(`${field}.endswith`, same, (text, value) => text.endsWith(value));
  return tests;
}

function ordered(records: readonly StoredRecord[], query: URLSearchParams): readonly StoredRecord[] {
  const down = query.get('direction') === 'desc';
  const field = ORDERS.find((order) => order === query.get('order'));
  if (field === undefined) return down ? [...records].reverse() : records;
  const sign = down ? -1 : 1;
  return [...records].sort(({ data: a }, { data: b }) => {
    const [left, right] = [a[field], b[field]];
    return left < right ? -sign : left > right ? sign : 0;
  });
}
