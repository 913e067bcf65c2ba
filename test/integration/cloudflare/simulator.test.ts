import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiBudget } from '../../../src/cloudflare/budget.ts';
import { CloudflareApi } from '../../../src/cloudflare/client.ts';
import type { UnitOutcome, WriteUnit, Zone } from '../../../src/cloudflare/port.ts';
import { systemClock } from '../../../src/controller/clock.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { create, OpenLimiter, Reports, remove, TOKEN, unit, update } from '../../unit/cloudflare/support.ts';
import { FakeSpendLog } from '../../unit/cloudflare/virtual-budget.ts';

const always = { remaining: () => 30_000 };

let simulator: Simulator;
let api: CloudflareApi;
let limiter: OpenLimiter;

beforeEach(async () => {
  simulator = await startSimulator({ rateLimit: 'off', zones: [{ name: 'example.com' }, { name: 'example.net' }] });
  limiter = new OpenLimiter();
  api = new CloudflareApi({
    token: TOKEN,
    clock: systemClock,
    limiter,
    observer: new Reports(),
    baseUrl: simulator.url,
  });
});

afterEach(() => simulator.close());

async function zoneOf(name: string): Promise<Zone> {
  const zone = (await api.zones()).find((known) => known.name === name);
  if (zone === undefined) throw new Error(`No ${name}.`);
  return zone;
}

const creates = (...names: readonly string[]): WriteUnit[] => names.map((name) => unit(create(`${name}.example.com`)));
const kinds = (outcomes: readonly UnitOutcome[]) => outcomes.map(({ kind }) => kind);
const namesThere = () => simulator.records({ zone: 'example.com' }).map(({ name }) => name);

describe('reading', () => {
  test('zones of more than one page, with the limits of their plan', async () => {
    simulator.seed(Array.from({ length: 60 }, (_, index) => ({ name: `zone${index}.test` })));
    const zones = await api.zones();
    expect(new Set(zones.map(({ name }) => name)).size).toBe(62);
    expect(zones[0]).toMatchObject({ batchLimit: 200, commentLimit: 100, paused: false });
    expect(limiter.runs).toBe(2);
  });

  test('a zone as it is', async () => {
    simulator.add({ name: 'www.example.com', type: 'A', content: '192.0.2.1', ttl: 300, comment: 'by hand' });
    simulator.add({ name: 'six.example.com', type: 'AAAA', content: '2001:DB8::1', proxied: true });
    simulator.add({ name: 'alias.example.com', type: 'CNAME', content: 'Target.Example.net.' });
    simulator.add({ name: 'example.com', type: 'TXT', content: 'hello' });
    const { records, pages } = await api.list(await zoneOf('example.com'));
    expect(pages).toBe(1);
    expect(records.toSorted((a, b) => (a.fqdn < b.fqdn ? -1 : 1))).toMatchObject([
      { fqdn: 'alias.example.com', type: 'CNAME', content: 'target.example.net', ttl: 1, comment: null },
      { fqdn: 'six.example.com', type: 'AAAA', content: '2001:db8::1', ttl: 1, proxied: true },
      { fqdn: 'www.example.com', type: 'A', content: '192.0.2.1', ttl: 300, proxied: false, comment: 'by hand' },
    ]);
  });

  test('one name, and nothing else', async () => {
    for (const name of ['www', 'a.www', 'www2'])
      simulator.add({ name: `${name}.example.com`, type: 'A', content: '192.0.2.1' });
    const found = await api.lookup(await zoneOf('example.com'), 'www.example.com');
    expect(found.map(({ fqdn }) => fqdn)).toEqual(['www.example.com']);
    expect(await api.lookup(await zoneOf('example.com'), 'none.example.com')).toEqual([]);
  });

  test('a zone that is gone, a token that may not', async () => {
    const zone = await zoneOf('example.com');
    simulator.removeZone('example.com');
    await expect(api.list(zone)).rejects.toMatchObject({ code: 'cloudflare_zone_gone' });
    expect(await api.write(zone, creates('a'), always)).toMatchObject([
      { kind: 'refused', error: { code: 'cloudflare_zone_gone' } },
    ]);
    simulator.setToken({ token: TOKEN, status: 'invalid' });
    await expect(api.zones()).rejects.toMatchObject({ code: 'cloudflare_auth' });
    simulator.setToken({ token: 'also-invalid', status: 'invalid' });
    await expect(api.changeToken('also-invalid')).rejects.toMatchObject({ code: 'cloudflare_auth' });
    await expect(api.zones()).rejects.toMatchObject({ code: 'cloudflare_auth' });
    await api.changeToken('another-token');
    expect(await api.zones()).toHaveLength(1);
    simulator.setToken({ token: 'another-token', access: 'read' });
    expect(await api.write(await zoneOf('example.net'), creates('a', 'b'), always)).toMatchObject([
      { kind: 'refused', error: { code: 'cloudflare_permission' } },
      { kind: 'refused', error: { code: 'cloudflare_permission' } },
    ]);
  });
});

