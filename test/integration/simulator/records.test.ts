import { describe, expect, test } from 'vitest';
import { a, bench, codesOf } from './support.ts';

// developers.cloudflare.com/api/resources/dns/subresources/records/methods/{create,get,edit,update,delete}/
describe('one record', () => {
  test('is created, read, patched, overwritten and deleted through the SDK', async () => {
    await using at = await bench();
    const { records } = at.sdk.dns;
    const zone_id = at.zone;
    const made = await records.create({
      zone_id,
      type: 'A',
      name: 'www',
      content: '192.0.2.1',
      ttl: 300,
      comment: 'x',
    });
    expect(made).toMatchObject({
      name: 'www.example.com',
      content: '192.0.2.1',
      ttl: 300,
      proxied: false,
      comment: 'x',
    });
    expect(made.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await records.get(made.id, { zone_id })).toEqual(made);

    const edited = await records.edit(made.id, {
      zone_id,
      type: 'A',
      name: 'www.example.com',
      content: '192.0.2.2',
      ttl: 300,
    });
    expect(edited).toMatchObject({ id: made.id, content: '192.0.2.2', comment: 'x', created_on: made.created_on });

    const put = await records.update(made.id, {
      zone_id,
      type: 'A',
      name: 'www.example.com',
      content: '192.0.2.3',
      ttl: 1,
    });
    expect(put).toMatchObject({ id: made.id, content: '192.0.2.3', comment: null, ttl: 1, tags: [] });

    expect(await records.delete(made.id, { zone_id })).toEqual({ id: made.id });
    const gone = await at.records('GET', `/${made.id}`);
    expect([gone.status, codesOf(gone)]).toEqual([404, [81044]]);
  });

  test('shows what the real one shows', async () => {
    await using at = await bench();
    const { body, headers } = await at.records('POST', '', a('www', { comment: 'note', proxied: true, ttl: 300 }));
    const { result, ...envelope } = body;
    expect(envelope).toEqual({ success: true, errors: [], messages: [] });
    expect(result).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: 'www.example.com',
      type: 'A',
      content: '192.0.2.1',
      proxiable: true,
      proxied: true,
      ttl: 1,
      settings: {},
      meta: {},
      comment: 'note',
      tags: [],
      created_on: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      modified_on: expect.any(String),
      comment_modified_on: expect.any(String),
    });
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cf-ray')).toMatch(/^[0-9a-f]{16}-/);
  });

  test('without a comment has a null there, and no date of it', async () => {
    await using at = await bench();
    const { body } = await at.records('POST', '', a('www'));
    expect(body.result).toMatchObject({ comment: null });
    expect(body.result).not.toHaveProperty('comment_modified_on');
  });

  test('keeps by PATCH what is not named, and resets it by PUT', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', plan: 'pro' }] });
    const extra = { comment: 'mine', tags: ['owner:me'], ttl: 300, settings: { ipv4_only: true } };
    const { id } = (await at.records('POST', '', a('www', extra))).body.result as { id: string };
    const patched = await at.records('PATCH', `/${id}`, { content: '192.0.2.2' });
    expect(patched.body.result).toMatchObject({ ...extra, content: '192.0.2.2' });
    const put = await at.records('PUT', `/${id}`, { type: 'A', name: 'www', content: '192.0.2.3' });
    expect(put.body.result).toMatchObject({ comment: null, tags: [], ttl: 1, settings: {}, content: '192.0.2.3' });
  });

  test.each(['GET', 'PATCH', 'PUT', 'DELETE'])('that is not there: %s answers 404 with 81044', async (method) => {
    await using at = await bench();
    const body = method === 'GET' || method === 'DELETE' ? undefined : a('www');
    const reply = await at.records(method, `/${'0'.repeat(32)}`, body);
    expect([reply.status, codesOf(reply)]).toEqual([404, [81044]]);
    expect(reply.body).toMatchObject({ success: false, result: null });
  });
});

