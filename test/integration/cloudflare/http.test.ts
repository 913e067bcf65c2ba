import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { CloudflareApi } from '../../../src/cloudflare/client.ts';
import type { DnsApi } from '../../../src/cloudflare/port.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { create, OpenLimiter, Reports, raw, TOKEN, unit, ZONE } from '../../unit/cloudflare/support.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** An HTTP server that does what it is told, and our client of it. Time stands still until the test moves it. */
async function serve(handler: Handler) {
  const server = createServer((request, response) => {
    // The request is read to its end before it is answered, as a server that has done the work would.
    request.resume().on('end', () => {
      handler(request, response);
      seen.resolve();
    });
  });
  servers.push(server);
  const seen = Promise.withResolvers<void>();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clock = new VirtualClock();
  const limiter = new OpenLimiter();
  const reports = new Reports();
  const baseUrl = `http://127.0.0.1:${port}/client/v4`;
  const api = new CloudflareApi({ token: TOKEN, clock, limiter, observer: reports, baseUrl });
  return { api, clock, limiter, reports, server, seen: seen.promise };
}

const writing = (api: DnsApi) => api.write(ZONE, [unit(create('a.example.com'))], { remaining: () => 30_000 });
const body = JSON.stringify({ success: true, errors: [], result: [raw()], result_info: { page: 1, total_pages: 1 } });
const asJson = { 'content-type': 'application/json' };

describe('over a real connection', () => {
  test('a list is read, compressed or not', async () => {
    for (const compressed of [false, true]) {
      const { api } = await serve((request, response) => {
        expect(request.headers.authorization).toBe(`Bearer ${TOKEN}`);
        response.writeHead(200, { ...asJson, ...(compressed && { 'content-encoding': 'gzip' }) });
        response.end(compressed ? gzipSync(body) : body);
      });
      expect((await api.list(ZONE)).records).toMatchObject([{ id: 'r1', fqdn: 'www.example.com' }]);
    }
  });

  test.each<[string, Handler]>([
    ['the connection is reset before the answer', (request) => request.socket.destroy()],
    [
      'the body ends in the middle of the JSON',
      (_, response) => response.writeHead(200, asJson).end(body.slice(0, body.length / 2)),
    ],
    [
      'the connection breaks in the middle of the body',
      (request, response) => {
        response.writeHead(200, { ...asJson, 'content-length': body.length });
        response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
      },
    ],
    [
      'an HTML page comes with status 502',
      (_, response) => response.writeHead(502).end('<html><title>Bad</title></html>'),
    ],
    [
      'an HTML page comes with status 200',
      (_, response) => response.writeHead(200).end('<html><title>Hi</title></html>'),
    ],
    ['something else than HTTP comes', (request) => request.socket.end('SSH-2.0-nope\r\n\r\n')],
  ])('%s: a read fails, the outcome of a write is unknown', async (_, handler) => {
    const { api, limiter } = await serve(handler);
    await expect(api.list(ZONE)).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
    expect(await writing(api)).toMatchObject([{ kind: 'unknown', error: { code: 'cloudflare_unavailable' } }]);
    expect(limiter.runs).toBe(2);
  });

  test('nobody listens: a write was not sent', async () => {
    const { api, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    await expect(api.list(ZONE)).rejects.toThrow('could not be reached (ECONNREFUSED)');
    expect(await writing(api)).toMatchObject([{ kind: 'deferred' }]);
  });

  test.each<[string, Handler]>([
    ['the answer', () => {}],
    ['the body', (_, response) => response.writeHead(200, asJson).flushHeaders()],
    ['the rest of the body', (_, response) => response.writeHead(200, asJson).write(body.slice(0, 10))],
    ['the rest of an error', (_, response) => response.writeHead(500, asJson).write('{')],
  ])('%s never comes: the call ends at its deadline', async (_, handler) => {
    const { api, clock, seen, reports } = await serve(handler);
    const outcomes = writing(api);
    await seen;
    await clock.advance(30_000);
    expect(await outcomes).toMatchObject([{ kind: 'unknown' }]);
    expect(reports.calls).toMatchObject([{ code: 'timeout', seconds: 30 }]);
    expect(clock.pending).toBe(0);
  });

  test('a process that is paused while it connects lets nothing take effect when it wakes up after the deadline', async () => {
    let carriedOut = 0;
    const { api, clock, reports, server } = await serve((_, response) => {
      carriedOut += 1;
      response.end();
    });
    const closed = new Promise<void>((resolve) =>
      server.on('connection', (socket) => socket.on('close', () => resolve())),
    );
    const outcomes = writing(api);
    // What a pause comes to: the time is up, and no timer has run.
    clock.setWall(30_000);
    expect(await outcomes).toMatchObject([{ kind: 'unknown' }]);
    expect(reports.calls).toMatchObject([{ code: 'timeout' }]);
    await closed;
    expect(carriedOut).toBe(0);
  });

  test('a write says its length, and comes in whole', async () => {
    const asked: unknown[] = [];
    const { api } = await serve(({ headers }, response) => {
      asked.push(headers['transfer-encoding'], Number(headers['content-length']) > 100, headers['content-type']);
      response.end();
    });
    await writing(api);
    expect(asked).toEqual([undefined, true, 'application/json']);
  });

  test('a caller that gives up closes the connection', async () => {
    const { api, seen, server } = await serve(() => {});
    const giveUp = new AbortController();
    const closed = new Promise<void>((resolve) =>
      server.on('connection', (socket) => socket.on('close', () => resolve())),
    );
    const list = expect(api.list(ZONE, { signal: giveUp.signal })).rejects.toMatchObject({
      code: 'cloudflare_unavailable',
    });
    await seen;
    giveUp.abort(new Error('we stop'));
    await list;
    await closed;
  });

  test.each([
    [{ 'retry-after': '42' }, 42_000],
    [{}, undefined],
  ])('429 with %j closes the gate', async (headers, ms) => {
    const { api, limiter } = await serve((_, response) => {
      response.writeHead(429, { ...asJson, ...headers });
      response.end(JSON.stringify({ success: false, errors: [{ code: 971, message: 'Please wait' }] }));
    });
    expect(await writing(api)).toMatchObject([
      { kind: 'deferred', error: { code: 'cloudflare_limited', retryAfterMs: ms } },
    ]);
    expect(limiter.blocks).toEqual([ms]);
  });

  test('a redirect is not followed, and the token goes nowhere else', async () => {
    let requests = 0;
    const { api } = await serve((_, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await writing(api)).toMatchObject([{ kind: 'refused', error: { code: 'cloudflare_rejected' } }]);
    expect(requests).toBe(1);
  });
});
