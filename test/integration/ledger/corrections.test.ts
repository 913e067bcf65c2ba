import { beforeEach, expect, test } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import type { ActualRecord } from '../../../src/dns/record.ts';
import { readHistory } from '../../../src/ledger/browse.ts';
import type { Correction, Intent } from '../../../src/ledger/port.ts';
import { PostgresLedger } from '../../../src/ledger/postgres.ts';
import { Corrector } from '../../../src/reconcile/corrector.ts';
import { install, lead } from '../../support/installation.ts';

const CAUSE = { trigger: 'change', operationId: null, actor: null };
const NOTHING: Correction = { forget: [], refresh: [], track: [], deleted: [], drop: [], end: [] };
const ZONE = { zoneId: 'z', zone: 'example.com' };

let db: Database;
let ledger: PostgresLedger;

beforeEach(async () => {
  ({ db } = await install());
  ledger = new PostgresLedger(db, await lead(db));
});

const record = (id: string, over: Partial<ActualRecord> = {}): ActualRecord => ({
  ...{ id, fqdn: `${id}.example.com`, type: 'A', content: '192.0.2.1', ttl: 1, proxied: false, comment: null },
  ...over,
});
const found = (one: ActualRecord, intent: Intent | null = null): Correction => ({
  ...NOTHING,
  track: [{ ...ZONE, record: one, consumer: null, intent, cause: CAUSE }],
});
const corrector = () => new Corrector({ ledger, defer: setImmediate });

test('a thousand corrections that come at once are one transaction', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `r${index}`);
  const one = corrector();
  await Promise.all(ids.map((id) => one.correct(found(record(id)))));
  // Each row says which transaction has written it.
  const [row] = await db.rows('SELECT count(*), count(DISTINCT xmin::text) FROM @.dns_records');
  expect(row).toEqual([1_000, 1]);
});

test('a correction that PostgreSQL does not take fails alone', async () => {
  const one = corrector();
  const tooLarge = found(record('r2', { ttl: 2 ** 40 }));
  const answers = await Promise.allSettled(
    [found(record('r1')), tooLarge, found(record('r3'))].map((correction) => one.correct(correction)),
  );
  expect(answers).toMatchObject([
    { status: 'fulfilled' },
    { reason: { code: 'database_failed', facts: { sqlstate: '22003' } } },
    { status: 'fulfilled' },
  ]);
  expect(await db.rows('SELECT record_id FROM @.dns_records ORDER BY 1')).toEqual([['r1'], ['r3']]);
});

test('of two corrections that track the same record the first one does, and only that is told', async () => {
  const renamed = record('r1', { fqdn: 'b.example.com' });
  const elsewhere = { ...found(renamed), track: found(renamed).track.map((one) => ({ ...one, zoneId: 'y' })) };
  await ledger.correct([found(record('r1')), found(renamed), elsewhere]);
  expect(await db.rows('SELECT zone_id, fqdn FROM @.dns_records ORDER BY zone_id DESC')).toEqual([
    ['z', 'r1.example.com'],
    ['y', 'b.example.com'],
  ]);
  expect(await readHistory(db, 'r1.example.com', 10)).toHaveLength(1);
  expect(await readHistory(db, 'b.example.com', 10)).toHaveLength(1);
});
