import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type DnsRecord, startSimulator } from '../../../src/simulator/simulator.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { a, bench, codesOf } from './support.ts';

describe('seeding', () => {
  test('makes zones and records, in normal form, without a trace in the logs', async () => {
    await using at = await bench({ zones: [] });
    const { status, body } = await at.control('POST', '/seed', {
      zones: [{ name: 'Example.COM', plan: 'pro', records: [a('@', { comment: 'x' }), a('www')] }],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      zones: [
        {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          name: 'example.com',
          plan: 'pro',
          status: 'active',
          records: 2,
          quota: 3500,
        },
      ],
    });
    expect(at.simulator.records().map(({ name }) => name)).toEqual(['example.com', 'www.example.com']);
    expect(at.simulator.changes()).toEqual({ changes: [], dropped: 0, last: 0 });
    expect(at.simulator.counters().requests).toBe(0);
  });

  test('adds records to a zone that is there, past its quota', async () => {
    await using at = await bench();
    const records = Array.from({ length: 300 }, (_, index) => a(`host-${index}`));
    at.simulator.seed([{ name: 'example.com', records }]);
    expect(at.simulator.zones()).toMatchObject([{ name: 'example.com', records: 300, quota: 200 }]);
  });

  test('of 100,000 records in 500 zones over HTTP', async () => {
    await using at = await bench({ zones: [] });
    const zones = Array.from({ length: 500 }, (_, zone) => ({
      name: `zone-${zone}.example`,
      records: Array.from({ length: 200 }, (_, index) => a(`host-${index}`)),
    }));
    expect((await at.control('POST', '/seed', { zones })).status).toBe(200);
    const { body } = await at.control('GET', '/records');
    expect(body).toHaveLength(100_000);
  });

  test('refuses what could not exist, and leaves the zone as it was', async () => {
    await using at = await bench();
    const records = [a('new'), a('www'), { type: 'CNAME', name: 'www', content: 'example.net' }];
    const { status, body } = await at.control('POST', '/seed', { zones: [{ name: 'example.com', records }] });
    expect([status, body]).toMatchObject([422, { errors: [{ code: 81053 }] }]);
    expect(at.simulator.records()).toEqual([]);
  });

  test('the id of a zone follows from its name, that of a record never comes twice', async () => {
    const seen = new Set<string>();
    for (let run = 0; run < 2; run += 1) {
      await using at = await bench({ zones: [{ name: 'example.com', records: [a('www')] }] });
      seen.add(at.zone).add(at.simulator.records()[0]?.id ?? '');
    }
    expect(seen.size).toBe(3);
  });
});