describe('writing', () => {
  test('creates, updates, replaces and deletes in one call, and tells what is there now', async () => {
    const zone = await zoneOf('example.com');
    const [kept, replaced, deleted] = ['kept', 'replaced', 'deleted'].map((name) =>
      simulator.add({ name: `${name}.example.com`, type: 'A', content: '192.0.2.9', comment: 'mine' }),
    );
    const before = limiter.runs;
    const outcomes = await api.write(
      zone,
      [
        ...creates('new'),
        unit(update('kept.example.com', kept?.id ?? '')),
        unit(remove('replaced.example.com', replaced?.id ?? ''), create('replaced.example.com')),
        unit(remove('deleted.example.com', deleted?.id ?? '')),
      ],
      always,
    );
    expect(limiter.runs - before).toBe(1);
    expect(outcomes).toMatchObject([
      { kind: 'applied', records: [{ fqdn: 'new.example.com', content: '192.0.2.1', comment: 'zonekeeper/test/new' }] },
      { kind: 'applied', records: [{ id: kept?.id, content: '192.0.2.2', comment: 'mine' }] },
      { kind: 'applied', records: [null, { fqdn: 'replaced.example.com', content: '192.0.2.1' }] },
      { kind: 'applied', records: [null] },
    ]);
    const { records } = await api.list(zone);
    const told = outcomes.flatMap((outcome) => (outcome.kind === 'applied' ? outcome.records : []));
    expect(new Set(records)).toEqual(new Set(told.filter((record) => record !== null)));
  });

  test.each([false, true])(
    'one refused record among many keeps none of the others back (named: %s)',
    async (pointer) => {
      const zone = await zoneOf('example.com');
      simulator.addFault({
        operation: 'batch',
        effect: { kind: 'refuse', name: 'n77.example.com', code: 9005, pointer },
      });
      const before = limiter.runs;
      const outcomes = await api.write(
        zone,
        creates(...Array.from({ length: 150 }, (_, index) => `n${index}`)),
        always,
      );
      expect(outcomes.flatMap(({ kind }, index) => (kind === 'applied' ? [] : [[index, kind]]))).toEqual([
        [77, 'refused'],
      ]);
      expect(namesThere()).toHaveLength(149);
      expect(limiter.runs - before).toBeLessThanOrEqual(pointer ? 3 : 2 * Math.log2(150) + 2);
    },
  );

  test('a foreign record in the way is a conflict', async () => {
    const zone = await zoneOf('example.com');
    simulator.add({ name: 'taken.example.com', type: 'CNAME', content: 'elsewhere.example.net' });
    const outcomes = await api.write(zone, creates('free', 'taken'), always);
    expect(outcomes).toMatchObject([{ kind: 'applied' }, { kind: 'refused', error: { code: 'cloudflare_conflict' } }]);
  });

  test('a full zone takes what fits', async () => {
    simulator.seed([{ name: 'full.test', quota: 3 }]);
    const units = ['a', 'b', 'c', 'd', 'e'].map((name) => unit(create(`${name}.full.test`)));
    const outcomes = await api.write(await zoneOf('full.test'), units, always);
    expect(kinds(outcomes)).toEqual(['applied', 'applied', 'applied', 'refused', 'refused']);
    expect(outcomes[4]).toMatchObject({ error: { code: 'cloudflare_quota' } });
  });

  test('a record that somebody deleted before us is deleted', async () => {
    const zone = await zoneOf('example.com');
    const { id } = simulator.add({ name: 'gone.example.com', type: 'A', content: '192.0.2.9' });
    simulator.remove({ name: 'gone.example.com' });
    expect(await api.write(zone, [unit(remove('gone.example.com', id)), ...creates('a')], always)).toMatchObject([
      { kind: 'applied', records: [null] },
      { kind: 'applied' },
    ]);
    expect(await api.write(zone, [unit(update('gone.example.com', id))], always)).toMatchObject([
      { kind: 'refused', error: { code: 'cloudflare_gone' } },
    ]);
  });
});

