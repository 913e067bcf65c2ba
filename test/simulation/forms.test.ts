import Bottleneck from 'bottleneck';
import { describe, expect, test } from 'vitest';
import { CloudflareApi } from '../../src/cloudflare/client.ts';
import type { DnsApi, WriteUnit } from '../../src/cloudflare/port.ts';
import type { NewTurnstile, Turnstile } from '../../src/cloudflare/slots.ts';
import { takeOver } from './globals.ts';
import { Machine } from './machine.ts';
import { API_EFFECTS, type ApiEffect, type Departure, MemoryCloudflare } from './memory-cloudflare.ts';
import { memoryTurnstile } from './memory-turnstile.ts';
import { Scheduler } from './scheduler.ts';

// Most schedules do without the libraries, which take most of the time. What they do instead must come to the same.

const OPEN = {
  run: <T>(call: () => Promise<T>, options: { admit?: () => void } = {}) => {
    options.admit?.();
    return call();
  },
  ready: async () => {},
  learn: () => {},
  limited: () => {},
};
const CALM = { strike: () => null, databaseDown: () => false, calm: () => true, crashed: () => {}, came: () => {} };
const SPEC = { type: 'A', content: '192.0.2.1', ttl: 1, proxied: false } as const;
const post = (fqdn: string, spec = SPEC): WriteUnit => ({
  fqdn,
  operations: [{ action: 'create', fqdn, spec, comment: `zonekeeper/simulation/${fqdn}` }],
});

/** Libraries take time from globals: they get the scheduler's. */
async function onVirtualTime<T>(scheduler: Scheduler, machine: Machine, run: () => Promise<T>): Promise<T> {
  const undo = takeOver({
    after: (ms, then) => scheduler.after(ms, machine, then),
    wall: () => scheduler.now,
    random: () => scheduler.random(),
  });
  try {
    return await run();
  } finally {
    undo();
  }
}

/** A call, and the operation of it that is struck. */
interface Asked {
  readonly operation: string;
  readonly call: (api: DnsApi) => Promise<unknown>;
}

/** What a call comes to: in a world of its own, where this effect strikes it. */
async function outcome(libraries: boolean, { operation, call }: Asked, effect: ApiEffect | null) {
  const scheduler = new Scheduler(7, true);
  // The libraries draw, too: how old a stale list is, and how long calls take, must not depend on that.
  scheduler.below = () => 1;
  scheduler.delay = (from, to) => from + (to - from) / 4;
  const machine = new Machine('daemon', scheduler, CALM);
  machine.start();
  let strikes = effect;
  const seen: unknown[] = [];
  const sky = {
    strike: (_: Machine, name: string) => {
      if (name !== operation) return null;
      const now = strikes;
      strikes = null;
      return now;
    },
    onDeparture: ({ machine: _, ...departure }: Departure) => seen.push(departure),
    onArrival: () => {},
    onGivenUp: () => {},
    onMade: () => {},
    onLimited: () => {},
  };
  const cloudflare = new MemoryCloudflare(scheduler, sky, ['example.com'], true);
  for (let n = 0; n < 7; n++) cloudflare.control.add({ type: 'A', name: `n${n}.example.com`, content: '192.0.2.9' });
  const api = new CloudflareApi({
    token: 'simulation',
    baseUrl: 'http://cloudflare.invalid/client/v4',
    clock: machine.clock,
    limiter: OPEN,
    observer: { onCall: (report) => seen.push(report), onBatch: (size) => seen.push(size) },
    ...(libraries ? { fetch: cloudflare.fetchOf(machine) } : { sdk: (token) => cloudflare.sdkOf(machine, token) }),
  });
  let result: unknown = 'no answer';
  scheduler.after(0, machine, () => {
    void call(api).then(
      (value) => {
        result = value;
      },
      (error: { code?: string; message: string; retryAfterMs?: number }) => {
        result = [error.code, error.message, error.retryAfterMs];
      },
    );
  });
  await onVirtualTime(scheduler, machine, () => scheduler.run(300_000));
  const ids = new Map(cloudflare.control.records().map(({ id, name }) => [id, `id of ${name}`]));
  // Record ids are drawn anew each time, and how long a call takes from a random number of its place in the order.
  const comparable = JSON.stringify(
    [result, seen, cloudflare.control.records().map(({ name }) => name)],
    (key, value) => (key === 'seconds' ? 0 : typeof value === 'string' ? (ids.get(value) ?? value) : value),
  );
  return JSON.parse(comparable);
}

