import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { a, bench, codesOf } from './support.ts';

const as = (token: string) => ({ authorization: `Bearer ${token}` });

// developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/
describe('tokens', () => {
  test('any will do until some are named', async () => {
    await using at = await bench();
    expect((await at.call('GET', '/zones', undefined, as('whatever'))).status).toBe(200);
    at.simulator.setTokens([{ token: 'right' }]);
    expect((await at.call('GET', '/zones', undefined, as('right'))).status).toBe(200);
    const wrong = await at.call('GET', '/zones', undefined, as('whatever'));
    expect([wrong.status, codesOf(wrong)]).toEqual([403, [9109]]);
  });

  test.each([
    ['none', {}, 400, [9106]],
    ['an empty one', { authorization: 'Bearer ' }, 400, [6003, 6111]],
    ['another scheme', { authorization: 'Basic eDp5' }, 400, [6003, 6111]],
    ['one with a space', { authorization: 'Bearer a b' }, 400, [6003, 6111]],
  ])('%s is refused', async (_, headers, status, codes) => {
    await using at = await bench();
    const response = await fetch(`${at.simulator.url}/zones`, { headers });
    const body = await response.json();
    expect([response.status, codesOf({ status, headers: response.headers, body: body as never })]).toEqual([
      status,
      codes,
    ]);
  });

  test.each([
    ['invalid', 403, [9109]],
    ['location', 403, [9109]],
    ['disabled', 403, [10000]],
    ['expired', 403, [10000]],
  ] as const)('%s: %i %j', async (status, http, codes) => {
    await using at = await bench();
    at.simulator.setToken({ token: 'test-token', status });
    const reply = await at.call('GET', '/zones');
    expect([reply.status, codesOf(reply)]).toEqual([http, codes]);
    expect((await at.call('GET', '/zones', undefined, as('another'))).status).toBe(200);
  });

  test('with read access may list but not write', async () => {
    await using at = await bench();
    at.simulator.setToken({ token: 'test-token', access: 'read' });
    expect((await at.records('GET')).status).toBe(200);
    for (const path of ['', '/batch']) {
      const reply = await at.records('POST', path, path === '' ? a('www') : { posts: [a('www')] });
      expect([reply.status, codesOf(reply)]).toEqual([403, [10000]]);
    }
    expect(at.simulator.records()).toEqual([]);
  });

  test('for some zones sees no others', async () => {
    await using at = await bench({ zones: [{ name: 'example.com' }, { name: 'example.net' }] });
    at.simulator.setToken({ token: 'test-token', zones: ['example.net'] });
    expect((await at.call('GET', '/zones')).body.result).toMatchObject([{ name: 'example.net' }]);
    const reply = await at.records('GET');
    expect([reply.status, codesOf(reply)]).toEqual([403, [10000]]);
  });
});

// developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/
describe('token verification', () => {
  test('succeeds with code 10000 in its message', async () => {
    await using at = await bench();
    for (const path of ['/user/tokens/verify', `/accounts/${at.simulator.accountId}/tokens/verify`]) {
      const { body } = await at.call('GET', path);
      expect(body).toMatchObject({ success: true, errors: [], messages: [{ code: 10000 }] });
      expect(body.result).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), status: 'active' });
    }
  });

  test('tells of an expired token, and refuses an unknown one', async () => {
    await using at = await bench({ tokens: [{ token: 'test-token', status: 'expired' }] });
    const expired = await at.call('GET', '/user/tokens/verify');
    expect(expired.body).toMatchObject({ success: true, result: { status: 'expired' } });
    const unknown = await at.call('GET', '/user/tokens/verify', undefined, as('unknown'));
    expect([unknown.status, codesOf(unknown)]).toEqual([401, [1000]]);
  });
});

// developers.cloudflare.com/fundamentals/api/reference/limits/
describe('the rate limit', () => {
  const SLIDING = { requests: 3, windowMs: 300_000, kind: 'sliding', blockMs: 0 } as const;

  test('is 1,200 requests in 300 s unless set otherwise, and every answer tells what is left', async () => {
    await using at = await bench({ rateLimit: undefined, clock: new VirtualClock() });
    const { headers } = await at.call('GET', '/zones');
    expect(headers.get('ratelimit')).toBe('"default";r=1199;t=300');
    expect(headers.get('ratelimit-policy')).toBe('"default";q=1200;w=300');
    expect(headers.get('retry-after')).toBeNull();
  });

  test('counts all tokens together; beyond it everything is 429', async () => {
    await using at = await bench({ rateLimit: SLIDING, clock: new VirtualClock() });
    for (const token of ['one', 'two', 'three']) {
      expect((await at.call('GET', '/zones', undefined, as(token))).status).toBe(200);
    }
    const reply = await at.records('POST', '', a('www'));
    expect([reply.status, codesOf(reply), reply.headers.get('retry-after')]).toEqual([429, [971], '300']);
    expect(reply.headers.get('ratelimit')).toBe('"default";r=0;t=300');
    expect(at.simulator.records()).toEqual([]);
    expect(at.simulator.counters()).toMatchObject({ requests: 4, limited: 1, by_status: { 200: 3, 429: 1 } });
  });

  test('blocks for five minutes from the first excess on', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ rateLimit: { requests: 1 }, clock });
    const status = async () => (await at.call('GET', '/zones')).status;
    expect([await status(), await clock.advance(200_000), await status()]).toEqual([200, undefined, 429]);
    await clock.advance(299_999);
    expect(await status()).toBe(429);
    await clock.advance(1);
    expect(await status()).toBe(200);
  });

  test('slides: room comes back one by one, as requests grow old', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ rateLimit: SLIDING, clock });
    const status = async () => (await at.call('GET', '/zones')).status;
    for (let n = 0; n < 3; n += 1) {
      expect(await status()).toBe(200);
      await clock.advance(100_000);
    }
    expect([await status(), await status()]).toEqual([200, 429]);
  });

  test('is fixed: a new window has all of it at once', async () => {
    const clock = new VirtualClock();
    await using at = await bench({ rateLimit: { ...SLIDING, kind: 'fixed' }, clock });
    const status = async () => (await at.call('GET', '/zones')).status;
    expect(await status()).toBe(200);
    await clock.advance(299_999);
    expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
    await clock.advance(1);
    expect([await status(), await status(), await status(), await status()]).toEqual([200, 200, 200, 429]);
    expect(at.simulator.counters().max_in_300s).toBe(7);
  });

  test('can be off, and its headers too', async () => {
    await using at = await bench({ rateLimit: 'off' });
    expect((await at.call('GET', '/zones')).headers.has('ratelimit')).toBe(false);
    at.simulator.configure({ rateLimit: { requests: 5 }, rateLimitHeaders: false });
    expect((await at.call('GET', '/zones')).headers.has('ratelimit')).toBe(false);
    at.simulator.configure({ rateLimitHeaders: true });
    expect((await at.call('GET', '/zones')).headers.get('ratelimit')).toMatch(/^"default";r=3;/);
  });

  test('does not count those whom nobody knows', async () => {
    await using at = await bench({ rateLimit: { requests: 1 }, tokens: ['test-token'] });
    for (let n = 0; n < 3; n += 1) await at.call('GET', '/zones', undefined, as('wrong'));
    expect((await at.call('GET', '/zones')).status).toBe(200);
  });
});
