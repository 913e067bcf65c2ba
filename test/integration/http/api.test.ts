import { describe, expect, test } from 'vitest';
import { ConformingClient } from '../../support/conforming.ts';
import { migratedDatabase, type RunningDaemon, startDaemon, testSimulator } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

const TOKEN = 'canary-api-token-93475';

async function api(env: Record<string, string> = {}): Promise<RunningDaemon & { readonly client: ConformingClient }> {
  const foreign = [{ name: 'foreign.example.com', type: 'A', content: '198.51.100.1' }];
  const simulator = await testSimulator([{ name: 'example.com', quota: 10_000, records: foreign }]);
  const running = await startDaemon({ simulator, env });
  await running.database.query(`INSERT INTO standalone_proxies (domain) VALUES ('a'), ('b'), ('foreign')`);
  await waitFor(
    'the first records',
    async () => (await running.database.query('SELECT 1 FROM dns_records')).length === 2,
  );
  await waitFor(
    'the conflict',
    async () => (await running.database.query('SELECT 1 FROM zonekeeper.names')).length === 1,
  );
  return { ...running, client: await ConformingClient.of(running.url) };
}

describe('every answer is as /openapi.json describes it', () => {
  test('a sync: report, dry run, some names, who asked', async () => {
    const { client, database } = await api();
    expect((await client.call('POST', '/api/dns/sync')).body).toMatchObject({
      already_synced: 2,
      conflicts: 1,
      dry_run: false,
    });
    expect((await client.call('POST', '/sync', { body: {} })).status).toBe(200);
    await database.query(`UPDATE standalone_proxies SET target = '192.0.2.77' WHERE domain = 'a'`);
    const some = await client.call('POST', '/api/dns/sync', { body: { dry_run: true, fqdns: ['b.example.com'] } });
    expect(some.body).toMatchObject({ dry_run: true, already_synced: 1, conflicts: 0 });
    const { body } = await client.call('GET', '/api/dns/operations?limit=2');
    expect(body.operations).toHaveLength(2);
    expect(body.operations[0]).toMatchObject({
      kind: 'sync',
      state: 'done',
      requested_by: expect.stringContaining('127.0.0.1'),
    });
    const next = await client.call('GET', `/api/dns/operations?limit=2&cursor=${body.next}`);
    expect(next.body.operations).toHaveLength(1);
    expect((await client.call('GET', `/api/dns/operations/${body.operations[0].id}`)).body.report).toMatchObject({
      already_synced: 1,
    });
  });

  test('an asynchronous sync answers at once, and an equal one joins it', async () => {
    const { client, simulator } = await api();
    simulator.addFault({ operation: 'list_records', effect: { kind: 'hang' } });
    const prefer = { headers: { prefer: 'respond-async' } };
    const first = await client.call('POST', '/api/dns/sync', prefer);
    expect([first.status, first.headers.get('location')]).toEqual([202, `/api/dns/operations/${first.body.id}`]);
    expect((await client.call('POST', '/api/dns/sync', prefer)).body.id).toBe(first.body.id);
    simulator.clearFaults();
    await waitFor(
      'its end',
      async () => (await client.call('GET', `/api/dns/operations/${first.body.id}`)).body.state === 'done',
    );
  });

  test('the plan, the records and one of them with its history', async () => {
    const { client } = await api();
    expect((await client.call('GET', '/api/dns/plan')).body).toMatchObject({ created: 0, conflicts: 1, release: null });
    const all = await client.call('GET', '/api/dns/records?limit=2');
    expect(all.body.records.map(({ fqdn }: { fqdn: string }) => fqdn)).toEqual(['a.example.com', 'b.example.com']);
    expect(all.headers.get('link')).toContain('rel="next"');
    const rest = await client.call('GET', `/api/dns/records?limit=2&cursor=${all.body.next}`);
    expect(rest.body).toMatchObject({
      records: [{ fqdn: 'foreign.example.com', state: 'conflict', todo: expect.any(String) }],
      next: null,
    });
    for (const [query, names] of [
      ['state=conflict', ['foreign.example.com']],
      ['state=in_sync&q=B', ['b.example.com']],
      ['order=desc&limit=2', ['foreign.example.com', 'b.example.com']],
      ['order=desc&cursor=b.example.com', ['a.example.com']],
      ['zone=example.com&state=in_sync,conflict', ['a.example.com', 'b.example.com', 'foreign.example.com']],
      ['zone=example.org', []],
    ] as const) {
      const { body } = await client.call('GET', `/api/dns/records?${query}`);
      expect(body.records.map(({ fqdn }: { fqdn: string }) => fqdn)).toEqual(names);
    }
    expect((await client.call('GET', '/api/dns/summary')).body).toMatchObject({
      total: 3,
      states: { in_sync: 2, conflict: 1, missing: 0 },
      oldest: expect.any(String),
    });
    expect((await client.call('GET', '/api/dns/records/A.example.com.')).body).toMatchObject({
      fqdn: 'a.example.com',
      state: 'in_sync',
      actual: [{ content: '192.0.2.1' }],
      history: [{ action: 'create', result: 'done' }],
    });
  });

  test('deleting and adopting', async () => {
    const { client, database, simulator } = await api();
    expect((await client.call('DELETE', '/api/dns/records/unknown.example.com')).body).toMatchObject({
      status: 404,
      code: 'not_tracked',
    });
    expect((await client.call('DELETE', '/api/dns/records/a.example.com')).body).toMatchObject({
      status: 409,
      code: 'still_wanted',
    });
    expect((await client.call('DELETE', '/api/dns/records/foreign.example.com?force=true')).body).toMatchObject({
      code: 'not_tracked',
    });
    expect((await client.call('DELETE', '/api/dns/records/a.example.com?force=true')).body).toMatchObject({
      deleted: 1,
    });
    await waitFor('its return', () => simulator.records({ name: 'a.example.com' }).length === 1);
    expect((await client.call('POST', '/api/dns/records/b.example.com/adopt')).body).toMatchObject({
      status: 409,
      code: 'nothing_to_adopt',
    });
    expect((await client.call('POST', '/api/dns/records/foreign.example.com/adopt')).body).toMatchObject({
      updated: 1,
    });
    await database.query(`DELETE FROM standalone_proxies WHERE domain = 'b'`);
    await waitFor('the deletion', () => simulator.records({ name: 'b.example.com' }).length === 0);
  });

  test('status', async () => {
    const { client } = await api();
    expect((await client.call('GET', '/api/status')).body).toMatchObject({
      leader: { alive: true },
      zones: [{ name: 'example.com', error: null }],
    });
  });

  test('the log level', async () => {
    const { client } = await api();
    const put = (level: unknown) => client.call('PUT', '/api/log-level', { body: { level } });
    expect((await client.call('GET', '/api/log-level')).body).toMatchObject({ configured: 'info' });
    expect((await put('error')).body).toEqual({ level: 'error', configured: 'info' });
    expect((await put(null)).body).toEqual({ level: 'info', configured: 'info' });
    for (const body of [{ level: 'loud' }, {}, { level: 'debug', for: '1m' }])
      expect((await client.call('PUT', '/api/log-level', { body })).status).toBe(400);
  });

  test('what is wrong with a request', async () => {
    const { client } = await api();
    const json = { 'content-type': 'application/json' };
    const refused = async (method: string, path: string, init: Parameters<ConformingClient['call']>[2] = {}) => {
      const { status, headers, body } = await client.call(method, path, init);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(body).toMatchObject({ status, type: `urn:zonekeeper:error:${body.code}`, todo: expect.any(String) });
      return `${status} ${body.code}`;
    };
    expect(await refused('POST', '/api/dns/sync', { body: 'not json', headers: json })).toBe('400 bad_request');
    expect(await refused('POST', '/api/dns/sync', { body: { dryrun: true } })).toBe('400 bad_request');
    expect((await client.call('POST', '/sync', { body: { dryrun: true } })).body.detail).toBe(
      '"dryrun" is not known (did you mean "dry_run"?)',
    );
    expect(await refused('POST', '/api/dns/sync', { body: 'x', headers: { 'content-type': 'text/plain' } })).toBe(
      '415 unsupported_media_type',
    );
    expect(await refused('POST', '/api/dns/sync', { body: `"${'x'.repeat(2_000_000)}"`, headers: json })).toBe(
      '413 body_too_large',
    );
    expect(await refused('GET', '/api/dns/records?state=sunk')).toBe('400 bad_request');
    expect(await refused('GET', '/api/dns/records?limit=0')).toBe('400 bad_request');
    expect(await refused('DELETE', '/api/dns/records/a..b')).toBe('400 bad_request');
    expect(await refused('GET', '/api/dns/records/nothing.example.com')).toBe('404 not_found');
    expect(await refused('GET', '/api/nothing')).toBe('404 not_found');
    expect(await refused('DELETE', '/api/dns/sync')).toBe('405 method_not_allowed');
    expect(await refused('POST', '/api/dns/sync', { body: { confirm: 'wrong' } })).toBe('409 plan_changed');
  });
});