describe('a person at the dashboard', () => {
  test('adds, edits and deletes by name, without token, limit or fault', async () => {
    await using at = await bench({ tokens: ['secret'], rateLimit: { requests: 1 } });
    at.simulator.addFault({ effect: { kind: 'reset' } });
    const added = await at.control('POST', '/records', [
      a('www.example.com'),
      a('www.example.com', { content: '192.0.2.2' }),
    ]);
    expect(added.body).toMatchObject({ records: [{ content: '192.0.2.1' }, { content: '192.0.2.2' }] });
    const edit = { name: 'www.example.com', content: '192.0.2.2', set: { ttl: 300, comment: 'by hand' } };
    expect((await at.control('PATCH', '/records', edit)).body).toMatchObject({
      records: [{ ttl: 300, comment: 'by hand' }],
    });
    const removed = await at.control('DELETE', '/records?name=www.example.com&content=192.0.2.1');
    expect(removed.body).toMatchObject({ records: [{ content: '192.0.2.1' }] });
    expect(at.simulator.records()).toMatchObject([{ content: '192.0.2.2', ttl: 300 }]);
    expect(at.simulator.counters().requests).toBe(0);
  });

  test('meets the same rules for records', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('www')] }] });
    const reply = await at.control('POST', '/records', {
      type: 'CNAME',
      name: 'www.example.com',
      content: 'example.net',
    });
    expect([reply.status, reply.body]).toMatchObject([422, { errors: [{ code: 81053 }] }]);
  });

  test('finds the zone by the longest name', async () => {
    await using at = await bench({ zones: [{ name: 'example.com' }, { name: 'sub.example.com' }] });
    at.simulator.add(a('www.sub.example.com'));
    expect(at.simulator.zones()).toMatchObject([{ records: 0 }, { records: 1 }]);
  });

  test.each([
    ['POST', '/records', a('www.example.net')],
    ['PATCH', '/records', { name: 'none.example.com', set: { ttl: 60 } }],
    ['DELETE', '/records?name=none.example.com', undefined],
    ['DELETE', '/zones/example.net', undefined],
    ['DELETE', '/faults/fault-9', undefined],
    ['GET', '/nothing', undefined],
  ])('%s %s of what is not there: 404', async (method, path, body) => {
    await using at = await bench();
    expect(await at.control(method, path, body)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('the change log', () => {
  test('has every change with actor, request, and what was before and after', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ clock });
    const made = (await at.records('POST', '', a('www'))).body.result as DnsRecord;
    const [edited] = at.simulator.edit({ name: 'www.example.com' }, { ttl: 300 });
    await at.records('DELETE', `/${made.id}`);
    const at0 = new Date(clock.wall()).toISOString().replace('Z', '000Z');
    expect(at.simulator.changes()).toEqual({
      dropped: 0,
      last: 3,
      changes: [
        {
          sequence: 1,
          transaction: 1,
          at: at0,
          zone: 'example.com',
          actor: 'api',
          request: 1,
          before: null,
          after: made,
        },
        {
          sequence: 2,
          transaction: 2,
          at: at0,
          zone: 'example.com',
          actor: 'person',
          request: null,
          before: made,
          after: edited,
        },
        {
          sequence: 3,
          transaction: 3,
          at: at0,
          zone: 'example.com',
          actor: 'api',
          request: 2,
          before: edited,
          after: null,
        },
      ],
    });
  });

  test('can be asked for a part, over HTTP too', async () => {
    await using at = await bench({ zones: [{ name: 'example.com' }, { name: 'example.net' }] });
    at.simulator.add(a('one.example.com'));
    await at.records('POST', '', a('two'));
    at.simulator.add(a('one.example.net'));
    const count = async (query: string) =>
      ((await at.control('GET', `/changes?${query}`)).body as { changes: unknown[] }).changes.length;
    expect(await count('')).toBe(3);
    expect(await count('since=2')).toBe(1);
    expect(await count('zone=example.com')).toBe(2);
    expect(await count('name=two.example.com')).toBe(1);
    expect(await count('actor=person')).toBe(2);
  });

  test('forgets the oldest, and says so', async () => {
    await using at = await bench({ changeLog: 10 });
    for (let index = 0; index < 50; index += 1) at.simulator.add(a(`host-${index}.example.com`));
    const { changes, dropped, last } = at.simulator.changes();
    expect(changes.length).toBeGreaterThanOrEqual(10);
    expect([changes.length + dropped, last, changes.at(-1)?.sequence]).toEqual([50, 50, 50]);
  });
});

describe('counters and request log', () => {
  test('tell what was asked', async () => {
    await using at = await bench();
    await at.call('GET', '/user/tokens/verify');
    await at.call('GET', '/zones?per_page=50');
    await at.records('GET');
    await at.records('POST', '/batch', { posts: [a('one'), a('two')] });
    await at.records('POST', '', a('one'));
    const { body } = await at.control('GET', '/counters');
    expect(body).toMatchObject({
      requests: 5,
      by_operation: { verify: 1, list_zones: 1, list_records: 1, batch: 1, create: 1, delete: 0 },
      by_status: { 200: 4, 400: 1 },
      batch_operations: 2,
      largest_batch: 2,
      limited: 0,
      max_in_300s: 5,
      under_way: 0,
    });
    const log = (await at.control('GET', '/requests?since=3')).body;
    expect(log).toMatchObject({
      dropped: 0,
      requests: [
        {
          sequence: 4,
          operation: 'batch',
          method: 'POST',
          zone: 'example.com',
          operations: 2,
          status: 200,
          code: null,
        },
        { sequence: 5, operation: 'create', zone: 'example.com', operations: 1, status: 400, code: 81058 },
      ],
    });
  });

  test('the busiest 300 s are remembered', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ clock });
    const call = async (count: number) => {
      for (let n = 0; n < count; n += 1) await at.call('GET', '/zones');
    };
    await call(2);
    await clock.advance(200_000);
    await call(3);
    await clock.advance(100_000);
    await call(1);
    expect(at.simulator.counters().max_in_300s).toBe(5);
    at.simulator.resetCounters();
    expect(at.simulator.counters()).toMatchObject({ requests: 0, max_in_300s: 0, under_way: 0 });
  });
});

