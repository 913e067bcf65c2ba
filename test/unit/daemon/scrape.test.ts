import { expect, test } from 'vitest';
import { Scraper, tally } from '../../../src/daemon/scrape.ts';
import type { Database } from '../../../src/database/database.ts';
import type { NameState } from '../../../src/dns/record.ts';
import type { NameCount } from '../../../src/ledger/browse.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import type { Term } from '../../../src/reconcile/term.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

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

test('a count of a term before is not shown in the next one, however long the next count takes', async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics({ build: { version: '0', node_version: '0' }, runtime: false });
  const counts: ((rows: unknown[][]) => void)[] = [];
  const rows = () => new Promise((resolve) => counts.push(resolve));
  const db = { rows, pool: { busy: 0, idle: 0, waiting: 0 } } as unknown as Database;
  const scraper = new Scraper(metrics, db, clock);
  const term = () =>
    ({
      queue: null,
      pool: null,
      zones: { all: [{ name: 'example.com' }] },
      guard: { awaiting: () => 0 },
    }) as unknown as Term;
  const scraped = (leading: Term | null) =>
    scraper.scrape(() => leading, { budget: { limit: 1_000, remaining: null }, connected: true });
  const failed = async () => {
    const { body } = await metrics.scrape();
    return /^zonekeeper_records\{zone="example.com",state="failed"\} (\d+)$/m.exec(body)?.[1];
  };
  const first = scraped(term());
  counts[0]?.([['example.com', 'failed', 500, 1_000]]);
  await first;
  expect(await failed()).toBe('500');

  await scraped(null);
  metrics.removeZones();
  const second = scraped(term());
  // Longer than a scrape would wait if it had anything else to show.
  await clock.advance(60_000);
  counts[1]?.([['example.com', 'failed', 3, 1_000]]);
  await second;
  expect(await failed()).toBe('3');
});
