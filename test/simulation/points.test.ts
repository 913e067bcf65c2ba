import { expect, test } from 'vitest';
import type { SpendLog } from '../../src/cloudflare/lots.ts';
import { Fence } from '../../src/leadership/fence.ts';
import type { ElectionOptions } from '../../src/leadership/leader.ts';
import type { Ledger } from '../../src/ledger/port.ts';
import type { OperationsPort } from '../../src/reconcile/executor.ts';
import type { Source } from '../../src/sources/port.ts';
import { leaderRow, operationsOf, spendLog } from './memory-leadership.ts';
import { MemoryLedger, type Reach } from './memory-ledger.ts';
import { MemorySource } from './memory-source.ts';
import { DATABASE_POINTS, type DatabasePoint } from './plan.ts';
import { Tables } from './tables.ts';

/** A call of each method of a port that the core awaits: where a port has learnt a new one, the compiler asks for it. */
type CallsOf<Methods, Port = Methods> = { readonly [Method in keyof Methods]: (port: Port) => Promise<unknown> };

const FENCE = new Fence(1);
const ZONE = { id: 'z', name: 'example.com' };

const LEDGER: CallsOf<Ledger> = {
  facts: (ledger) => ledger.facts(['n.example.com']),
  survey: (ledger) => ledger.survey({ zone: null, after: null, limit: 1 }),
  begin: (ledger) => ledger.begin([], [], 1),
  settle: (ledger) => ledger.settle([]),
  correct: (ledger) => ledger.correct([]),
  setStates: (ledger) => ledger.setStates([]),
  unsettledNames: (ledger) => ledger.unsettledNames(1),
  deletions: (ledger) => ledger.deletions(ZONE, 1),
  trackedIn: (ledger) => ledger.trackedIn(ZONE, 1),
  prune: (ledger) => ledger.prune(1),
};
const SOURCE: CallsOf<Source> = {
  refresh: (source) => source.refresh('everything'),
  stillWanted: (source) => source.stillWanted(['n.example.com']),
};
const OPERATIONS: CallsOf<OperationsPort> = {
  take: (operations) => operations.take(FENCE, 1, []),
  progress: (operations) => operations.progress(FENCE, 'id', { phase: 'refreshing', done: 0, total: 1 }),
  finish: (operations) => operations.finish(FENCE, 'id', null, null),
  useConfirmation: (operations) => operations.useConfirmation(FENCE, 'hash', 'id'),
};
const SPEND: CallsOf<SpendLog> = {
  reserve: (log) => log.reserve(1),
  outstanding: (log) => log.outstanding(1),
};
/** The statements of the election that the simulation knows; of any other, it says so itself. */
const ELECTION: CallsOf<Record<'acquire' | 'renew' | 'release' | 'notify', never>, ElectionOptions['db']> = {
  acquire: (row) => row.rows('epoch = epoch + 1', ['one', '', 1]),
  renew: (row) => row.rows('SET renewed = clock_timestamp(), info = $3', [1, 'one', '{}']),
  release: (row) => row.rows('SET holder = NULL', [1, 'one']),
  notify: (row) => row.rows('SELECT pg_notify($1, $2)'),
};

type Case = readonly [name: string, call: (tables: Tables, reach: Reach) => Promise<unknown>];

function cases<Methods, Port>(
  of: string,
  calls: CallsOf<Methods, Port>,
  make: (tables: Tables, reach: Reach) => Port,
): Case[] {
  const all = Object.entries<(port: Port) => Promise<unknown>>(calls);
  return all.map(([method, call]) => [`${of}.${method}`, (tables, reach) => call(make(tables, reach))]);
}

const CASES: readonly Case[] = [
  ...cases('ledger', LEDGER, (tables, reach): Ledger => new MemoryLedger(tables, 1, reach)),
  ...cases('source', SOURCE, (tables, reach): Source => new MemorySource(tables, 1, reach)),
  ...cases('operations', OPERATIONS, operationsOf),
  ...cases('spend log', SPEND, (tables, reach) => spendLog(tables, 1, reach)),
  ...cases('election', ELECTION, (tables, reach) => leaderRow(tables, reach, () => undefined)),
];

/** The points that a call comes by. */
async function pointsOf(call: Case[1]): Promise<ReadonlySet<DatabasePoint>> {
  const tables = new Tables(() => 0);
  Object.assign(tables.leader, { holder: 'one', epoch: 1, renewed: 0 });
  tables.changes.set(1, { kind: 'instance', id: '1', at: 0 });
  const points = new Set<DatabasePoint>();
  await call(tables, async (point, run) => {
    points.add(point);
    return run();
  });
  return points;
}

test.each(CASES)('a fault can strike %s', async (_, call) => {
  expect((await pointsOf(call)).size).toBeGreaterThan(0);
});

test('no other place is called a point', async () => {
  const all = await Promise.all(CASES.map(([, call]) => pointsOf(call)));
  // What the composition root asks before a term begins is no method of a port.
  const expected = new Set([...all.flatMap((points) => [...points]), 'daemon.inspect']);
  expect(new Set<string>(DATABASE_POINTS)).toEqual(expected);
});