// developers.cloudflare.com/dns/manage-dns-records/reference/: names are shown in punycode, whole and in lower case.
describe('normal form', () => {
  test.each([
    ['www', 'www.example.com'],
    ['@', 'example.com'],
    ['example.com', 'example.com'],
    ['*', '*.example.com'],
    ['*.Sub', '*.sub.example.com'],
    ['WWW.Example.COM', 'www.example.com'],
    ['www.example.com.', 'www.example.com'],
    ['bücher', 'xn--bcher-kva.example.com'],
    ['_acme-challenge.www', '_acme-challenge.www.example.com'],
    ['www.example.net', 'www.example.net.example.com'],
  ])('the name %j becomes %s', async (name, whole) => {
    await using at = await bench();
    expect((await at.records('POST', '', a(name))).body.result).toMatchObject({ name: whole });
  });

  test.each([
    ['AAAA', '2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['CNAME', 'Target.Example.NET.', 'target.example.net'],
    ['CNAME', 'bücher.example', 'xn--bcher-kva.example'],
    ['TXT', 'v=spf1 -all', '"v=spf1 -all"'],
    ['TXT', '"v=spf1 -all"', '"v=spf1 -all"'],
    ['TXT', 'x'.repeat(300), `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    ['NS', 'NS1.Example.Net.', 'ns1.example.net'],
  ])('%s content %j becomes %j', async (type, content, normal) => {
    await using at = await bench();
    expect((await at.records('POST', '', { type, name: 'www', content })).body.result).toMatchObject({
      content: normal,
    });
  });

  test('a CNAME shows its default setting', async () => {
    await using at = await bench();
    const { body } = await at.records('POST', '', { type: 'CNAME', name: 'www', content: 'example.net' });
    expect(body.result).toMatchObject({ settings: { flatten_cname: false } });
  });

  test('only what the proxy can reach is proxiable', async () => {
    await using at = await bench();
    const proxiable = async (body: unknown) => (await at.records('POST', '', body)).body.result;
    expect(await proxiable(a('public'))).toMatchObject({ proxiable: true });
    expect(await proxiable(a('private', { content: '10.0.0.1' }))).toMatchObject({ proxiable: false });
    expect(await proxiable({ type: 'TXT', name: 'text', content: 'x' })).toMatchObject({ proxiable: false });
  });
});

describe('a refused record', () => {
  test.each([
    ['no IPv4 address', a('www', { content: '2001:db8::1' }), [9005]],
    ['a shortened IPv4 address', a('www', { content: '192.0.513' }), [9005]],
    ['no content', { type: 'A', name: 'www' }, [9005]],
    ['no IPv6 address', { type: 'AAAA', name: 'www', content: '192.0.2.1' }, [9006]],
    ['a target that is an address', { type: 'CNAME', name: 'www', content: '192.0.2.1' }, [9007]],
    ['a CNAME to itself', { type: 'CNAME', name: 'www', content: 'www.example.com' }, [1004, 9039]],
    ['a ttl below 60', a('www', { ttl: 59 }), [1004, 9021]],
    ['a ttl above a day', a('www', { ttl: 86_401 }), [1004, 9021]],
    ['a proxied TXT', { type: 'TXT', name: 'www', content: 'x', proxied: true }, [9041]],
    ['a proxied private address', a('www', { content: '192.168.1.1', proxied: true }), [9003]],
    ['a tag on a Free zone', a('www', { tags: ['owner:me'] }), [1004, 9300]],
    ['a comment of 101 characters on a Free zone', a('www', { comment: 'x'.repeat(101) }), [9313]],
    ['a comment of two lines', a('www', { comment: 'one\ntwo' }), [1004, 9312]],
    ['an unknown type', a('www', { type: 'AX' }), [1004, 9004]],
    ['no name', { type: 'A', content: '192.0.2.1' }, [1004, 9000]],
    ['an empty label', a('a..b'), [1004, 9000]],
    ['an MX without priority', { type: 'MX', name: 'www', content: 'mx.example.net' }, [1004, 9101]],
    ['a list for a body', [a('www')], [9207]],
  ])('%s', async (_, body, codes) => {
    await using at = await bench();
    const reply = await at.records('POST', '', body);
    expect(reply.status).toBe(400);
    expect(codesOf(reply)).toEqual(codes);
    expect(reply.body).toMatchObject({ success: false, result: null, messages: [] });
    expect(at.simulator.records()).toEqual([]);
  });

  test('paid plans allow comments of 500 characters and 20 tags, Enterprise a ttl of 30', async () => {
    await using at = await bench({ zones: [{ name: 'example.com', plan: 'enterprise' }] });
    const tags = Array.from({ length: 20 }, (_, index) => `tag-${index}:x`);
    const reply = await at.records('POST', '', a('www', { comment: 'ü'.repeat(500), tags, ttl: 30 }));
    expect(reply.body.result).toMatchObject({ tags, ttl: 30 });
    expect(codesOf(await at.records('POST', '', a('two', { comment: 'ü'.repeat(501) })))).toEqual([9313]);
  });

  test('a body that is no JSON, or not said to be', async () => {
    await using at = await bench();
    const url = `${at.simulator.url}/zones/${at.zone}/dns_records`;
    const post = async (body: string, type: string) => {
      const headers = { authorization: 'Bearer x', 'content-type': type };
      const response = await fetch(url, { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as { errors: { code: number }[] }).errors[0]?.code];
    };
    expect(await post('{"type"', 'application/json')).toEqual([400, 9207]);
    expect(await post(JSON.stringify(a('www')), 'text/plain')).toEqual([400, 9207]);
  });
});

// developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/
describe('records that share a name', () => {
  const cname = { type: 'CNAME', name: 'www', content: 'example.net' };
  const aaaa = { type: 'AAAA', name: 'www', content: '2001:db8::1' };
  const txt = { type: 'TXT', name: 'www', content: 'x' };
  const ns = { type: 'NS', name: 'www', content: 'ns.example.net' };

  test.each([
    ['a second address', a('www'), a('www', { content: '192.0.2.2' })],
    ['IPv4 and IPv6', a('www'), aaaa],
    ['an address and a text', a('www'), txt],
    ['two name servers', ns, { ...ns, content: 'ns2.example.net' }],
  ])('%s: allowed', async (_, first, second) => {
    await using at = await bench();
    await at.records('POST', '', first);
    expect((await at.records('POST', '', second)).status).toBe(200);
  });

  test.each([
    ['an address beside a CNAME', cname, a('www'), 81054],
    ['an IPv6 address beside a CNAME', cname, aaaa, 81054],
    ['a CNAME beside an address', a('www'), cname, 81053],
    ['a second CNAME', cname, { ...cname, content: 'example.org' }, 81053],
    ['anything beside NS', ns, a('www'), 81056],
    ['NS beside anything', txt, ns, 81056],
    ['the same once more', a('www'), a('WWW.example.com'), 81058],
    ['the same with another ttl', a('www'), a('www', { ttl: 300 }), 81057],
  ])('%s: refused', async (_, first, second, code) => {
    await using at = await bench();
    await at.records('POST', '', first);
    const reply = await at.records('POST', '', second);
    expect([reply.status, codesOf(reply)]).toEqual([400, [code]]);
    expect(at.simulator.records()).toHaveLength(1);
  });

  test('a patch may change the type, but not into the way of another', async () => {
    await using at = await bench();
    const { id } = (await at.records('POST', '', a('www'))).body.result as { id: string };
    expect((await at.records('PATCH', `/${id}`, cname)).body.result).toMatchObject({ id, type: 'CNAME' });
    await at.records('POST', '', a('other'));
    expect(codesOf(await at.records('PATCH', `/${id}`, { name: 'other' }))).toEqual([81053]);
    expect(at.simulator.records({ name: 'www.example.com' })).toMatchObject([{ type: 'CNAME' }]);
  });
});

// developers.cloudflare.com/dns/manage-dns-records/#dns-records-quota
describe('the quota of a zone', () => {
  test.each([
    ['free', undefined, 200],
    ['free', 1000, 1000],
    ['pro', undefined, 3500],
    ['business', undefined, 3500],
    ['enterprise', undefined, null],
  ] as const)('%s (%s): usage tells %s', async (plan, quota, told) => {
    await using at = await bench({ zones: [{ name: 'example.com', plan, quota, records: [a('www')] }] });
    expect((await at.records('GET', '/usage')).body.result).toEqual({ record_quota: told, record_usage: 1 });
  });

  test('one record more than it is refused with 81045', async () => {
    const records = Array.from({ length: 200 }, (_, index) => a(`host-${index}`));
    await using at = await bench({ zones: [{ name: 'example.com', records }] });
    const reply = await at.records('POST', '', a('one-more'));
    expect([reply.status, codesOf(reply)]).toEqual([400, [81045]]);
  });
});
