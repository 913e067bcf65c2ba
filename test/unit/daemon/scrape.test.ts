import { expect, test } from 'vitest';
import { tally } from '../../../src/daemon/scrape.ts';
import type { NameState } from '../../../src/dns/record.ts';
import type { NameCount } from '../../../src/ledger/browse.ts';

const count = (zone: string | null, state: NameState, names: number, oldest: number | null = null): NameCount => ({
  zone,
  state,
  names,
  oldest,
});
const COUNTS = [
  count('example.com', 'in_sync', 30),
  count('example.net', 'in_sync', 5),
  // Foreign records that say what is desired.
  count(null, 'in_sync', 0),
  count('example.com', 'conflict', 1, 100),
  count('example.com', 'missing', 2, 300),
  count('example.com', 'failed', 1, 200),
  count('example.net', 'failed', 3, 400),
];
const asObject = (known: readonly string[]) => {
  const { names, oldest } = tally(COUNTS, new Set(known));
  return {
    names: Object.fromEntries([...names].map(([zone, states]) => [zone, Object.fromEntries(states)])),
    oldest: Object.fromEntries(oldest),
  };
};

test('names are counted by zone and state; the oldest drift is that of a name which a repair would end', () => {
  expect(asObject(['example.com', 'example.net'])).toEqual({
    names: {
      'example.com': { in_sync: 30, conflict: 1, missing: 2, failed: 1 },
      'example.net': { in_sync: 5, failed: 3 },
      '': { in_sync: 0 },
    },
    oldest: { 'example.com': 200, 'example.net': 400 },
  });
});

test('names of zones that a new leader has not listed yet are counted all the same, under no zone', () => {
  expect(asObject(['example.net']).names).toEqual({
    'example.net': { in_sync: 5, failed: 3 },
    '': { in_sync: 30, conflict: 1, missing: 2, failed: 1 },
  });
  expect(asObject([]).names).toEqual({ '': { in_sync: 35, conflict: 1, missing: 2, failed: 4 } });
});
