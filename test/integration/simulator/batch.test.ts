import { describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../../src/simulator/simulator.ts';
import { a, type Bench, bench, codesOf } from './support.ts';

const many = (count: number, prefix = 'host') => Array.from({ length: count }, (_, index) => a(`${prefix}-${index}`));
const resultOf = async (at: Bench, body: unknown) =>
  (await at.records('POST', '/batch', body)).body.result as Record<string, DnsRecord[]>;

// developers.cloudflare.com/api/resources/dns/subresources/records/methods/batch/
describe('a batch', () => {
  test('through the SDK: creates, changes and deletes in one request', async () => {
    await using at = await bench({
      zones: [{ name: 'example.com', records: [a('old'), a('kept', { comment: 'c' })] }],
    });
    const [old, kept] = at.simulator.records();
    const result = await at.sdk.dns.records.batch({
      zone_id: at.zone,
      deletes: [{ id: old?.id ?? '' }],
      patches: [{ id: kept?.id ?? '', type: 'A', name: 'kept.example.com', content: '192.0.2.2', ttl: 300 }],
      posts: [{ type: 'A', name: 'new.example.com', content: '192.0.2.3', ttl: 1 }],
    });
    expect(result).toMatchObject({
      deletes: [{ id: old?.id, name: 'old.example.com' }],
      patches: [{ id: kept?.id, content: '192.0.2.2', comment: 'c' }],
      puts: [],
      posts: [{ name: 'new.example.com' }],
    });
    expect(at.simulator.counters()).toMatchObject({ requests: 1, batch_operations: 3, by_operation: { batch: 1 } });
  });

  test('carries out deletes, patches, puts, posts, whatever their order in the body', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('one'), a('two'), a('three')] }] });
    const [one, two, three] = at.simulator.records();
    // Each step needs the one before it to have been made: the CNAME needs the name that the delete frees, and so on.
    const result = await resultOf(at, {
      posts: [{ type: 'CNAME', name: 'three', content: 'example.net' }],
      puts: [{ id: three?.id, type: 'A', name: 'two', content: '192.0.2.1' }],
      patches: [{ id: two?.id, type: 'A', name: 'one', content: '192.0.2.1' }],
      deletes: [{ id: one?.id }],
    });
    expect(Object.keys(result)).toEqual(['deletes', 'patches', 'puts', 'posts']);
    const { changes } = at.simulator.changes();
    expect(changes.map(({ before, after }) => [before?.name ?? null, after?.name ?? null])).toEqual([
      ['one.example.com', null],
      ['two.example.com', 'one.example.com'],
      ['three.example.com', 'two.example.com'],
      [null, 'three.example.com'],
    ]);
    expect(new Set(changes.map(({ transaction }) => transaction)).size).toBe(1);
  });

  test('answers each list in the order that was given', async () => {
    await using at = await bench();
    const result = await resultOf(at, { posts: many(20) });
    expect(result.posts?.map(({ name }) => name)).toEqual(many(20).map(({ name }) => `${name}.example.com`));
  });

  test.each([
    ['a record that is refused', { posts: [a('new'), a('bad', { content: 'x' })] }, 400, [9005]],
    [
      'a record in the way',
      { posts: [a('new'), { type: 'CNAME', name: 'old', content: 'example.net' }] },
      400,
      [81053],
    ],
    ['the same record twice in it', { posts: [a('new'), a('new')] }, 400, [81058]],
    ['a record that is not there', { deletes: [{ id: '0'.repeat(32) }], posts: [a('new')] }, 404, [81044]],
    ['an element without id', { patches: [{ content: '192.0.2.2' }], posts: [a('new')] }, 400, [9207]],
    ['a list that is none', { posts: a('new') }, 400, [9207]],
  ])('applies nothing with %s in it, and reports the first error', async (_, body, status, codes) => {
    await using at = await bench({ zones: [{ name: 'example.com', records: [a('old'), a('older')] }] });
    const before = at.simulator.records();
    const reply = await at.records('POST', '/batch', body);
    expect([reply.status, codesOf(reply)]).toEqual([status, codes]);
    expect(at.simulator.records()).toEqual(before);
    expect(at.simulator.changes().changes).toEqual([]);
  });

  test('that fails after its deletes, patches and puts puts everything back, order included', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: many(5) }] });
    const before = at.simulator.records();
    const [first, second, third] = before;
    const reply = await at.records('POST', '/batch', {
      deletes: [{ id: first?.id }],
      patches: [
        { id: second?.id, name: 'renamed' },
        { id: second?.id, name: 'renamed-again' },
      ],
      puts: [{ id: third?.id, ...a('host-0') }],
      posts: [a('new'), a('host-4')],
    });
    expect(codesOf(reply)).toEqual([81058]);
    expect(at.simulator.records()).toEqual(before);
    expect(at.simulator.records({ name: 'host-0.example.com' })).toEqual([first]);
    for (const name of ['renamed', 'renamed-again', 'new']) {
      expect(at.simulator.records({ name: `${name}.example.com` })).toEqual([]);
    }
    expect((await at.records('POST', '', a('renamed'))).status).toBe(200);
  });

  test('the error does not say which element it is about, as the real one does not', async () => {
    await using at = await bench();
    const { body } = await at.records('POST', '/batch', { posts: [a('fine'), a('bad', { content: 'x' })] });
    expect(body.errors).toEqual([{ code: 9005, message: expect.any(String) }]);
  });

  test('frees the quota by its deletes before its posts use it', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: many(200) }] });
    const [first] = at.simulator.records();
    const swap = { deletes: [{ id: first?.id }], posts: [a('new')] };
    expect((await at.records('POST', '/batch', swap)).status).toBe(200);
    expect(codesOf(await at.records('POST', '/batch', { posts: [a('newer')] }))).toEqual([81045]);
  });

  // developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/#availability-and-limits
  test.each([
    ['free', 200],
    ['pro', 3500],
    ['business', 3500],
    ['enterprise', 3500],
  ] as const)('on %s has at most %i operations', async (plan, limit) => {
    await using at = await bench({ zones: [{ name: 'example.com', plan }] });
    const tooMany = await at.records('POST', '/batch', { posts: many(limit + 1) });
    expect([tooMany.status, at.simulator.records()]).toEqual([400, []]);
    expect((await resultOf(at, { posts: many(limit) })).posts).toHaveLength(limit);
  });

  test('without operations succeeds', async () => {
    await using at = await bench();
    expect(await resultOf(at, {})).toEqual({ deletes: [], patches: [], puts: [], posts: [] });
  });
});