describe('access', () => {
  test('needs the token for everything under /api and /sync, and for nothing else', async () => {
    const { client, url } = await api({ ZONEKEEPER_API_TOKEN: TOKEN });
    for (const [method, path] of [
      ['GET', '/api/status'],
      ['GET', '/api/dns/records'],
      ['POST', '/sync'],
      ['GET', '/api/dns/events'],
    ] as const) {
      expect((await client.call(method, path)).status).toBe(401);
      expect((await client.call(method, path, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    }
    expect((await client.call('GET', '/api/status', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(
      200,
    );
    for (const path of ['/livez', '/readyz', '/metrics', '/openapi.json'])
      expect((await fetch(`${url}${path}`)).status).toBe(200);
  });

  test('can be opened for reading', async () => {
    const { client } = await api({ ZONEKEEPER_API_TOKEN: TOKEN, ZONEKEEPER_ALLOW_ANONYMOUS: 'read' });
    expect((await client.call('GET', '/api/status')).status).toBe(200);
    expect((await client.call('POST', '/sync')).status).toBe(401);
  });

  test("is refused to other sites' pages", async () => {
    const { client } = await api();
    expect((await client.call('POST', '/sync', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await client.call('GET', '/api/status', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });

  test('no secret shows, anywhere', async () => {
    const { client, url, log, database } = await api({ ZONEKEEPER_API_TOKEN: TOKEN });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const texts = [log.join('')];
    for (const path of [
      '/api/status',
      '/api/dns/records',
      '/api/dns/operations',
      '/api/nothing',
      '/openapi.json',
      '/metrics',
      '/readyz?verbose',
    ]) {
      texts.push(await (await fetch(`${url}${path}`, { headers })).text());
    }
    texts.push(JSON.stringify((await client.call('POST', '/sync', { headers })).body));
    for (const secret of [TOKEN, 'test-token', new URL(database.url).password]) {
      for (const text of texts) expect(text).not.toContain(secret);
    }
  });
});

describe('being seen', () => {
  test('events tell names and operations as they change', async () => {
    const { url, database, post } = await api();
    const gone = new AbortController();
    const response = await fetch(`${url}/api/dns/events`, { signal: gone.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    await waitFor('hello', () => text.includes('event: hello'));
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('new')`);
    await waitFor('the name', () => /event: names\ndata: .*new\.example\.com/.test(text));
    await post('/api/dns/sync', {});
    await waitFor('the operation', () => /event: operation\ndata: .*"state":"done"/.test(text));
    gone.abort();
    await reading;
  });

  test('probes: as kube-apiserver prints them', async () => {
    const { get } = await api();
    expect(await (await get('/livez')).text()).toBe('ok');
    expect(await (await get('/readyz?verbose')).text()).toBe(
      '[+]shutdown ok\n[+]schema ok\n[+]postgres-listen ok\n[+]leader ok\n[+]cloudflare ok\nreadyz check passed\n',
    );
  });

  test('metrics: all that the interface promises, and no name in any label', async () => {
    const { get } = await api();
    const text = await (await get('/metrics')).text();
    for (const name of [
      'zonekeeper_records',
      'zonekeeper_drift_oldest_timestamp_seconds',
      'zonekeeper_drift_detected_total',
      'zonekeeper_changes_total',
      'zonekeeper_converge_duration_seconds',
      'zonekeeper_last_check_timestamp_seconds',
      'zonekeeper_last_success_timestamp_seconds',
      'zonekeeper_guard_blocked',
      'zonekeeper_sync_total',
      'zonekeeper_cloudflare_requests_total',
      'zonekeeper_cloudflare_request_duration_seconds',
      'zonekeeper_cloudflare_batch_operations',
      'zonekeeper_api_budget_remaining',
      'zonekeeper_source_connected',
      'zonekeeper_postgres_connections',
      'leader_election_master_status',
      'zonekeeper_build_info',
      'workqueue_depth',
      'workqueue_adds_total',
      'workqueue_retries_total',
      'controller_runtime_reconcile_total',
    ]) {
      expect(text).toContain(`# TYPE ${name} `);
    }
    expect(text).toMatch(/zonekeeper_records\{zone="example.com",state="in_sync"\} 2\n/);
    expect(text).toMatch(/zonekeeper_records\{zone="example.com",state="conflict"\} 1\n/);
    expect(text).toMatch(/zonekeeper_changes_total\{zone="example.com",action="create",result="done"\} 2\n/);
    expect(text).not.toMatch(/[ab]\.example\.com/);
  });

  test('without a leader, the answer is 503 with Retry-After', async () => {
    const database = await migratedDatabase();
    const simulator = await testSimulator();
    // Laid before the daemon's first attempt: nobody can take the lead, however quick he is.
    await database.query(`CREATE RULE nobody AS ON UPDATE TO zonekeeper.leader DO INSTEAD NOTHING`);
    const { url } = await startDaemon({ database, simulator, ready: false });
    const client = await ConformingClient.of(url);
    const { status, headers, body } = await client.call('POST', '/sync');
    expect([status, headers.get('retry-after'), body.code]).toEqual([503, '10', 'no_leader']);
  });
});
