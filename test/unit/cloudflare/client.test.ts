import { describe, expect, test } from 'vitest';
import { CloudflareApi } from '../../../src/cloudflare/client.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import {
  type Answering,
  carriedOut,
  create,
  fakeApi,
  json,
  OpenLimiter,
  ok,
  Reports,
  raw,
  refusal,
  remove,
  TOKEN,
  unit,
  update,
  ZONE,
} from './support.ts';

const always = { remaining: () => 30_000 };

describe('zones', () => {
  const zone = (index: number, plan: unknown = { legacy_id: 'free' }) => ({
    id: `z${index}`,
    name: `zone${index}.example`,
    plan,
    paused: false,
  });

  test('are read page by page until result_info says it was the last', async () => {
    const all = Array.from({ length: 120 }, (_, index) => zone(index));
    const { api, received, limiter } = fakeApi(({ url }) => {
      const page = Number(url.searchParams.get('page'));
      const result = all.slice((page - 1) * 50, page * 50);
      return ok(result, { page, per_page: 50, count: result.length, total_count: 120, total_pages: 3 });
    });
    expect((await api.zones()).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(received.map(({ url }) => url.searchParams.get('per_page'))).toEqual(['50', '50', '50']);
    expect(limiter.runs).toBe(3);
  });

  test('stop at a full last page where result_info tells, at a short or empty one where it does not', async () => {
    const full = Array.from({ length: 50 }, (_, index) => zone(index));
    const told = fakeApi(() => ok(full, { page: 1, per_page: 50, total_pages: 1, total_count: 50 }));
    expect(await told.api.zones()).toHaveLength(50);
    expect(told.received).toHaveLength(1);
    const untold = fakeApi(({ url }) => ok(url.searchParams.get('page') === '1' ? full : []));
    expect(await untold.api.zones()).toHaveLength(50);
    expect(untold.received).toHaveLength(2);
  });

  test('a zone that stands on two pages is one zone', async () => {
    const { api } = fakeApi(({ url }) => {
      const page = Number(url.searchParams.get('page'));
      return ok([zone(1), zone(page + 1)], { page, per_page: 2, total_pages: 2, total_count: 3 });
    });
    expect((await api.zones()).map(({ id }) => id)).toEqual(['z1', 'z2', 'z3']);
  });

  test('have the limits of their plan, the small ones where it is not known', async () => {
    const plans = ['free', 'pro', 'business', 'enterprise', undefined].map((legacy_id) => ({ legacy_id }));
    const zones = plans.map((plan, index) => zone(index, plan));
    const limits = await fakeApi(() => ok(zones)).api.zones();
    expect(limits.map(({ batchLimit }) => batchLimit)).toEqual([200, 3_500, 3_500, 3_500, 200]);
    expect(limits.map(({ commentLimit }) => commentLimit)).toEqual([100, 500, 500, 500, 100]);
    const others = ['lite', 'partners_free', 'partners_pro', 'pro_plus', 'partners_enterprise', 'new'].map(
      (legacy_id) => ({
        legacy_id,
      }),
    );
    const unusual = await fakeApi(() => ok(others.map((plan, index) => zone(index, plan)))).api.zones();
    expect(unusual.map(({ batchLimit }) => batchLimit)).toEqual([200, 200, 3_500, 3_500, 3_500, 200]);
    const set = await fakeApi(() => ok(zones), { batchLimit: 40 }).api.zones();
    expect(set.map(({ batchLimit }) => batchLimit)).toEqual([40, 40, 40, 40, 40]);
  });

  test('have names in normal form', async () => {
    const { api } = fakeApi(() => ok([{ ...zone(1), name: 'Bücher.Example.', paused: true }]));
    expect(await api.zones()).toMatchObject([{ name: 'xn--bcher-kva.example', paused: true }]);
  });
});

describe('records', () => {
  test('come in normal form, with the types that matter and the comments that say something', async () => {
    const { api, received } = fakeApi(() =>
      ok([
        raw({ id: '1', name: 'WWW.Example.com', comment: '', extra: 'dropped' }),
        raw({ id: '2', type: 'AAAA', content: '2001:DB8:0:0:0:0:0:1', ttl: 300, comment: 'zonekeeper/a/1' }),
        raw({ id: '3', type: 'CNAME', content: 'Target.Example.net.', ttl: 300, proxied: true }),
        raw({ id: '4', type: 'NS', name: 'sub.example.com', content: 'ns1.example.net' }),
        raw({ id: '5', type: 'TXT', content: '"x"' }),
        raw({ id: '6', type: 'MX' }),
      ]),
    );
    const list = await api.list(ZONE);
    const blank = { comment: null, proxied: false, ttl: 1 };
    expect(list).toEqual({
      pages: 1,
      records: [
        { ...blank, id: '1', fqdn: 'www.example.com', type: 'A', content: '192.0.2.1' },
        {
          ...blank,
          id: '2',
          fqdn: 'www.example.com',
          type: 'AAAA',
          content: '2001:db8::1',
          ttl: 300,
          comment: 'zonekeeper/a/1',
        },
        { ...blank, id: '3', fqdn: 'www.example.com', type: 'CNAME', content: 'target.example.net', proxied: true },
        { ...blank, id: '4', fqdn: 'sub.example.com', type: 'NS', content: 'ns1.example.net' },
      ],
    });
    expect(received[0]?.url.href).toBe('http://cloudflare.test/client/v4/zones/z1/dns_records?page=1&per_page=5000');
  });

  test('of many pages are one list, in the order of the pages', async () => {
    const { api } = fakeApi(({ url }) => {
      const page = Number(url.searchParams.get('page'));
      return ok([raw({ id: `p${page}` })], { page, per_page: 1, total_pages: 3, total_count: 3 });
    });
    const { records, pages } = await api.list(ZONE);
    expect([records.map(({ id }) => id), pages]).toEqual([['p1', 'p2', 'p3'], 3]);
  });

  test('of one name are not taken from the first of several pages: it may stand on another', async () => {
    const { api } = fakeApi(() => ok([raw()], { page: 1, per_page: 1, total_pages: 2, total_count: 2 }));
    await expect(api.lookup(ZONE, 'www.example.com')).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
  });

  test('of one name are asked for in one call, and others that come along are left out', async () => {
    const { api, received } = fakeApi(() => ok([raw({ id: '1' }), raw({ id: '2', name: 'a.www.example.com' })]));
    expect((await api.lookup(ZONE, 'www.example.com')).map(({ id }) => id)).toEqual(['1']);
    expect(received).toHaveLength(1);
    expect(received[0]?.url.searchParams.get('name.exact')).toBe('www.example.com');
  });

  test('a server without end is not followed', async () => {
    const { api } = fakeApi(({ url }) => ok([raw()], { page: Number(url.searchParams.get('page')), total_pages: 1e9 }));
    await expect(api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
  });
});

describe('an answer that is not one', () => {
  const html = () => new Response('<html><title>Hello</title></html>', { headers: { 'content-type': 'text/html' } });

  test.each<[string, Answering]>([
    ['an HTML page with status 200', html],
    ['an empty body', () => new Response('')],
    ['no content', () => new Response(null, { status: 204 })],
    [
      'JSON that ends too early',
      () => new Response('{"success":true,"result":[{"id":"1"', { headers: { 'content-type': 'application/json' } }),
    ],
    ['JSON of something else', () => json({ hello: 'world' })],
    ['a list without "result"', () => json({ success: true })],
    ['a record without an id', () => ok([raw({ id: undefined })])],
    ['a record without a type', () => ok([raw({ type: undefined })])],
    ['fewer records than it counts', () => ok([raw()], { page: 1, total_pages: 1, total_count: 7 })],
    ['fewer records than it counts, on no page', () => ok([raw()], { page: 1, total_pages: 0, total_count: 7 })],
    [
      'a page without records before the last one',
      ({ url }) =>
        url.searchParams.get('page') === '1'
          ? ok([raw()], { page: 1, per_page: 1, total_pages: 3, total_count: 3 })
          : ok([], { page: 2, per_page: 1, total_pages: 3, total_count: 3 }),
    ],
    ['no records although it counts some', () => ok([], { page: 1, per_page: 5_000, total_count: 7 })],
  ])('%s is never taken for an empty zone', async (_, answer) => {
    await expect(fakeApi(answer).api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
  });

  test('to a batch, it leaves the outcome unknown', async () => {
    for (const answer of [
      html,
      () => json({ success: true, result: null }),
      () => new Response('{"success":true,"res'),
    ]) {
      const outcomes = await fakeApi(answer).api.write(ZONE, [unit(create('a.example.com'))], always);
      expect(outcomes).toMatchObject([{ kind: 'unknown', error: { code: 'cloudflare_unavailable' } }]);
    }
  });

  test('that does not end is not read beyond 64 MiB, whatever its status', async () => {
    const endless = () => {
      const sent = { mib: 0, cancelled: false };
      const body = new ReadableStream({
        pull: (controller) => {
          sent.mib += 1;
          if (sent.mib <= 200) controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
        },
        cancel: () => {
          sent.cancelled = true;
        },
      });
      return { sent, body };
    };
    for (const status of [200, 429, 500]) {
      const { sent, body } = endless();
      const { api, reports } = fakeApi(() => new Response(body, { status }));
      await expect(api.list(ZONE)).rejects.toMatchObject({
        code: status === 429 ? 'cloudflare_limited' : 'cloudflare_unavailable',
        message: expect.stringContaining('it is longer than 67108864 bytes'),
      });
      expect(sent.cancelled).toBe(true);
      expect(sent.mib).toBeLessThan(70);
      expect(reports.calls).toMatchObject([{ code: status === 200 ? 'too_long' : String(status) }]);
    }
    const { body } = endless();
    const outcomes = await fakeApi(() => new Response(body)).api.write(ZONE, [unit(create('a.example.com'))], always);
    expect(outcomes).toMatchObject([{ kind: 'unknown' }]);
  });

  test('"success": false is a refusal, also with status 200', async () => {
    const { api } = fakeApi(() => refusal(200, { code: 7003, message: 'No route' }));
    await expect(api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_zone_gone' });
  });

  test('a redirect is not followed', async () => {
    const { api } = fakeApi((_, init) => {
      expect(init.redirect).toBe('manual');
      return new Response(null, { status: 302, headers: { location: 'http://elsewhere.test' } });
    });
    await expect(api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_rejected' });
  });
});

describe('a batch', () => {
  test('carries deletes, patches and posts of all units, and gives each unit its records', async () => {
    const { api, received, reports } = fakeApi(({ body }) => ok(carriedOut(body)));
    const units = [
      unit(create('a.example.com')),
      unit(remove('b.example.com', 'rb'), create('b.example.com', '192.0.2.7')),
      unit(update('c.example.com', 'rc', '192.0.2.8')),
      unit(remove('d.example.com', 'rd')),
    ];
    const outcomes = await api.write(ZONE, units, always);
    expect(received[0]).toMatchObject({
      method: 'POST',
      body: {
        deletes: [{ id: 'rb' }, { id: 'rd' }],
        patches: [{ id: 'rc', type: 'A', name: 'c.example.com', content: '192.0.2.8', ttl: 1, proxied: false }],
        posts: [
          {
            type: 'A',
            name: 'a.example.com',
            content: '192.0.2.1',
            ttl: 1,
            proxied: false,
            comment: 'zonekeeper/test/a',
          },
          {
            type: 'A',
            name: 'b.example.com',
            content: '192.0.2.7',
            ttl: 1,
            proxied: false,
            comment: 'zonekeeper/test/b',
          },
        ],
      },
    });
    expect(received[0]?.url.pathname).toBe('/client/v4/zones/z1/dns_records/batch');
    expect(outcomes).toMatchObject([
      { kind: 'applied', records: [{ id: 'new-0-a.example.com', content: '192.0.2.1' }] },
      { kind: 'applied', records: [null, { id: 'new-1-b.example.com', content: '192.0.2.7' }] },
      { kind: 'applied', records: [{ id: 'rc', content: '192.0.2.8' }] },
      { kind: 'applied', records: [null] },
    ]);
    expect(reports.batches).toEqual([5]);
  });

  test('whose answer does not show a record leaves that unit unknown, and no other', async () => {
    const { api } = fakeApi(({ body }) => {
      const result = carriedOut(body) as { posts: Record<string, unknown>[] };
      result.posts[0] = raw({ name: 'someone-else.example.com' });
      return ok(result);
    });
    const outcomes = await api.write(ZONE, [unit(create('a.example.com')), unit(create('b.example.com'))], always);
    expect(outcomes).toMatchObject([{ kind: 'unknown' }, { kind: 'applied' }]);
  });

  test('whose answer lists too few or too many records leaves their units unknown', async () => {
    for (const posts of [[], [raw({ name: 'a.example.com' })], null, [raw({ name: 'a.example.com' }), raw(), raw()]]) {
      const { api } = fakeApi(() => ok({ deletes: [raw()], posts }));
      const units = [unit(create('a.example.com')), unit(create('b.example.com')), unit(remove('c.example.com', 'rc'))];
      const outcomes = await api.write(ZONE, units, always);
      expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'applied']);
    }
  });

  test('that cannot be written down beforehand is not sent', async () => {
    const limiter = new OpenLimiter();
    limiter.run = () => Promise.reject(new Error('no database'));
    const { api } = fakeApi(() => ok({}), { limiter });
    const outcomes = await api.write(ZONE, [unit(create('a.example.com'))], always);
    expect(outcomes).toMatchObject([{ kind: 'deferred', error: { message: 'no database' } }]);
  });

  test('is split when a record is refused', async () => {
    const { api, limiter } = fakeApi(({ body }) => {
      const posts = (body as { posts: { name: string }[] }).posts;
      return posts.some(({ name }) => name === 'c.example.com')
        ? refusal(400, { code: 9005, message: 'Bad' })
        : ok(carriedOut(body));
    });
    const outcomes = await api.write(
      ZONE,
      ['a', 'b', 'c', 'd'].map((name) => unit(create(`${name}.example.com`))),
      always,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'refused', 'applied']);
    expect(limiter.runs).toBe(4);
  });

  test('that points at the refused record is not searched', async () => {
    const { api, limiter } = fakeApi(({ body }) => {
      const posts = (body as { posts: { name: string }[] }).posts;
      const at = posts.findIndex(({ name }) => name === 'c.example.com');
      return at === -1
        ? ok(carriedOut(body))
        : refusal(400, { code: 9005, message: 'Bad', source: { pointer: `/posts/${at}/content` } });
    });
    const units = [
      unit(remove('x.example.com', 'rx')),
      ...['a', 'b', 'c', 'd'].map((name) => unit(create(`${name}.example.com`))),
    ];
    const outcomes = await api.write(ZONE, units, always);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied', 'refused', 'applied']);
    expect(limiter.runs).toBeLessThanOrEqual(3);
  });

  test('is not sent when its time is up, and every call of a split asks again', async () => {
    let left = 2;
    const { api, received } = fakeApi(() => refusal(400, { code: 9005, message: 'Bad' }));
    const units = ['a', 'b', 'c', 'd'].map((name) => unit(create(`${name}.example.com`)));
    const outcomes = await api.write(ZONE, units, { remaining: () => (left-- > 0 ? 30_000 : null) });
    expect(received).toHaveLength(2);
    expect(outcomes).toMatchObject(units.map(() => ({ kind: 'deferred', error: { code: 'write_expired' } })));
  });

  test('of nothing is no call', async () => {
    const { api, received } = fakeApi(() => ok({}));
    expect(await api.write(ZONE, [], always)).toEqual([]);
    expect(received).toHaveLength(0);
  });
});

describe('time', () => {
  const hanging = (init: RequestInit) =>
    new Promise<Response>((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    });

  test('a read that is not answered ends at its deadline', async () => {
    const { api, clock, reports } = fakeApi((_, init) => hanging(init), { readTimeoutMs: 5_000 });
    const list = expect(api.list(ZONE)).rejects.toMatchObject({
      code: 'cloudflare_unavailable',
      message: expect.stringContaining('within 5 s'),
    });
    await clock.advance(5_000);
    await list;
    expect(reports.calls).toEqual([{ operation: 'list', zone: 'example.com', code: 'timeout', seconds: 5 }]);
    expect(clock.pending).toBe(0);
  });

  test('the deadline covers the body, even one that takes no notice of being aborted', async () => {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) });
    const { api, clock } = fakeApi(() => new Response(body, { headers: { 'content-type': 'application/json' } }));
    const list = expect(api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
    await clock.advance(30_000);
    await list;
  });

  test('a batch may take as long as it was given; then its outcome is unknown', async () => {
    const { api, clock } = fakeApi((_, init) => hanging(init));
    const writing = api.write(ZONE, [unit(create('a.example.com'))], { remaining: () => 7_000 });
    await clock.advance(6_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await writing).toMatchObject([{ kind: 'unknown' }]);
  });

  test('a caller that gives up ends the call: a read fails, a write that left is unknown, one that did not is deferred', async () => {
    const { api, clock } = fakeApi((_, init) => hanging(init));
    const giveUp = new AbortController();
    const list = expect(api.list(ZONE, { signal: giveUp.signal })).rejects.toMatchObject({
      code: 'cloudflare_unavailable',
    });
    const writing = api.write(ZONE, [unit(create('a.example.com'))], { ...always, signal: giveUp.signal });
    await clock.advance(1);
    giveUp.abort(new ZonekeeperError('shutting_down', 'We stop.'));
    await list;
    expect(await writing).toMatchObject([{ kind: 'unknown' }]);
    const late = await api.write(ZONE, [unit(create('a.example.com'))], { ...always, signal: giveUp.signal });
    expect(late).toMatchObject([{ kind: 'deferred' }]);
    expect(clock.pending).toBe(0);
  });
});