describe('trouble', () => {
  test.each([
    [{ kind: 'html', status: 502 }, false],
    [{ kind: 'status', status: 500, code: 10013 }, false],
    [{ kind: 'reset' }, false],
    [{ kind: 'lost', applied: false }, false],
    [{ kind: 'lost', applied: true }, true],
    [{ kind: 'truncated' }, true],
    [{ kind: 'truncated', aborted: true }, true],
  ] as const)('%j leaves the outcome of a batch unknown (it was done: %s), and a list fails', async (effect, done) => {
    const zone = await zoneOf('example.com');
    simulator.addFault({ effect, count: 2 });
    await expect(api.list(zone)).rejects.toMatchObject({ code: 'cloudflare_unavailable' });
    expect(await api.write(zone, creates('a', 'b'), always)).toMatchObject([{ kind: 'unknown' }, { kind: 'unknown' }]);
    expect(namesThere()).toHaveLength(done ? 2 : 0);
    expect(kinds(await api.write(zone, creates('c'), always))).toEqual(['applied']);
  });

  test('a body that comes slowly is waited for', async () => {
    simulator.addFault({ effect: { kind: 'slow', ms: 20 } });
    expect(await api.zones()).toHaveLength(2);
  });

  test('a call that hangs is given up when its time is over', async () => {
    const zone = await zoneOf('example.com');
    simulator.addFault({ operation: 'batch', effect: { kind: 'hang' } });
    expect(await api.write(zone, creates('a'), { remaining: () => 20 })).toMatchObject([
      { kind: 'unknown', error: { code: 'cloudflare_unavailable' } },
    ]);
  });
});

describe('with the budget', () => {
  const budgetOf = async (limit: number, onLimited?: (ms: number) => void) => {
    const budget = new ApiBudget({
      limit,
      clock: systemClock,
      log: new FakeSpendLog(systemClock),
      ...(onLimited && { onLimited }),
    });
    await budget.start();
    const reports = new Reports();
    const client = new CloudflareApi({
      token: TOKEN,
      clock: systemClock,
      limiter: budget,
      observer: reports,
      baseUrl: simulator.url,
    });
    return { budget, client, reports };
  };

  test.each([
    [42, 42_000],
    [null, 300_000],
  ])(
    '429 with Retry-After %j closes the gate for %i ms: nothing is sent, what waits goes on waiting',
    async (retryAfter, ms) => {
      const limits: number[] = [];
      const { budget, client, reports } = await budgetOf(100, (forMs) => limits.push(forMs));
      simulator.addFault({ effect: { kind: 'limited', seconds: retryAfter }, count: 1 });
      await expect(client.zones()).rejects.toMatchObject({ code: 'cloudflare_limited' });
      expect(limits).toEqual([ms]);
      expect(budget.gateClosedUntil).toBeGreaterThan(systemClock.now());
      const waiting = [client.zones(), client.ready()].map((call) =>
        expect(call).rejects.toMatchObject({ code: 'shutting_down' }),
      );
      budget.stop();
      await Promise.all(waiting);
      expect(reports.calls).toHaveLength(1);
    },
  );

  test('others who use the same budget are seen in the headers: no 429 comes', async () => {
    simulator.configure({ rateLimit: { requests: 30 } });
    const { budget, client, reports } = await budgetOf(100);
    for (let others = 0; others < 10; others++) await api.zones();
    await client.zones();
    expect(budget.remaining()).toBe(19);
    const calls = Array.from({ length: 25 }, () => client.zones());
    const settling = Promise.allSettled(calls);
    // Not all 19: of answers that overtake each other, an older one may cost a call.
    await Promise.all(calls.slice(0, 12));
    budget.stop();
    expect((await settling).filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(6);
    expect(reports.calls.every(({ code }) => code === '200')).toBe(true);
  });
});
