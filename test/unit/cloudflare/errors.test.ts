import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'cloudflare/core/error';
import { describe, expect, test } from 'vitest';
import { type CallContext, failureOf, failureOfAnswer, failureOfBody } from '../../../src/cloudflare/errors.ts';
import { DeadlineExceeded } from '../../../src/controller/deadline.ts';
import { ZonekeeperError } from '../../../src/errors.ts';

const inZone: CallContext = {
  operation: 'batch',
  zone: 'example.com',
  hide: (text) => text.replaceAll('s3cret', '[token]'),
  wallMs: Date.UTC(2025, 0, 1),
};
const ofZones: CallContext = { ...inZone, operation: 'zones', zone: undefined };

function answered(status: number, errors: readonly object[], context = inZone, headers: Record<string, string> = {}) {
  const body = { success: false, errors };
  return failureOf(APIError.generate(status, body, undefined, new Headers(headers)), context);
}

function lost(...chain: readonly object[]) {
  const cause = chain.reduceRight<Error | undefined>(
    (behind, fields) => Object.assign(new Error('lost', { cause: behind }), fields),
    undefined,
  );
  return failureOf(new APIConnectionError({ cause: new TypeError('fetch failed', { cause }) }), inZone);
}

describe('a refusal by code', () => {
  test.each([
    [81053, 400, 'cloudflare_conflict', 'record'],
    [81054, 400, 'cloudflare_conflict', 'record'],
    [81057, 400, 'cloudflare_conflict', 'record'],
    [81058, 400, 'cloudflare_conflict', 'record'],
    [81044, 404, 'cloudflare_gone', 'record'],
    [81045, 400, 'cloudflare_quota', 'quota'],
    [1004, 400, 'cloudflare_validation', 'record'],
    [9003, 400, 'cloudflare_validation', 'record'],
    [9005, 400, 'cloudflare_validation', 'record'],
    [9006, 400, 'cloudflare_validation', 'record'],
    [9007, 400, 'cloudflare_validation', 'record'],
    [9021, 400, 'cloudflare_validation', 'record'],
    [9041, 400, 'cloudflare_validation', 'record'],
    [9300, 400, 'cloudflare_validation', 'record'],
    [9313, 400, 'cloudflare_validation', 'record'],
    [9004, 400, 'cloudflare_validation', 'record'],
    [81056, 400, 'cloudflare_conflict', 'record'],
    [6003, 400, 'cloudflare_auth', 'call'],
    [9106, 400, 'cloudflare_auth', 'call'],
    [9109, 403, 'cloudflare_auth', 'call'],
    [10000, 400, 'cloudflare_auth', 'call'],
    [7003, 404, 'cloudflare_zone_gone', 'call'],
    [4711, 400, 'cloudflare_rejected', 'record'],
    [4711, 405, 'cloudflare_rejected', 'call'],
  ])('%i with status %i is %s, about the %s, and nothing was done', (code, status, expected, about) => {
    const failure = answered(status, [{ code, message: 'No.' }]);
    expect(failure).toMatchObject({ error: { code: expected }, effect: 'refused', about, status: String(status) });
    expect(failure.error.message).toBe(`Cloudflare answered ${status} to a batch in example.com: No. (${code}).`);
    expect(failure.error.facts).toEqual({ status, cloudflare_codes: [code] });
  });

  test('tells what is behind a validation error, and takes its meaning from there', () => {
    const chain = [{ code: 9005, message: 'Content for A record must be a valid IPv4 address.' }];
    const failure = answered(400, [{ code: 1004, message: 'DNS Validation Error', error_chain: chain }]);
    expect(failure.error.message).toContain(
      'DNS Validation Error (1004): Content for A record must be a valid IPv4 address. (9005)',
    );
    expect(failure.error.facts).toMatchObject({ cloudflare_codes: [1004, 9005] });
    const hidden = answered(400, [
      { code: 1004, message: 'DNS Validation Error', error_chain: [{ code: 81053, message: 'x' }] },
    ]);
    expect(hidden.error.code).toBe('cloudflare_conflict');
  });

  test('names the elements of a batch that the answer points at', () => {
    const failure = answered(400, [
      { code: 9005, message: 'x', source: { pointer: '/posts/3/content' } },
      { code: 9005, message: 'x', error_chain: [{ code: 1, message: 'y', source: { pointer: '#/patches/12' } }] },
      { code: 9005, message: 'x', source: { pointer: '/reposts/1' } },
    ]);
    expect(failure.elements).toEqual([
      { list: 'posts', index: 3 },
      { list: 'patches', index: 12 },
    ]);
    expect(failure.error.facts).toMatchObject({ pointer: '/posts/3/content' });
  });

  test('a token that may list zones but is refused in one lacks a permission there', () => {
    expect(answered(403, [{ code: 10000, message: 'Authentication error' }]).error.code).toBe('cloudflare_permission');
    expect(answered(403, [{ code: 10000, message: 'Authentication error' }], ofZones).error.code).toBe(
      'cloudflare_auth',
    );
    expect(answered(401, [{ code: 1000, message: 'Invalid API Token' }]).error.code).toBe('cloudflare_auth');
    expect(failureOf(APIError.generate(403, undefined, '<html>', new Headers()), inZone).error.code).toBe(
      'cloudflare_permission',
    );
  });

  test('an answer of success whose "success" is false is a refusal as well', () => {
    const body = { success: false, errors: [{ code: 81045, message: 'Quota' }] };
    expect(failureOfAnswer(200, body, '', null, inZone)).toMatchObject({ effect: 'refused', about: 'quota' });
  });
});