describe('the limiter and the observer', () => {
  test('learn of every answer: headers, blocks, status and time', async () => {
    const answers = [
      () => json({ success: true, result: [] }, 200, { ratelimit: '"default";r=7;t=3' }),
      () => json({ success: false, errors: [] }, 429, { ratelimit: '"default";r=0;t=9', 'retry-after': '20' }),
      () => json({ success: false, errors: [] }, 429),
    ];
    const { api, limiter, reports } = fakeApi(() => answers.shift()?.() ?? json({}));
    await api.list(ZONE, { priority: 2 });
    await expect(api.lookup(ZONE, 'a.example.com')).rejects.toMatchObject({
      code: 'cloudflare_limited',
      retryAfterMs: 20_000,
    });
    await expect(api.zones()).rejects.toMatchObject({ code: 'cloudflare_limited' });
    expect(limiter.learnt).toEqual(['"default";r=7;t=3', '"default";r=0;t=9', null]);
    expect(limiter.blocks).toEqual([20_000, undefined]);
    expect(limiter.priorities).toEqual([2, undefined, undefined]);
    expect(reports.calls.map(({ operation, zone, code }) => [operation, zone, code])).toEqual([
      ['list', 'example.com', '200'],
      ['lookup', 'example.com', '429'],
      ['zones', undefined, '429'],
    ]);
  });
});