describe('over HTTP', () => {
  test('records are streamed with their zone, filtered', async () => {
    await using at = await bench({
      zones: [
        { name: 'example.com', records: [a('www'), a('api')] },
        { name: 'example.net', records: [a('www')] },
      ],
    });
    const all = async (query: string) => (await at.control('GET', `/records?${query}`)).body as { zone_name: string }[];
    expect(await all('')).toHaveLength(3);
    expect(await all('zone=example.net')).toMatchObject([{ zone_name: 'example.net', name: 'www.example.net' }]);
    expect(await all('name=api.example.com&type=A&content=192.0.2.1')).toHaveLength(1);
    expect(await all('comment=zk')).toEqual([]);
  });

  test('faults, tokens and settings are set and shown', async () => {
    await using at = await bench();
    const fault = { operation: 'batch', count: 1, effect: { kind: 'limited', seconds: null } };
    expect((await at.control('POST', '/faults', fault)).body).toEqual({
      id: 'fault-1',
      spec: fault,
      seen: 0,
      struck: 0,
      holding: 0,
    });
    expect((await at.control('GET', '/faults')).body).toMatchObject({ faults: [{ id: 'fault-1' }] });
    expect((await at.control('DELETE', '/faults')).body).toEqual({ cleared: 1 });
    await at.control('PUT', '/tokens', { tokens: [{ token: 'one' }] });
    await at.control('PATCH', '/tokens', { token: 'two', access: 'read' });
    expect((await at.control('GET', '/tokens')).body).toEqual({
      tokens: [{ token: 'one' }, { token: 'two', access: 'read' }],
    });
    expect(codesOf(await at.records('GET'))).toEqual([9109]);
    await at.control('PUT', '/tokens', { tokens: null });
    expect((await at.records('GET')).status).toBe(200);
    const settings = { latency_ms: 0, rate_limit: { requests: 7, kind: 'fixed' }, rate_limit_headers: false };
    expect((await at.control('PATCH', '/settings', settings)).body).toEqual({
      latency_ms: 0,
      rate_limit: { requests: 7, window_ms: 300_000, kind: 'fixed', block_ms: 300_000 },
      rate_limit_headers: false,
    });
  });

  test.each([
    ['POST', '/faults', { effect: { kind: 'explode' } }],
    ['POST', '/faults', { operation: 'dance', effect: { kind: 'reset' } }],
    ['POST', '/faults', { path: '(', effect: { kind: 'reset' } }],
    ['POST', '/seed', { zones: [{ name: 'example' }] }],
    ['POST', '/seed', { zones: [{ name: 'example.org', plan: 'gold' }] }],
    ['PUT', '/tokens', { tokens: [''] }],
    ['PATCH', '/settings', { latency: 3 }],
    ['GET', '/requests?since=x', undefined],
    ['DELETE', '/records', undefined],
  ])('%s %s %j is refused with a reason', async (method, path, body) => {
    await using at = await bench();
    expect(await at.control(method, path, body)).toMatchObject({
      status: 400,
      body: { code: 'bad_request', detail: expect.stringMatching(/.{10}/) },
    });
  });

  test('reset goes back to the start', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('www')] }], rateLimit: 'off' });
    at.simulator.seed([{ name: 'example.net' }]);
    at.simulator.remove({ name: 'www.example.com' });
    at.simulator.addFault({ effect: { kind: 'reset' } });
    at.simulator.setTokens([{ token: 'one' }]);
    at.simulator.configure({ latencyMs: 50, rateLimit: { requests: 1 } });
    await at.control('POST', '/reset');
    expect(at.simulator.zones()).toMatchObject([{ name: 'example.com', records: 1 }]);
    expect(at.simulator.settings()).toEqual({ latency_ms: 0, rate_limit: null, rate_limit_headers: true });
    expect([at.simulator.faults(), at.simulator.tokens(), at.simulator.changes().changes]).toEqual([[], [], []]);
    expect((await at.records('GET')).status).toBe(200);
  });

  test('the index says in plain text what this is, and lists every control route', async () => {
    await using at = await bench();
    const response = await fetch(at.simulator.origin);
    expect(response.headers.get('content-type')).toMatch('text/plain');
    const text = await response.text();
    expect(text).toMatch(/simulator of the Cloudflare API/);
    for (const route of [
      'seed',
      'zones',
      'records',
      'faults',
      'tokens',
      'settings',
      'counters',
      'requests',
      'changes',
      'reset',
    ]) {
      expect(text).toContain(`/_simulator/${route}`);
    }
  });
});

describe('starting and stopping', () => {
  test('an address that is taken is an error', async () => {
    await using at = await bench();
    const { port } = new URL(at.simulator.origin);
    await expect(startSimulator({ port: Number(port) })).rejects.toThrow('EADDRINUSE');
  });

  const ipv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
  test.skipIf(!ipv6)('it also listens on IPv6', async () => {
    const simulator = await startSimulator({ host: '::1' });
    expect(simulator.url).toMatch(/^http:\/\/\[::1\]:\d+\/client\/v4$/);
    expect((await fetch(`${simulator.origin}/_simulator/zones`)).status).toBe(200);
    await simulator.close();
  });

  test('closing ends open connections, and may be done twice', async () => {
    const at = await bench();
    await at.records('GET');
    await at.simulator.close();
    await at.simulator.close();
    await expect(at.records('GET')).rejects.toThrow('fetch failed');
  });
});