describe('the rate limit', () => {
  test.each([
    [429, []],
    [429, [{ code: 971, message: 'x' }]],
    [403, [{ code: 1015, message: 'x' }]],
    [400, [{ code: 10100, message: 'x' }]],
  ])('status %i with codes %j: it did not get in, and nothing is wrong with it', (status, errors) => {
    expect(answered(status, errors)).toMatchObject({
      error: { code: 'cloudflare_limited', retryAfterMs: undefined },
      effect: 'unsent',
      about: 'call',
    });
  });

  test('Retry-After is taken over as seconds or as a date', () => {
    expect(answered(429, [], inZone, { 'retry-after': '42' }).error.retryAfterMs).toBe(42_000);
    const date = new Date(inZone.wallMs + 30_000).toUTCString();
    expect(answered(429, [], inZone, { 'retry-after': date }).error.retryAfterMs).toBe(30_000);
  });

  test.each(['-5', '5/2', 'soon', ''])('a Retry-After of %j says nothing', (header) => {
    expect(answered(429, [], inZone, { 'retry-after': header }).error.retryAfterMs).toBeUndefined();
  });
});

describe('a lost answer', () => {
  test.each([500, 502, 503, 520, 524, 408])('status %i: the outcome is unknown, whatever the body says', (status) => {
    const failure = answered(status, [{ code: 81057, message: 'x' }]);
    expect(failure).toMatchObject({ error: { code: 'cloudflare_unavailable' }, effect: 'unknown', about: 'call' });
  });

  test('an HTML page is told by its title, not repeated', () => {
    const html = '<!DOCTYPE html><html><head><title>502 Bad\nGateway</title></head><body>long</body></html>';
    const failure = failureOf(APIError.generate(502, undefined, html, new Headers()), inZone);
    expect(failure.error.message).toBe(
      'Cloudflare answered 502 to a batch in example.com: an HTML page, "502 Bad Gateway".',
    );
  });

  test('an empty body is called one', () => {
    const failure = failureOf(APIError.generate(502, undefined, undefined, new Headers()), inZone);
    expect(failure.error.message).toBe('Cloudflare answered 502 to a batch in example.com: an empty body.');
  });

  test('our own deadline, a time-out and a caller that gave up', () => {
    expect(failureOf(new DeadlineExceeded(30_000), inZone)).toMatchObject({ effect: 'unknown', status: 'timeout' });
    expect(failureOf(new DeadlineExceeded(30_000), inZone).error.message).toContain('did not answer within 30 s');
    expect(failureOf(new APIConnectionTimeoutError(), inZone)).toMatchObject({ effect: 'unknown', status: 'timeout' });
    expect(failureOf(new APIUserAbortError(), inZone)).toMatchObject({ effect: 'unknown', status: 'aborted' });
  });

  test('a success that cannot be read', () => {
    expect(failureOfBody('not JSON', 200, inZone)).toMatchObject({ effect: 'unknown', about: 'call', status: '200' });
  });

  test.each([
    [{ code: 'ECONNRESET', syscall: 'read' }],
    [{ code: 'UND_ERR_SOCKET' }],
    [{ code: 'ETIMEDOUT', syscall: 'read' }],
    [{ code: 'EHOSTUNREACH', syscall: 'read' }],
  ])('a connection that breaks with %j may have brought the request there', (fields) => {
    expect(lost(fields)).toMatchObject({ effect: 'unknown', error: { code: 'cloudflare_unavailable' } });
    expect(lost(fields).error.message).toContain(fields.code);
  });

  test.each([
    [{ code: 'ECONNREFUSED', syscall: 'connect' }],
    [{ code: 'ETIMEDOUT', syscall: 'connect' }],
    [{ code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    [{ code: 'UND_ERR_CONNECT_TIMEOUT' }],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
  ])('one that fails with %j was never made: nothing left', (fields) => {
    expect(lost(fields)).toMatchObject({ effect: 'unsent', about: 'call', error: { code: 'cloudflare_unavailable' } });
  });

  test('anything else that is thrown says as little', () => {
    expect(failureOf(new TypeError('odd'), inZone)).toMatchObject({ effect: 'unknown' });
    expect(failureOf('odd', inZone)).toMatchObject({ effect: 'unknown' });
  });
});

test('an error of our own stays what it is: the call did not leave', () => {
  const error = new ZonekeeperError('write_expired', 'Too late.');
  expect(failureOf(error, inZone)).toMatchObject({ error, effect: 'unsent', about: 'call' });
});

test('no text holds the token, even where Cloudflare repeats it', () => {
  const failures = [
    answered(400, [{ code: 6003, message: 'Invalid header: Bearer s3cret', source: { pointer: '/s3cret' } }]),
    failureOf(APIError.generate(502, undefined, 'no s3cret here', new Headers()), inZone),
    failureOf(new TypeError('"Bearer s3cret" is an invalid header value'), inZone),
  ];
  for (const { error } of failures) {
    expect(error.message).toContain('[token]');
    expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toContain('s3cret');
  }
});

test('whatever the body is, it makes a sentence', () => {
  for (const body of [null, 7, 'x', [], {}, { errors: 7 }, { errors: [null, 7, {}, { code: 'x' }] }]) {
    expect(failureOfAnswer(400, body, '', null, inZone).error.message).toContain('no reason');
  }
  const long = failureOfAnswer(400, undefined, `\u0000${'x'.repeat(5_000)}`, null, inZone);
  expect(long.error.message.length).toBeLessThan(500);
});
