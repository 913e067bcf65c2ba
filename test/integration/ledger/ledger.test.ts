import { beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import type { ActualRecord, Change } from '../../../src/dns/record.ts';
import { Fence } from '../../../src/leadership/fence.ts';
import { readHistory } from '../../../src/ledger/browse.ts';
import type { NewIntent, SettledChange, StateUpdate } from '../../../src/ledger/port.ts';
import { PostgresLedger } from '../../../src/ledger/postgres.ts';
import { SpendLog } from '../../../src/ledger/spend.ts';
import { waitingForLocks } from '../../support/database.ts';
import { connect, install, lead } from '../../support/installation.ts';
import { waitFor } from '../../support/wait.ts';

const SPEC = { type: 'A', content: '192.0.2.1', ttl: 1, proxied: false } as const;
const CAUSE = { trigger: 'change', operationId: null, actor: null };
const CONSUMER = { kind: 'instance', id: '1' };

let db: Database;
let fence: Fence;
let ledger: PostgresLedger;

beforeEach(async () => {
  ({ db } = await install());
  fence = await lead(db);
  ledger = new PostgresLedger(db, fence);
});

const record = (id: string, fqdn = 'a.example.com'): ActualRecord => ({ id, fqdn, ...SPEC, comment: null });
const intent = (id: string, fqdn = 'a.example.com'): NewIntent => ({
  id,
  zoneId: 'z',
  fqdn,
  action: 'create',
  recordId: null,
  consumer: CONSUMER,
  replaced: false,
});
const create = (fqdn = 'a.example.com'): Change => ({
  fqdn,
  action: 'create',
  type: 'A',
  recordId: null,
  before: null,
  after: SPEC,
  reason: 'wanted',
  replaced: false,
});
const settled = (intentId: string, result: SettledChange['result'], id: string | null): SettledChange => ({
  change: create(),
  intentId,
  zoneId: 'z',
  zone: 'example.com',
  consumer: CONSUMER,
  cause: CAUSE,
  result,
  record: id === null ? null : record(id),
  error: null,
});
const facts = async (fqdn = 'a.example.com') => (await ledger.facts([fqdn])).get(fqdn);

describe('a write in three steps', () => {
  test('an intent is open with a deadline until its outcome is known', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    const [open] = (await facts())?.intents ?? [];
    expect(open).toMatchObject({ id: 'i1', state: 'open', epoch: fence.epoch, consumer: CONSUMER });
    expect(open?.remainingMs).toBeGreaterThan(0);
    expect(open?.remainingMs).toBeLessThanOrEqual(30_000);
    expect(await ledger.unsettledNames(10)).toEqual(['a.example.com']);
  });

  test('done: the record is tracked, the intent gone, the history told', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1', 'done', 'r1')]);
    expect(await facts()).toMatchObject({
      intents: [],
      tracked: [{ recordId: 'r1', zoneId: 'z', ...SPEC, consumer: CONSUMER }],
    });
    expect(await readHistory(db, 'a.example.com', 10)).toMatchObject([
      { action: 'create', result: 'done', after: SPEC, reason: 'wanted' },
    ]);
  });

  test('unknown: the intent stays open for whoever looks next', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1', 'unknown', null)]);
    expect(await facts()).toMatchObject({ intents: [{ id: 'i1', state: 'open' }], tracked: [] });
  });

  test('refused: the intent ends, nothing is tracked', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1', 'refused', null)]);
    expect(await facts()).toMatchObject({ intents: [], tracked: [] });
  });

  test('a late outcome of an intent that a successor has settled changes nothing', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    const [open] = (await facts())?.intents ?? [];
    if (open === undefined) throw new Error('no intent');
    const found = {
      zoneId: 'z',
      zone: 'example.com',
      record: record('r1'),
      consumer: CONSUMER,
      intent: open,
      cause: CAUSE,
    };
    await ledger.correct([{ forget: [], refresh: [], track: [found], deleted: [], drop: [], end: [] }]);
    await ledger.settle([settled('i1', 'done', 'r1')]);
    expect((await facts())?.tracked).toHaveLength(1);
    expect(await readHistory(db, 'a.example.com', 10)).toHaveLength(1);
  });

  test('a dropped intent is remembered', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.correct([{ forget: [], refresh: [], track: [], deleted: [], drop: ['i1'], end: [] }]);
    expect((await facts())?.intents).toMatchObject([{ id: 'i1', state: 'dropped' }]);
    expect(await ledger.unsettledNames(10)).toEqual([]);
    await ledger.prune(90);
    expect((await facts())?.intents).toHaveLength(1);
    await db.rows(`UPDATE @.intents SET created_at = now() - interval '25 hours'`);
    await ledger.prune(90);
    expect((await facts())?.intents).toEqual([]);
  });

  test('rows whose record is gone are forgotten together with the intents of the new ones', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1', 'done', 'r1')]);
    await ledger.begin([intent('i2')], [{ zoneId: 'z', recordId: 'r1' }], 30_000);
    expect((await facts())?.tracked).toEqual([]);
  });

  test.each(['by a correction', 'by the intent of another'])(
    'what was forgotten %s is remembered: when its record is there after all, it is tracked again',
    async (how) => {
      const gone = { zoneId: 'z', recordId: 'r1' };
      await ledger.begin([intent('i1')], [], 30_000);
      await ledger.settle([settled('i1', 'done', 'r1')]);
      if (how === 'by a correction') {
        await ledger.correct([{ forget: [gone], refresh: [], track: [], deleted: [], drop: [], end: [] }]);
      } else {
        await ledger.begin([intent('i2')], [gone], 30_000);
        await ledger.settle([settled('i2', 'refused', null)]);
      }
      const [remembered] = (await facts())?.intents ?? [];
      expect(remembered).toMatchObject({ state: 'dropped', recordId: 'r1', action: 'create', consumer: CONSUMER });
      const found = { zoneId: 'z', zone: 'example.com', record: record('r1'), consumer: CONSUMER, cause: CAUSE };
      const track = [{ ...found, intent: remembered ?? null }];
      await ledger.correct([{ forget: [], refresh: [], track, deleted: [], drop: [], end: [] }]);
      expect(await facts()).toMatchObject({ tracked: [{ recordId: 'r1' }], intents: [] });
      const done = (await readHistory(db, 'a.example.com', 10)).filter(({ result }) => result === 'done');
      expect(done).toHaveLength(1);
    },
  );
});

