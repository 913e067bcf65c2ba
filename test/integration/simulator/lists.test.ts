import { describe, expect, test } from 'vitest';
import type { DnsRecord } from '../../../src/simulator/simulator.ts';
import { a, type Bench, bench, codesOf } from './support.ts';

const names = async (at: Bench, query: string) =>
  ((await at.records('GET', query)).body.result as DnsRecord[]).map(({ name }) => name.replace('.example.com', ''));

// developers.cloudflare.com/api/resources/dns/subresources/records/methods/list/
describe('the list of records', () => {
  const numbered = Array.from({ length: 250 }, (_, index) => a(`host-${index}`));

  test('comes in pages of 100 unless asked otherwise, the last one shorter', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: numbered }] });
    const { body } = await at.records('GET', '?page=3');
    expect(body.result_info).toEqual({ page: 3, per_page: 100, count: 50, total_count: 250, total_pages: 3 });
    expect(body.result).toHaveLength(50);
    const all = await at.records('GET', '?per_page=5000');
    expect(all.body.result_info).toMatchObject({ per_page: 5000, count: 250, total_pages: 1 });
    expect((await at.records('GET', '?page=4')).body.result).toEqual([]);
    expect((await at.records('GET', '?per_page=5000000')).body.result).toHaveLength(250);
  });

  test('of 100,000 records is complete in 20 pages of 5,000', async () => {
    const records = Array.from({ length: 100_000 }, (_, index) => a(`h${index}`));
    await using at = await bench({ zones: [{ name: 'example.com', plan: 'enterprise', records }] });
    const seen = new Set<string>();
    for (let page = 1; page <= 20; page += 1) {
      const { result } = (await at.records('GET', `?per_page=5000&page=${page}`)).body;
      for (const { id } of result as DnsRecord[]) seen.add(id);
    }
    expect(seen.size).toBe(100_000);
  });

  test.each(['page=0', 'page=x', 'per_page=0', 'per_page=-1'])('refuses %s', async (query) => {
    await using at = await bench();
    expect((await at.records('GET', `?${query}`)).status).toBe(400);
  });

  test('is walked by the SDK', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records: numbered }] });
    const seen: string[] = [];
    for await (const { name } of at.sdk.dns.records.list({ zone_id: at.zone, per_page: 100 })) seen.push(name);
    expect(seen).toHaveLength(250);
    // The SDK asks for one page more than there are: it looks at the number of items, not at total_pages.
    expect(at.simulator.counters().by_operation.list_records).toBe(4);
  });

  const records = [
    a('www', { comment: 'zk:one', content: '192.0.2.10' }),
    a('mail', { content: '192.0.2.20', ttl: 300 }),
    { type: 'AAAA', name: 'www', content: '2001:db8::1', comment: 'ZK:two' },
    { type: 'CNAME', name: 'shop', content: 'store.example.net', proxied: true },
    { type: 'TXT', name: '@', content: 'v=spf1 -all', comment: 'by hand' },
  ];
  test.each([
    ['name=www.example.com', ['www', 'www']],
    ['name.exact=WWW.example.com', ['www', 'www']],
    ['name=none.example.com', []],
    ['name.contains=ho', ['shop']],
    ['name.startswith=ma', ['mail']],
    ['name.endswith=op.example.com', ['shop']],
    ['type=A', ['www', 'mail']],
    ['name.exact=www.example.com&type=AAAA', ['www']],
    ['content=192.0.2.20', ['mail']],
    ['content.exact=STORE.example.net', ['shop']],
    ['content.contains=spf', ['example.com']],
    ['comment=zk:one', ['www']],
    ['comment.exact=zk:two', ['www']],
    ['comment.startswith=zk:', ['www', 'www']],
    ['comment.endswith=hand', ['example.com']],
    ['comment.contains=BY', ['example.com']],
    ['comment.present=', ['www', 'www', 'example.com']],
    ['comment.absent=', ['mail', 'shop']],
    ['proxied=true', ['shop']],
    ['search=store', ['shop']],
    ['match=any&type=TXT&name=mail.example.com', ['mail', 'example.com']],
    ['match=all&type=TXT&name=mail.example.com', []],
    ['order=name', ['example.com', 'mail', 'shop', 'www', 'www']],
    ['order=name&direction=desc', ['www', 'www', 'shop', 'mail', 'example.com']],
    ['order=type&per_page=2', ['www', 'mail']],
    ['unknown=filter', ['www', 'mail', 'www', 'shop', 'example.com']],
  ])('%s', async (query, expected) => {
    await using at = await bench({ zones: [{ name: 'example.com', records }] });
    expect(await names(at, `?${query}`)).toEqual(expected);
  });

  test('through the SDK with nested filters', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', records }] });
    const page = await at.sdk.dns.records.list({ zone_id: at.zone, name: { exact: 'www.example.com' }, type: 'A' });
    expect(page.result).toMatchObject([{ type: 'A', content: '192.0.2.10' }]);
  });
});

