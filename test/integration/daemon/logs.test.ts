import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TRIGGERS } from '../../../src/reconcile/context.ts';
import { canariesThatWork, canaryOf, environmentOf, seenIn } from '../../support/canaries.ts';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { run, runDaemon } from '../../support/process.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { waitFor } from '../../support/wait.ts';

describe('what a daemon says through good and bad times', () => {
  it('has no field that is not documented, one line for a change, and no secret anywhere', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    const canaries = await canariesThatWork(database);
    const token = canaryOf(canaries.all, 'apiToken');
    const url = new URL(canaryOf(canaries.all, 'databaseUrl'));
    const way = await tcpProxy({ host: url.hostname, port: Number(url.port) });
    Object.assign(url, { hostname: '127.0.0.1', port: String(way.port) });
    const env = {
      ...environmentOf(canaries.all),
      DATABASE_URL: url.href,
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LOG_LEVEL: 'trace',
      ZONEKEEPER_DRIFT_CHECK_MIN: '1s',
      ZONEKEEPER_DRIFT_CHECK_MAX: '1s',
    };
    const daemon = await runDaemon(env);
    const lines = () =>
      daemon
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const said: string[] = [];
    let operation = '';
    const listen = async (path: string, sent: string | null, method = 'GET') => {
      const headers = sent === null ? {} : { authorization: `Bearer ${sent}` };
      const answer = await fetch(`${daemon.url}${path}`, { method, headers });
      said.push(`${answer.status} ${await textOf(answer)} ${JSON.stringify([...answer.headers])}`);
      return answer.status;
    };
    const listenToAll = async () => {
      for (const path of [
        '/',
        '/dns',
        '/livez?verbose',
        '/readyz?verbose',
        '/metrics',
        ...(await readingRoutes(daemon.url, operation)),
      ])
        await listen(path, token);
    };

    // Good times.
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await waitFor('the change', () => lines().some(({ action }) => action === 'create'));
    for (const path of ['/', '/api/status', '/api/dns/records', '/api/dns/plan', '/openapi.json'])
      expect(await listen(path, token), path).toBe(200);
    expect(await listen('/api/dns/sync', token, 'POST')).toBe(200);
    operation = /"id":"([^"]+)"/.exec(said.at(-1) ?? '')?.[1] ?? '';
    expect(await listen('/api/dns/records/app.example.com', token)).toBe(200);
    expect(await listen('/api/status', 'wrong')).toBe(401);
    await listenToAll();
    expect(await listen(`/api/dns/operations/${operation}`, token)).toBe(200);

    // A record that is refused again and again.
    simulator.addFault({ effect: { kind: 'refuse', code: 81045, name: 'poison.example.com' } });
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('poison', 'running', 7)`);
    await waitFor('a second attempt', () => (simulator.counters().by_operation.batch ?? 0) >= 3);
    simulator.clearFaults();
    // A write under way when the database goes would fail for another reason.
    await waitFor('its record', () =>
      lines().some(({ fqdn, result }) => fqdn === 'poison.example.com' && result === 'done'),
    );

    // Bad times: the token, then the database.
    simulator.setToken({ token: canaryOf(canaries.all, 'cloudflareApiToken'), status: 'invalid' });
    await waitFor('the refusal', () => lines().some(({ code }) => code === 'cloudflare_auth'));
    way.refuse();
    await waitFor('the loss', () => lines().some(({ msg }) => String(msg).startsWith('not listening')));
    await listenToAll();
    way.mend();
    await waitFor(
      'it to listen again',
      () => lines().filter(({ msg }) => msg === 'listening to PostgreSQL').length > 1,
    );
    await listenToAll();
    said.push(
      (await run(['config'], env)).output,
      (await run(['plan'], { ...env, DATABASE_URL: `${url.href}x` })).output,
    );
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);

    const docs = readFileSync('docs/logs.md', 'utf8');
    const documented = new Set(
      [...docs.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) =>
        [...(names ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name),
      ),
    );
    const unknown = new Set(
      lines()
        .flatMap((line) => Object.keys(line))
        .filter((field) => !documented.has(field)),
    );
    expect([...unknown]).toEqual([]);
    expect(lines().filter(({ action, fqdn }) => action === 'create' && fqdn === 'app.example.com')).toHaveLength(1);
    const firstWarnings = lines().filter(({ level, repeats }) => level === 'warn' && repeats === undefined);
    expect(firstWarnings.filter(({ fqdn }) => fqdn === 'poison.example.com')).toEqual([
      expect.objectContaining({
        code: 'cloudflare_quota',
        reason: expect.stringContaining('wants it'),
        msg: expect.stringMatching(/^could not create poison\.example\.com: Cloudflare answered 400 .*81045/),
      }),
    ]);
    // However often it was tried.
    const madeAtLast = lines().find(({ fqdn, result }) => fqdn === 'poison.example.com' && result === 'done');
    expect(madeAtLast).toMatchObject({ trigger: 'change', action: 'create' });
    const triggers = /^\| `trigger` \|[^:]*: (.*) \|$/m.exec(docs)?.[1] ?? '';
    expect(triggers.replaceAll('`', '').split(', ').sort()).toEqual([...TRIGGERS].sort());
    // Many requests failed while the database was away.
    const failed = firstWarnings.filter(({ reqId }) => reqId !== undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.map(({ code }) => code)).toEqual([...new Set(failed.map(({ code }) => code))]);
    expect(firstWarnings.filter(({ err, code }) => err !== undefined && code !== 'internal')).toEqual([]);
    expect(lines().filter(({ code }) => code === 'internal')).toEqual([]);
    expect(seenIn(daemon.output(), canaries.all)).toEqual([]);
    expect(seenIn(said.join('\n'), canaries.all)).toEqual([]);
    await canaries.drop();
  });
});

/** Every route that reads, as the API describes itself, with what stands in for its parameters. */
async function readingRoutes(url: string, operation: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, { get?: unknown }> };
  const routes = Object.keys(paths).filter((path) => paths[path]?.get !== undefined);
  expect(routes).toContain('/api/log-level');
  return routes.map((path) => path.replace('{fqdn}', 'poison.example.com').replace('{id}', operation));
}

/** The whole body; of a stream of events its beginning, since it has no end. */
async function textOf(answer: Response): Promise<string> {
  if (answer.headers.get('content-type') !== 'text/event-stream') return answer.text();
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}
