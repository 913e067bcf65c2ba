import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { run, runDaemon } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

interface Span {
  readonly status?: { readonly message?: string };
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly traceState?: string;
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: number };
  }[];
}

/** A collector that takes OTLP over HTTP, as JSON; or which answers everything so. */
async function collector(answer?: (request: IncomingMessage, response: ServerResponse) => void) {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      if (answer !== undefined) {
        answer(request, response);
        return;
      }
      type Batch = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      for (const { scopeSpans } of (JSON.parse(body) as Batch).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { spans, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` };
}

/** Runs before the program's own code, and prints the address of each module. */
const TELLING_WHAT_IS_LOADED = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    console.error('loaded ' + url);
    return next(url, context);
  },
});`;

const CANARY = 'a-canary-that-is-nowhere';

const attribute = ({ attributes }: Span, name: string) =>
  attributes.find(({ key }) => key === `zonekeeper.${name}`)?.value.stringValue;

/** A daemon that sends its traces to a collector. */
async function tracedDaemon(env: Readonly<Record<string, string>> = {}) {
  const [database, simulator, { spans, url }] = [await migratedDatabase(), await testSimulator(), await collector()];
  const daemon = await runDaemon({
    DATABASE_URL: database.url,
    CLOUDFLARE_API_TOKEN: 'token',
    CLOUDFLARE_BASE_URL: simulator.url,
    // So that the sync finds what was removed, and not a drift check.
    ZONEKEEPER_DRIFT_CHECK_MIN: '10m',
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    ...env,
  });
  return { daemon, database, simulator, spans };
}

describe('traces', () => {
  it('show one tree for each change, from the commit to the answer, and below the request that asked for it', async () => {
    const { daemon, database, simulator, spans } = await tracedDaemon({ ZONEKEEPER_API_TOKEN: CANARY });
    await database.query(
      `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT n, 'running', 1 FROM unnest(ARRAY['a', 'b', 'c']) n`,
    );
    const changes = (trigger: string) => spans.filter(({ name }) => name === `change ${trigger}`);
    await waitFor('a tree for each', () => changes('change').length === 3);
    expect(new Set(changes('change').map(({ traceId }) => traceId)).size).toBe(3);
    expect(
      changes('change')
        .map((span) => attribute(span, 'fqdn'))
        .sort(),
    ).toEqual(['a.example.com', 'b.example.com', 'c.example.com']);
    const [root] = changes('change') as [Span];
    const ofTree = () => spans.filter(({ traceId }) => traceId === root.traceId);
    await waitFor('all spans of it', () => ofTree().length === 8);
    const write = ofTree().find(({ name }) => name === 'write');
    const below = (id: string | undefined) =>
      ofTree()
        .filter(({ parentSpanId }) => parentSpanId === id)
        .map(({ name }) => name)
        .sort();
    expect(below(root.spanId)).toEqual(['facts', 'queue', 'state', 'write']);
    expect(below(write?.spanId)).toEqual(['cloudflare', 'intents', 'outcome']);
    for (const { startTimeUnixNano, endTimeUnixNano } of ofTree()) {
      expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(root.startTimeUnixNano));
      expect(BigInt(endTimeUnixNano)).toBeLessThanOrEqual(BigInt(root.endTimeUnixNano));
    }

    simulator.remove({ name: 'a.example.com' });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const tracestate = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7';
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const headers = { authorization: `Bearer ${CANARY}`, traceparent, tracestate };
    expect((await fetch(`${daemon.url}/api/dns/sync`, { method: 'POST', headers })).status).toBe(200);
    await waitFor('the repair', () => changes('sync').length === 1);
    const request = await waitFor('the request', () => spans.find(({ name }) => name === 'POST /api/dns/sync'));
    expect(request).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331', traceState: tracestate });
    expect(changes('sync')[0]).toMatchObject({ traceId, parentSpanId: request.spanId, traceState: tracestate });

    simulator.addFault({ effect: { kind: 'refuse', code: 9005, message: `no ${CANARY} here` } });
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('refused', 'running', 1)`);
    const said = () => spans.map(({ status }) => status?.message ?? '').join('\n');
    await waitFor('why it was refused', () => said().includes('no [redacted] here'));
    expect(JSON.stringify(spans)).not.toContain(CANARY);
    expect(daemon.output()).not.toContain('could not be sent');
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('have all attempts of one change in one tree, however it came about', async () => {
    const { daemon, database, simulator, spans } = await tracedDaemon();
    const attempts = (trigger: string) =>
      spans
        .filter(({ name }) => name === `change ${trigger}`)
        .map((span) => ({
          ...span,
          attempt: span.attributes.find(({ key }) => key === 'zonekeeper.attempt')?.value.intValue,
        }))
        .sort((a, b) => Number(a.attempt) - Number(b.attempt));
    const failing = () => simulator.addFault({ operation: 'batch', effect: { kind: 'status', status: 500 } });
    failing();
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('a', 'running', 1)`);
    await waitFor('two attempts', () => attempts('change').length >= 2);
    simulator.clearFaults();
    const made = () => attempts('change').find((span) => attribute(span, 'state') === 'in_sync');
    await waitFor('the one that makes it', () => made());
    const [first, ...later] = attempts('change');
    expect(first?.parentSpanId).toBeUndefined();
    expect(first?.status?.message).toMatch(/Cloudflare/);
    for (const [index, span] of later.entries()) {
      expect(span).toMatchObject({ traceId: first?.traceId, parentSpanId: first?.spanId, attempt: index + 2 });
      // It begins where the one before has ended.
      expect(span.startTimeUnixNano).toBe([first, ...later][index]?.endTimeUnixNano);
    }
    const last = made();
    expect(last).toMatchObject({ parentSpanId: first?.spanId, spanId: later.at(-1)?.spanId });
    const partsOf = (parent: Span | undefined) =>
      spans.filter(({ name, parentSpanId }) => !name.startsWith('change') && parentSpanId === parent?.spanId);
    await waitFor('its parts', () => partsOf(last).length === 4);
    for (const part of partsOf(last))
      expect(BigInt(part.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(last?.startTimeUnixNano ?? 0));

    // What a person asked for stays below the request.
    failing();
    simulator.remove({ name: 'a.example.com' });
    await fetch(`${daemon.url}/api/dns/sync`, { method: 'POST' });
    await waitFor('two attempts', () => attempts('sync').length >= 2);
    simulator.clearFaults();
    const request = await waitFor('the request', () => spans.find(({ name }) => name === 'POST /api/dns/sync'));
    const [asked, again] = attempts('sync');
    expect(asked).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId });
    expect(again).toMatchObject({ traceId: request.traceId, parentSpanId: asked?.spanId });
    expect(request.traceId).not.toBe(first?.traceId);
  });

  it('that cannot be sent are one warning, which tells no header; what is not supported is said at the start', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    let asked = 0;
    const { url } = await collector((request, response) => {
      asked += 1;
      response.writeHead(400, `no ${request.headers['x-api-key']}`).end(`no ${request.headers.authorization}`);
    });
    const daemon = await runDaemon({
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_BASE_URL: simulator.url,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${CANARY},x-api-key=${CANARY}-2`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    });
    const warnings = () =>
      daemon
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.includes('"warn"'))
        .map((line) => (JSON.parse(line) as { msg: string }).msg);
    await waitFor('many refusals', async () => {
      await fetch(`${daemon.url}/livez`);
      return asked >= 5;
    });
    await waitFor('a warning', () => warnings().length > 1);
    expect(warnings()).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL: the protocol "grpc" is not supported, traces are sent by http/json',
      'traces: Failed to read root certificate file',
      'traces could not be sent: no [redacted]',
    ]);
    expect(daemon.output()).not.toContain(CANARY);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('load nothing of OpenTelemetry unless they are asked for', async () => {
    const [database, simulator, { spans, url }] = [await migratedDatabase(), await testSimulator(), await collector()];
    const env = {
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_BASE_URL: simulator.url,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELLING_WHAT_IS_LOADED)}`,
    };
    const loaded = (output: string) => [...output.matchAll(/^loaded (.*)$/gm)].map(([, file = '']) => file);
    const ofTelemetry = (output: string) => loaded(output).filter((file) => file.includes('@opentelemetry/'));
    for (const args of [['--help'], ['run', '--help'], ['records'], ['plan']]) {
      const { output } = await run(args, env);
      expect(loaded(output).length, args.join(' ')).toBeGreaterThan(0);
      expect(ofTelemetry(output), args.join(' ')).toEqual([]);
    }
    const worksAs = async (name: string, more: Record<string, string>) => {
      const daemon = await runDaemon({ ...env, ...more });
      await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ($1, 'running', 7)`, [name]);
      await waitFor('the record', () => simulator.records({ name: `${name}.example.com` }).length === 1);
      expect((await fetch(`${daemon.url}/api/dns/sync`, { method: 'POST' })).status).toBe(200);
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
      return daemon.output();
    };
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    // What is there to be loaded, so that the others prove something.
    expect(ofTelemetry(await worksAs('traced', endpoint)).length).toBeGreaterThan(10);
    expect(spans.length).toBeGreaterThan(0);
    const without: Record<string, Record<string, string>> = {
      plain: {},
      named: { OTEL_SERVICE_NAME: 'zonekeeper' },
      disabled: { ...endpoint, OTEL_SDK_DISABLED: 'true' },
      elsewhere: { ...endpoint, OTEL_TRACES_EXPORTER: 'none' },
    };
    for (const [name, more] of Object.entries(without))
      expect(ofTelemetry(await worksAs(name, more)), name).toEqual([]);
  });
});