// developers.cloudflare.com/api/resources/zones/methods/list/
describe('the list of zones', () => {
  const zones = Array.from({ length: 120 }, (_, index) => ({ name: `zone-${String(index).padStart(3, '0')}.example` }));

  test('comes in pages of 20, of 50 at most', async () => {
    await using at = await bench({ zones });
    expect((await at.call('GET', '/zones')).body.result_info).toMatchObject({ per_page: 20, total_count: 120 });
    const { body } = await at.call('GET', '/zones?per_page=1000&page=3');
    expect(body.result_info).toEqual({ page: 3, per_page: 50, count: 20, total_count: 120, total_pages: 3 });
  });

  test('shows what the SDK knows of a zone', async () => {
    await using at = await bench({ zones: [{ name: 'Example.COM', plan: 'business' }] });
    const { result } = await at.sdk.zones.list({ per_page: 50 });
    expect(result).toMatchObject([
      {
        id: at.zone,
        name: 'example.com',
        status: 'active',
        paused: false,
        type: 'full',
        plan: { legacy_id: 'business', name: 'Business Website' },
        account: { id: at.simulator.accountId },
        owner: { type: 'user' },
        permissions: expect.arrayContaining(['#dns_records:edit']),
        name_servers: [expect.any(String), expect.any(String)],
      },
    ]);
    expect(await at.sdk.zones.get({ zone_id: at.zone })).toEqual(result[0]);
  });

  test.each([
    ['name=zone-007.example', 1],
    ['name=contains:-00', 10],
    ['name=not_equal:zone-007.example', 121],
    ['name=none.example', 0],
    ['status=pending', 1],
    ['status=active&name=ends_with:.example', 120],
    ['match=any&status=pending&name=zone-007.example', 2],
  ])('%s', async (query, count) => {
    const others = [{ name: 'late.test', status: 'pending' as const }, { name: 'example.com' }];
    await using at = await bench({ zones: [...zones, ...others] });
    expect((await at.call('GET', `/zones?${query}`)).body.result_info).toMatchObject({ total_count: count });
  });
});

describe('what is not there', () => {
  test.each([
    ['GET', '/zones/00000000000000000000000000000000'],
    ['GET', '/zones/00000000000000000000000000000000/dns_records'],
    ['POST', '/zones/00000000000000000000000000000000/dns_records/batch'],
  ])('%s %s: no such zone is 404 with 7003', async (method, path) => {
    await using at = await bench();
    const reply = await at.call(method, path, method === 'POST' ? {} : undefined);
    expect([reply.status, codesOf(reply)]).toEqual([404, [7003]]);
  });

  test.each(['/nothing', '/zones/x/settings', '/zones/x/dns_records/y/z', '/user/tokens', '//'])(
    'GET %s: no such route is 404 with 7003 and 7000',
    async (path) => {
      await using at = await bench();
      const reply = await at.call('GET', path);
      expect([reply.status, codesOf(reply)]).toEqual([404, [7003, 7000]]);
    },
  );

  test('the wrong method is 405', async () => {
    await using at = await bench();
    expect((await at.records('DELETE')).status).toBe(405);
  });
});
