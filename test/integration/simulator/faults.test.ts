import { createConnection } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { FaultSpec } from '../../../src/simulator/simulator.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { a, type Bench, bench, codesOf } from './support.ts';

const create = (at: Bench, name = 'www') => at.records('POST', '', a(name));
const names = (at: Bench) => at.simulator.records().map(({ name }) => name.replace('.example.com', ''));

/** Waits for something that comes about by itself, without waiting for any time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('which requests a fault strikes', () => {
  const broken = { kind: 'status', status: 503 } as const;
  const strikes = async (spec: Omit<FaultSpec, 'effect'>, calls: readonly (readonly [string, string])[]) => {
    await using at = await bench({ zones: [{ name: 'example.com' }, { name: 'example.net' }] });
    at.simulator.addFault({ ...spec, effect: broken });
    const other = at.simulator.zones().find(({ name }) => name === 'example.net')?.id ?? '';
    const struck: boolean[] = [];
    for (const [method, path] of calls) {
      const body = method === 'POST' ? {} : undefined;
      const reply = await at.call(method, path.replace('{zone}', at.zone).replace('{other}', other), body);
      struck.push(reply.status === 503);
    }
    return struck;
  };
  const LIST: readonly [string, string] = ['GET', '/zones/{zone}/dns_records'];
  const BATCH: readonly [string, string] = ['POST', '/zones/{zone}/dns_records/batch'];
  const OTHER: readonly [string, string] = ['GET', '/zones/{other}/dns_records'];

  test.each([
    ['all of them', {}, [LIST, BATCH], [true, true]],
    ['an operation', { operation: 'batch' }, [LIST, BATCH], [false, true]],
    ['one of several operations', { operation: ['batch', 'verify'] }, [LIST, BATCH], [false, true]],
    ['a method', { method: 'get' }, [LIST, BATCH], [true, false]],
    ['a path', { path: 'per_page=7$' }, [LIST, ['GET', '/zones?per_page=7']], [false, true]],
    ['a zone', { zone: 'example.net' }, [LIST, OTHER], [false, true]],
    ['so many', { count: 2 }, [LIST, LIST, LIST], [true, true, false]],
    ['after so many', { after: 1, count: 1 }, [LIST, LIST, LIST], [false, true, false]],
    ['never', { probability: 0 }, [LIST, LIST], [false, false]],
  ] as const)('%s', async (_, spec, calls, expected) => {
    expect(await strikes(spec, calls)).toEqual(expected);
  });

  test('with a probability, by the generator that was given', async () => {
    const draws = [0.2, 0.8, 0.4];
    await using at = await bench({ random: () => draws.shift() ?? 1 });
    at.simulator.addFault({ probability: 0.5, effect: broken });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await at.records('GET')).status);
    expect(statuses).toEqual([503, 200, 503, 200]);
    expect(at.simulator.faults()).toMatchObject([{ seen: 4, struck: 2 }]);
  });

  test('the request log names the fault; clearing it ends it', async () => {
    await using at = await bench();
    const { id } = at.simulator.addFault({ effect: broken });
    await at.records('GET');
    at.simulator.clearFaults(id);
    expect((await at.records('GET')).status).toBe(200);
    expect(at.simulator.requests().requests).toMatchObject([
      { fault: id, status: 503 },
      { fault: null, status: 200 },
    ]);
  });
});

describe('what a fault does', () => {
  test('status: a JSON error, and nothing is done', async () => {
    await using at = await bench();
    at.simulator.addFault({ effect: { kind: 'status', status: 500, code: 10013, message: 'boom' } });
    const reply = await create(at);
    expect([reply.status, reply.body.errors]).toEqual([500, [{ code: 10013, message: 'boom' }]]);
    expect(names(at)).toEqual([]);
  });

  test('html: a page of the edge instead of JSON', async () => {
    await using at = await bench();
    at.simulator.addFault({ effect: { kind: 'html', status: 520 } });
    const response = await fetch(`${at.simulator.url}/zones`, { headers: { authorization: 'Bearer x' } });
    expect([response.status, response.headers.get('content-type')]).toEqual([520, 'text/html; charset=UTF-8']);
    expect(await response.text()).toMatch(/<title>520/);
  });

  test.each([
    ['reset', { kind: 'reset' }, []],
    ['lost before it was done', { kind: 'lost', applied: false }, []],
    ['lost after it was done', { kind: 'lost', applied: true }, ['www']],
  ] as const)('%s: the caller learns nothing', async (_, effect, left) => {
    await using at = await bench();
    at.simulator.addFault({ effect, count: 1 });
    await expect(create(at)).rejects.toThrow('fetch failed');
    expect(names(at)).toEqual(left);
    expect(at.simulator.requests().requests).toMatchObject([{ status: 'none', code: null }]);
    expect((await create(at, 'next')).status).toBe(200);
  });

  test('hang: nothing is done until the fault is cleared', async () => {
    await using at = await bench();
    const { id } = at.simulator.addFault({ operation: 'create', effect: { kind: 'hang' } });
    const reply = create(at);
    await until(() => at.simulator.faults()[0]?.holding === 1);
    expect([names(at), at.simulator.counters().under_way]).toEqual([[], 1]);
    at.simulator.clearFaults(id);
    expect((await reply).status).toBe(200);
    expect([names(at), at.simulator.counters().under_way]).toEqual([['www'], 0]);
  });

  test('hang, applied: it is done, but nobody is told', async () => {
    await using at = await bench();
    at.simulator.addFault({ operation: 'create', effect: { kind: 'hang', applied: true } });
    const reply = create(at);
    await until(() => at.simulator.faults()[0]?.holding === 1);
    expect(names(at)).toEqual(['www']);
    at.simulator.clearFaults();
    expect((await reply).status).toBe(200);
  });

  test('hang: what was given up by its caller is still done on release', async () => {
    await using at = await bench();
    at.simulator.addFault({ operation: 'create', effect: { kind: 'hang' } });
    const abort = new AbortController();
    const reply = fetch(`${at.simulator.url}/zones/${at.zone}/dns_records`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body: JSON.stringify(a('late')),
      signal: abort.signal,
    });
    await until(() => at.simulator.faults()[0]?.holding === 1);
    abort.abort();
    await expect(reply).rejects.toThrow();
    at.simulator.clearFaults();
    await until(() => names(at).length > 0);
    expect(names(at)).toEqual(['late']);
  });

  test('hang: closing the simulator drops it without effect', async () => {
    const at = await bench();
    at.simulator.addFault({ effect: { kind: 'hang' } });
    const reply = create(at);
    const failed = expect(reply).rejects.toThrow('fetch failed');
    await until(() => at.simulator.faults()[0]?.holding === 1);
    await at.simulator.close();
    await failed;
    expect(names(at)).toEqual([]);
  });

  test('delay: the request is worked on later', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ clock });
    at.simulator.addFault({ effect: { kind: 'delay', ms: 5_000 } });
    const reply = create(at);
    await until(() => clock.pending === 1);
    await clock.advance(4_999);
    expect(names(at)).toEqual([]);
    await clock.advance(1);
    expect([(await reply).status, names(at)]).toEqual([200, ['www']]);
  });

  test('slow: headers at once, the body bit by bit', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ clock });
    at.simulator.addFault({ effect: { kind: 'slow', ms: 1_000 } });
    const response = await fetch(`${at.simulator.url}/zones`, { headers: { authorization: 'Bearer x' } });
    expect(response.status).toBe(200);
    const body = response.json();
    for (let piece = 0; piece < 10; piece += 1) {
      await until(() => clock.pending === 1);
      await clock.advance(100);
    }
    expect(await body).toMatchObject({ success: true });
  });

  test.each([
    ['ends too early', false, SyntaxError],
    ['breaks off', true, TypeError],
  ])('truncated: the body %s, though it was done', async (_, aborted, error) => {
    await using at = await bench();
    at.simulator.addFault({ effect: { kind: 'truncated', aborted }, count: 1 });
    await expect(create(at)).rejects.toThrow(error);
    expect(names(at)).toEqual(['www']);
  });

  test.each([
    [{ kind: 'limited', seconds: 7 }, '7', 10100],
    [{ kind: 'limited', seconds: null, code: 10300 }, null, 10300],
  ] as const)('%j', async (effect, retryAfter, code) => {
    await using at = await bench();
    at.simulator.addFault({ effect });
    const reply = await create(at);
    expect([reply.status, reply.headers.get('retry-after'), codesOf(reply)]).toEqual([429, retryAfter, [code]]);
    expect([names(at), at.simulator.counters().limited]).toEqual([[], 1]);
  });

  test('stale: a list from before the last writes, in the old order', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('one'), a('two')] }] });
    const listed = async () => ((await at.records('GET')).body.result as { name: string }[]).map(({ name }) => name);
    at.simulator.edit({ name: 'one.example.com' }, { content: '192.0.2.7' });
    await at.records('POST', '/batch', { deletes: [{ id: at.simulator.records()[1]?.id }], posts: [a('three')] });
    at.simulator.addFault({ operation: 'list_records', effect: { kind: 'stale', writes: 1 }, count: 1 });
    expect(await listed()).toEqual(['one.example.com', 'two.example.com']);
    expect(await listed()).toEqual(['one.example.com', 'three.example.com']);
    at.simulator.addFault({ operation: 'list_records', effect: { kind: 'stale', writes: 99 } });
    const [one] = (await at.records('GET')).body.result as { content: string }[];
    expect(one?.content).toBe('192.0.2.1');
  });
});

describe('refuse', () => {
  test('refuses one record by name, alone and in a batch, which then fails as a whole', async () => {
    await using at = await bench();
    at.simulator.addFault({ effect: { kind: 'refuse', name: 'bad.example.com', code: 9007 } });
    const alone = await create(at, 'bad');
    expect([alone.status, codesOf(alone)]).toEqual([400, [9007]]);
    const batch = await at.records('POST', '/batch', { posts: [a('good'), a('bad')] });
    expect([batch.status, codesOf(batch)]).toEqual([400, [9007]]);
    expect(batch.body.errors[0]).not.toHaveProperty('source');
    expect(names(at)).toEqual([]);
    expect((await create(at, 'good')).status).toBe(200);
  });

  test('by content, with the code behind 1004, and the element named', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('www')] }] });
    const [record] = at.simulator.records();
    const effect = { kind: 'refuse', content: '192.0.2.66', code: 9003, chained: true, pointer: true } as const;
    at.simulator.addFault({ effect });
    const reply = await at.records('POST', '/batch', {
      patches: [{ id: record?.id, content: '192.0.2.66' }],
      posts: [a('other')],
    });
    expect(codesOf(reply)).toEqual([1004, 9003]);
    expect(reply.body.errors[0]?.source).toEqual({ pointer: '/patches/0' });
    expect(at.simulator.records()).toEqual([record]);
  });

  test('only so many times', async () => {
    await using at = await bench();
    at.simulator.addFault({ count: 1, effect: { kind: 'refuse', code: 81057, status: 409 } });
    expect((await create(at)).status).toBe(409);
    expect((await create(at)).status).toBe(200);
  });
});

describe('latency', () => {
  test('passes half before and half after the request is carried out', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ clock, latencyMs: 100 });
    const reply = create(at);
    await until(() => clock.pending === 1);
    await clock.advance(49);
    expect(names(at)).toEqual([]);
    await clock.advance(1);
    expect(names(at)).toEqual(['www']);
    await clock.advance(50);
    expect((await reply).status).toBe(200);
  });
});

test('nothing that comes in over a socket brings the simulator down', async () => {
  await using at = await bench();
  const { port } = new URL(at.simulator.origin);
  const send = (text: string) =>
    new Promise<void>((resolve) => {
      const socket = createConnection(Number(port), '127.0.0.1', () => socket.end(text));
      socket.on('close', () => resolve());
      socket.on('error', () => {});
      socket.resume();
    });
  await send('GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await send('GET http://[/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await send('GET /_simulator/zones/%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await send('nonsense\r\n\r\n');
  await send(`POST /client/v4/zones/${at.zone}/dns_records HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{`);
  expect((await at.records('GET')).status).toBe(200);
});
