import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { run, runDaemon } from '../../support/process.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { waitFor } from '../../support/wait.ts';

const CANARIES = { database: 'canary-database-word', cloudflare: 'canary-cloudflare-word', api: 'canary-api-word' };

describe('what a daemon says through good and bad times', () => {
  it('has no field that is not documented, one line for a change, and no secret anywhere', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    const role = `canary_${new URL(database.url).pathname.slice(1)}`.replace(/\W/g, '_').slice(0, 60);
    await database.query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${CANARIES.database}'`);
    const url = new URL(database.url);
    const way = await tcpProxy({ host: url.hostname, port: Number(url.port) });
    Object.assign(url, { username: role, password: CANARIES.database, hostname: '127.0.0.1', port: String(way.port) });
    const env = {
      DATABASE_URL: url.href,
      CLOUDFLARE_API_TOKEN: CANARIES.cloudflare,
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_API_TOKEN: CANARIES.api,
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
    const ask = (path: string, token: string | null, method = 'GET') =>
      fetch(`${daemon.url}${path}`, { method, headers: token === null ? {} : { authorization: `Bearer ${token}` } });
    const said: string[] = [];
    const listen = async (path: string, token: string | null, method?: string) => {
      const answer = await ask(path, token, method);
      said.push(`${answer.status} ${await answer.text()} ${JSON.stringify([...answer.headers])}`);
      return answer.status;
    };

    // Good times.
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('app', 'running', 7)`);
    await waitFor('the change', () => lines().some(({ action }) => action === 'create'));
    for (const path of ['/', '/api/status', '/api/dns/records', '/api/dns/plan', '/openapi.json'])
      expect(await listen(path, CANARIES.api), path).toBe(200);
    expect(await listen('/api/dns/sync', CANARIES.api, 'POST')).toBe(200);
    expect(await listen('/api/dns/records/app.example.com', CANARIES.api)).toBe(200);
    expect(await listen('/api/status', 'wrong')).toBe(401);

    // A record that is refused again and again.
    simulator.addFault({ effect: { kind: 'refuse', code: 81045, name: 'poison.example.com' } });
    await database.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('poison', 'running', 7)`);
    await waitFor('a second attempt', () => (simulator.counters().by_operation.batch ?? 0) >= 3);

    // Bad times: the token, then the database.
    simulator.setToken({ token: CANARIES.cloudflare, status: 'invalid' });
    await waitFor('the refusal', () => lines().some(({ code }) => code === 'cloudflare_auth'));
    way.refuse();
    await waitFor('the loss', () => lines().some(({ msg }) => String(msg).startsWith('not listening')));
    await listen('/api/dns/records', CANARIES.api);
    await listen('/metrics', null);
    way.mend();
    await waitFor(
      'it to listen again',
      () => lines().filter(({ msg }) => msg === 'listening to PostgreSQL').length > 1,
    );
    await listen('/metrics', null);
    said.push(
      (await run(['config'], env)).output,
      (await run(['plan'], { ...env, DATABASE_URL: `${url.href}x` })).output,
    );
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);

    const documented = new Set(
      [...readFileSync('docs/logs.md', 'utf8').matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) =>
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
    expect(lines().filter(({ fqdn, level }) => fqdn === 'poison.example.com' && level === 'warn')).toHaveLength(1);
    for (const canary of Object.values(CANARIES)) {
      expect(daemon.output()).not.toContain(canary);
      expect(said.join('\n')).not.toContain(canary);
    }
    await database.query(`DROP ROLE ${role}`);
  });
});