describe('the token', () => {
  test('goes along with each call, and a new one as soon as it has seen a zone', async () => {
    const { api, received } = fakeApi(({ url }) =>
      ok(url.pathname.endsWith('/zones') ? [{ id: 'z1', name: 'example.com' }] : []),
    );
    await api.list(ZONE);
    await api.changeToken('  another-token\n');
    await api.list(ZONE);
    const another = 'Bearer another-token';
    expect(received.map(({ token }) => token)).toEqual([`Bearer ${TOKEN}`, another, another]);
  });

  test('stays when the new one is refused, or sees no zone', async () => {
    const { api, received } = fakeApi(({ token }) =>
      token === 'Bearer refused' ? refusal(403, { code: 9109, message: 'Invalid access token' }) : ok([]),
    );
    await expect(api.changeToken('refused')).rejects.toMatchObject({ code: 'cloudflare_auth' });
    await expect(api.changeToken('blind')).rejects.toMatchObject({ code: 'cloudflare_no_zones' });
    await api.list(ZONE);
    expect(received.at(-1)?.token).toBe(`Bearer ${TOKEN}`);
  });

  test('that cannot be one is refused without being shown', async () => {
    for (const token of ['', '  ', 'two words', 'line\nbreak', 'tök', 'x'.repeat(2_000)]) {
      await expect(fakeApi(() => ok([])).api.changeToken(token)).rejects.toMatchObject({ code: 'config_invalid' });
      const reason = (() => {
        try {
          return new CloudflareApi({
            token,
            clock: new VirtualClock(),
            limiter: new OpenLimiter(),
            observer: new Reports(),
          });
        } catch (error) {
          return String(error);
        }
      })();
      if (token.trim() !== '') expect(reason).not.toContain(token.trim());
    }
  });

  test('is never repeated in an error', async () => {
    const { api } = fakeApi(() => refusal(400, { code: 6003, message: `Bad header Bearer ${TOKEN}` }));
    await expect(api.list(ZONE)).rejects.toSatisfy((error: Error) => !`${error.message}${error.stack}`.includes(TOKEN));
  });

  test('of the environment is not used, nor anything else of it', async () => {
    const names = [
      'CLOUDFLARE_API_TOKEN',
      'CLOUDFLARE_API_KEY',
      'CLOUDFLARE_EMAIL',
      'CLOUDFLARE_BASE_URL',
      'CLOUDFLARE_API_USER_SERVICE_KEY',
    ];
    for (const name of names) process.env[name] = 'http://from-the-environment.test';
    try {
      const { api, received } = fakeApi((_, init) => {
        const headers = new Headers(init.headers);
        expect([
          headers.get('x-auth-key'),
          headers.get('x-auth-email'),
          headers.get('x-auth-user-service-key'),
        ]).toEqual([null, null, null]);
        return ok([]);
      });
      await api.list(ZONE);
      expect(received[0]).toMatchObject({ token: `Bearer ${TOKEN}`, url: { host: 'cloudflare.test' } });
    } finally {
      for (const name of names) delete process.env[name];
    }
  });
});
