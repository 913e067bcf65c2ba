import { type Page, pageOf, pageRequest } from './list.ts';
import { ACCOUNT, type Zone } from './zone.ts';

/** developers.cloudflare.com/api/resources/zones/methods/list/: 50 at most, whatever is asked for. */
const ZONES_PER_PAGE = { default: 20, max: 50 } as const;

const OPERATORS: Readonly<Record<string, (text: string, value: string) => boolean>> = {
  equal: (text, value) => text === value,
  not_equal: (text, value) => text !== value,
  starts_with: (text, value) => text.startsWith(value),
  ends_with: (text, value) => text.endsWith(value),
  contains: (text, value) => text.includes(value),
};

/** One page of the zones that a token may see, filtered and ordered as the query says; by name by default. */
export function listZones(zones: readonly Zone[], query: URLSearchParams): Page<Zone> {
  const request = pageRequest(query, ZONES_PER_PAGE);
  const tests: ((zone: Zone) => boolean)[] = [];
  const name = query.get('name')?.toLowerCase();
  if (name !== undefined) {
    const [, operator = 'equal', value = name] = /^([a-z_]+):(.*)$/.exec(name) ?? [];
    const test = OPERATORS[operator] ?? (() => false);
    tests.push((zone) => test(zone.name, value));
  }
  const status = query.get('status');
  if (status !== null) tests.push((zone) => zone.status === status);
  const account = query.get('account.id');
  if (account !== null) tests.push(() => account === ACCOUNT.id);
  const any = query.get('match') === 'any' && tests.length > 0;
  const found = zones.filter((zone) => (any ? tests.some((test) => test(zone)) : tests.every((test) => test(zone))));
  return pageOf(ordered(found, query), request);
}

function ordered(zones: Zone[], query: URLSearchParams): readonly Zone[] {
  const key = (zone: Zone): string => {
    if (query.get('order') === 'status') return zone.status;
    return query.get('order') === 'plan.id' ? zone.plan.id : zone.name;
  };
  const sign = query.get('direction') === 'desc' ? -1 : 1;
  return zones.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
}