test('a late outcome waits for a correction, also where transactions see one moment by default', async () => {
  const { test: database, db: before } = await install();
  await before.rows(`ALTER DATABASE ${database.name} SET default_transaction_isolation = 'repeatable read'`);
  const ours = connect(database);
  const own = new PostgresLedger(ours, await lead(ours));
  await own.begin([intent('i1')], [], 30_000);
  const successor = await database.pool.connect();
  await successor.query(`BEGIN ISOLATION LEVEL READ COMMITTED; UPDATE zonekeeper.intents SET state = 'dropped'`);
  const late = own.settle([settled('i1', 'done', 'r1')]);
  await waitFor('the outcome to wait', async () => (await waitingForLocks(database)) === 1);
  await successor.query('COMMIT');
  successor.release();
  await late;
  expect(await ours.rows('SELECT state FROM @.intents')).toEqual([['dropped']]);
  expect(await ours.rows('SELECT count(*) FROM @.dns_records')).toEqual([[0]]);
  const isolation = ours.transaction(async (tx) => (await tx.rows('SHOW transaction_isolation'))[0]?.[0]);
  expect(await isolation).toBe('read committed');
});

test('in an epoch that was given once more after a failover had forgotten it, only who holds it now writes', async () => {
  const { epoch } = await lead(db, 'first');
  // What a standby that lagged behind knows, and what comes of it.
  await db.rows('UPDATE @.leader SET epoch = $1', [epoch - 1]);
  expect((await lead(db, 'second')).epoch).toBe(epoch);
  const [first, second] = [new Fence(epoch, 'first'), new Fence(epoch, 'second')];
  const writes = (fence: Fence) => [
    new PostgresLedger(db, fence).begin([intent(`of ${fence.holder}`)], [], 30_000),
    new PostgresLedger(db, fence).setStates([]),
    new SpendLog(db, fence).reserve(1),
  ];
  const refused = writes(first).map((write) => expect(write).rejects.toMatchObject({ code: 'not_leader' }));
  await Promise.all(refused);
  await Promise.all(writes(second));
  expect((await facts())?.intents).toMatchObject([{ id: 'of second' }]);
});

describe('an epoch that is over', () => {
  test('begins no write, corrects nothing, stores no state', async () => {
    await lead(db, 'successor');
    const state: StateUpdate = {
      fqdn: 'a.example.com',
      zone: null,
      state: 'failed',
      code: null,
      reason: null,
      nextTryMs: null,
      desired: [],
      actual: [],
      consumer: null,
    };
    await expect(ledger.begin([intent('i1')], [], 30_000)).rejects.toMatchObject({ code: 'not_leader' });
    await expect(
      ledger.correct([{ forget: [], refresh: [], track: [], deleted: [], drop: [], end: ['x'] }]),
    ).rejects.toMatchObject({
      code: 'not_leader',
    });
    await expect(ledger.setStates([state])).rejects.toMatchObject({ code: 'not_leader' });
    expect(await db.rows('SELECT id FROM @.intents')).toEqual([]);
  });

  test('may still tell the outcome of what it had begun', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await lead(db, 'successor');
    await ledger.settle([settled('i1', 'done', 'r1')]);
    expect((await facts())?.tracked).toHaveLength(1);
  });
});