const zoneOf = async (api: DnsApi) => {
  const [zone] = await api.zones();
  if (zone === undefined) throw new Error('There is no zone.');
  return zone;
};
const CALLS: [string, Asked][] = [
  ['zones', { operation: 'list_zones', call: (api) => api.zones() }],
  ['a list of several pages', { operation: 'list_records', call: async (api) => api.list(await zoneOf(api)) }],
  ['a list whose second page is struck', { operation: 'next_page', call: async (api) => api.list(await zoneOf(api)) }],
  ['a look at one name', { operation: 'lookup', call: async (api) => api.lookup(await zoneOf(api), 'n3.example.com') }],
  [
    'a batch',
    {
      operation: 'batch',
      call: async (api) =>
        api.write(await zoneOf(api), [post('new.example.com'), post('n1.example.com')], { remaining: () => 20_000 }),
    },
  ],
];

describe.each(CALLS)('without the SDK: %s', (_, asked) => {
  test.each([null, ...API_EFFECTS])('with the effect %s', async (effect) => {
    expect(await outcome(false, asked, effect)).toEqual(await outcome(true, asked, effect));
  });
});

const FORMS: [string, (defer: (run: () => void) => void) => NewTurnstile][] = [
  ['Bottleneck', () => (options) => new Bottleneck(options)],
  ['memory', memoryTurnstile],
];

describe.each(FORMS)('the turnstile: %s', (_, form) => {
  /** Jobs that tell when they begin, and end when they are told to; each step is done once nothing moves any more. */
  async function story(
    options: { maxConcurrent: number; reservoir: number },
    tell: (world: {
      turnstile: Turnstile;
      begun: readonly string[];
      add: (name: string, priority?: number) => Promise<void>;
      end: (name: string) => void;
      still: () => Promise<unknown>;
    }) => Promise<void>,
  ) {
    const scheduler = new Scheduler(1, false);
    const machine = new Machine('daemon', scheduler, CALM);
    machine.start();
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    await onVirtualTime(scheduler, machine, async () => {
      const turnstile = form(machine.defer)(options);
      const add = (name: string, priority = 5) =>
        turnstile.schedule({ priority }, () => {
          begun.push(name);
          return new Promise((resolve) => ends.set(name, resolve));
        });
      const still = async () => {
        // What begins by a promise alone shows after a first turn.
        for (let turn = 0; turn < 20; turn++) {
          scheduler.after(1, machine, () => {});
          await scheduler.run(scheduler.now + 1);
        }
      };
      await tell({ turnstile, begun, add, end: (name) => ends.get(name)?.(), still });
    });
  }

  test('as many jobs run as there are places; the most urgent first, then in order', () =>
    story({ maxConcurrent: 2, reservoir: 10 }, async ({ begun, add, end, still }) => {
      for (const name of ['a', 'b']) {
        void add(name);
        await still();
      }
      expect(begun).toEqual(['a', 'b']);
      void add('c');
      void add('d', 2);
      void add('e');
      void add('f', 2);
      await still();
      expect(begun).toEqual(['a', 'b']);
      for (const name of ['a', 'd', 'f', 'c']) {
        end(name);
        await still();
      }
      expect(begun).toEqual(['a', 'b', 'd', 'f', 'c', 'e']);
    }));

  test('no more begin than the reservoir holds, until it is filled', () =>
    story({ maxConcurrent: 9, reservoir: 2 }, async ({ turnstile, begun, add, end, still }) => {
      for (const name of ['a', 'b', 'c']) void add(name);
      await still();
      expect(begun.toSorted()).toEqual(['a', 'b']);
      end('a');
      await still();
      expect(begun).toHaveLength(2);
      void turnstile.incrementReservoir(1);
      await still();
      expect(begun.slice(2)).toEqual(['c']);
    }));

  test('what is taken out of the reservoir is missing', () =>
    story({ maxConcurrent: 9, reservoir: 2 }, async ({ turnstile, begun, add, still }) => {
      void turnstile.incrementReservoir(-3);
      await still();
      void add('a');
      void turnstile.incrementReservoir(1);
      await still();
      expect(begun).toEqual([]);
      void turnstile.incrementReservoir(1);
      await still();
      expect(begun).toEqual(['a']);
    }));

  test('whoever scheduled a job is told of its end', () =>
    story({ maxConcurrent: 1, reservoir: 2 }, async ({ add, end, still }) => {
      let ended = false;
      void add('a').then(() => {
        ended = true;
      });
      await still();
      expect(ended).toBe(false);
      end('a');
      await still();
      expect(ended).toBe(true);
    }));
});