describe('states', () => {
  const state = (over: Partial<StateUpdate>): StateUpdate => ({
    fqdn: 'a.example.com',
    zone: 'example.com',
    state: 'failed',
    code: 'cloudflare_validation',
    reason: 'why',
    nextTryMs: 1000,
    desired: [SPEC],
    actual: [],
    consumer: CONSUMER,
    ...over,
  });

  test('are rows only while a name is not simply in sync', async () => {
    await ledger.setStates([state({}), state({ fqdn: 'b.example.com', state: 'conflict' })]);
    expect((await facts())?.state).toEqual({ state: 'failed', code: 'cloudflare_validation', reason: 'why' });
    await ledger.setStates([state({ state: 'in_sync' }), state({ fqdn: 'b.example.com', state: 'gone' })]);
    expect(await db.rows('SELECT count(*) FROM @.names')).toEqual([[0]]);
  });

  test('keep since when they hold, and show in dns_records', async () => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1', 'done', 'r1')]);
    await ledger.setStates([state({})]);
    await db.rows(`UPDATE @.names SET since = '2020-06-01Z'`);
    await ledger.setStates([state({ reason: 'other' })]);
    expect(await db.rows(`SELECT extract(year FROM since)::int, reason FROM @.names`)).toEqual([[2020, 'other']]);
    expect(await db.rows('SELECT state, reason FROM @.dns_records')).toEqual([['failed', 'other']]);
  });
});

describe('a survey', () => {
  test('passes through all names in pages, each once, with all their facts', async () => {
    await db.rows(
      `INSERT INTO @.wanted (consumer_kind, consumer_id, fqdn) SELECT 'instance', g::text, 'n' || g || '.example.com' FROM generate_series(1, 25) g`,
    );
    await db.rows(
      `INSERT INTO @.dns_records (fqdn, type, content, ttl, proxied, zone_id, record_id) VALUES ('n1.example.com', 'A', '192.0.2.1', 1, false, 'z', 'r1'), ('only.tracked.org', 'A', '192.0.2.1', 1, false, 'y', 'r2')`,
    );
    await db.rows(`INSERT INTO @.names (fqdn, state) VALUES ('n2.example.com', 'failed'), ('instance/9', 'failed')`);
    const names: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await ledger.survey({ zone: null, after, limit: 4 });
      expect(page.names.length).toBeLessThanOrEqual(4);
      names.push(...page.names.map(({ fqdn }) => fqdn));
      if (page.next === null) break;
      after = page.next;
    }
    expect(names).toHaveLength(27);
    expect(new Set(names).size).toBe(27);
    const all = await ledger.survey({ zone: null, after: null, limit: 100 });
    expect(all.names.find(({ fqdn }) => fqdn === 'n1.example.com')).toMatchObject({
      rows: [{}],
      tracked: [{}],
      state: null,
    });
    expect(all.names.find(({ fqdn }) => fqdn === 'n2.example.com')).toMatchObject({
      rows: [{}],
      state: { state: 'failed' },
    });
  });

  test('of a zone sees the zone and what ends in it, and no neighbour', async () => {
    const names = [
      'example.com',
      'a.example.com',
      'a.b.example.com',
      'badexample.com',
      'x-example.com',
      'example.com.evil.org',
    ];
    await db.rows(
      `INSERT INTO @.wanted (consumer_kind, consumer_id, fqdn) SELECT 'instance', n, n FROM unnest($1::text[]) n`,
      [names],
    );
    const page = await ledger.survey({ zone: 'example.com', after: null, limit: 100 });
    expect(page.names.map(({ fqdn }) => fqdn).sort()).toEqual(['a.b.example.com', 'a.example.com', 'example.com']);
  });
});

test('deletions are counted, but not those that a person asked for or confirmed', async () => {
  const history = (trigger: string, operation: string | null) =>
    db.rows(
      `INSERT INTO @.history (fqdn, zone, action, type, trigger, operation_id, result) VALUES ('a', 'example.com', 'delete', 'A', $1, $2, 'done')`,
      [trigger, operation],
    );
  await history('change', null);
  await history('delete', 'o1');
  await history('sync', 'o2');
  await history('sync', 'o3');
  await db.rows(`INSERT INTO @.confirmations (hash, operation_id) VALUES ('h', 'o3')`);
  const done = async (name: string) => (await ledger.deletions({ id: 'z', name }, 3_600_000)).done;
  expect(await done('example.com')).toBe(2);
  expect(await done('example.org')).toBe(0);
});

test('the spend log tells what was reserved, with its age', async () => {
  const log = new SpendLog(db, fence);
  await log.reserve(25);
  await db.rows(`UPDATE @.api_spend SET reserved_at = reserved_at - interval '400 seconds'`);
  await log.reserve(5);
  const lots = await log.outstanding(300_000);
  expect(lots).toHaveLength(1);
  expect(lots[0]).toMatchObject({ calls: 5 });
  expect(lots[0]?.ageMs).toBeGreaterThanOrEqual(0);
  await lead(db, 'successor');
  await expect(log.reserve(5)).rejects.toMatchObject({ code: 'not_leader' });
  expect(await log.outstanding(300_000)).toHaveLength(1);
});
