import { describe, expect, test } from 'vitest';
import type { ActualRecord, Change } from '../../../src/dns/record.ts';
import type { Correction, Ledger, NewIntent, SettledChange, StateUpdate } from '../../../src/ledger/port.ts';
import { PostgresLedger } from '../../../src/ledger/postgres.ts';
import { MemoryLedger } from '../../simulation/memory-ledger.ts';
import { Tables } from '../../simulation/tables.ts';
import { install, lead } from '../../support/installation.ts';

/** A ledger in the first epoch, and how somebody else takes over. */
interface Harness {
  readonly ledger: Ledger;
  readonly takeOver: () => Promise<Ledger>;
  /** Record ids of the rows that say that their record was adopted. */
  readonly adopted: () => Promise<unknown[]>;
}

const FORMS: readonly [name: string, make: () => Promise<Harness>][] = [
  [
    'PostgreSQL',
    async () => {
      const { db } = await install();
      const ledger = new PostgresLedger(db, await lead(db));
      const adopted = async () =>
        (await db.rows('SELECT record_id FROM @.dns_records WHERE adopted')).map(([recordId]) => recordId);
      return { ledger, takeOver: async () => new PostgresLedger(db, await lead(db, 'successor')), adopted };
    },
  ],
  [
    'memory',
    async () => {
      const tables = new Tables(() => performance.now());
      const ledgerOf = (epoch: number) => {
        Object.assign(tables.leader, { holder: `epoch ${epoch}`, epoch });
        return new MemoryLedger(tables, epoch, async (_, run) => run());
      };
      const adopted = async () => [...tables.records.values()].flatMap((row) => (row.adopted ? [row.recordId] : []));
      return { ledger: ledgerOf(1), takeOver: async () => ledgerOf(2), adopted };
    },
  ],
];

const FQDN = 'a.example.com';
const SPEC = { type: 'A', content: '192.0.2.1', ttl: 1, proxied: false } as const;
const CAUSE = { trigger: 'change', operationId: null, actor: null };
const CONSUMER = { kind: 'instance', id: '1' };
const DELETED = { zoneId: 'z', recordId: 'r1' };
const NOTHING = { forget: [], refresh: [], track: [], deleted: [], drop: [], end: [] };
const record = (id: string, fqdn = FQDN): ActualRecord => ({ id, fqdn, ...SPEC, comment: null });
const intent = (id: string, over: Partial<NewIntent> = {}): NewIntent => ({
  ...{ id, zoneId: 'z', fqdn: FQDN, action: 'create', recordId: null, consumer: CONSUMER, replaced: false },
  ...over,
});
const change = (action: Change['action'], recordId: string | null, fqdn = FQDN): Change => ({
  ...{ fqdn, action, type: 'A', recordId, reason: 'wanted', replaced: false },
  before: action === 'create' ? null : SPEC,
  after: action === 'delete' ? null : SPEC,
});
const settled = (intentId: string, over: Partial<SettledChange> = {}): SettledChange => ({
  ...{ change: change('create', null), intentId, zoneId: 'z', zone: 'example.com', consumer: CONSUMER, cause: CAUSE },
  ...{ result: 'done', record: record('r1'), error: null },
  ...over,
});
const state = (over: Partial<StateUpdate> = {}): StateUpdate => ({
  ...{
    fqdn: FQDN,
    zone: 'example.com',
    state: 'failed',
    code: 'cloudflare_validation',
    reason: 'why',
    nextTryMs: 1_000,
  },
  ...{ desired: [SPEC], actual: [], consumer: CONSUMER },
  ...over,
});

const ZONE = { id: 'z', name: 'example.com' };

// The simulation speaks about the real thing as far as both forms do the same.
describe.each(FORMS)('the ledger in %s', (_, make) => {
  const factsOf = async (ledger: Ledger) => (await ledger.facts([FQDN])).get(FQDN);
  const tracked = async (ledger: Ledger) => {
    await ledger.begin([intent('i1')], [], 30_000);
    await ledger.settle([settled('i1')]);
  };

  test('a name that nobody knows has empty facts', async () => {
    const { ledger } = await make();
    expect(await factsOf(ledger)).toEqual({ fqdn: FQDN, rows: [], tracked: [], intents: [], state: null });
  });

  test('an intent is open until its outcome is known, and the record tracked then', async () => {
    const { ledger } = await make();
    await ledger.begin([intent('i1')], [], 30_000);
    const [open] = (await factsOf(ledger))?.intents ?? [];
    expect(open).toMatchObject({ id: 'i1', state: 'open', action: 'create', consumer: CONSUMER });
    expect(open?.remainingMs).toBeLessThanOrEqual(30_000);
    expect(await ledger.unsettledNames(10)).toEqual([FQDN]);
    await ledger.settle([settled('i1')]);
    const facts = await factsOf(ledger);
    expect(facts?.intents).toEqual([]);
    expect(facts?.tracked).toMatchObject([
      { recordId: 'r1', zoneId: 'z', ...SPEC, consumer: CONSUMER, unwantedForMs: null },
    ]);
    expect(await ledger.trackedIn(ZONE, 3_600_000)).toBe(1);
    expect(await ledger.unsettledNames(10)).toEqual([]);
  });

  test('unknown leaves the intent open, refused ends it', async () => {
    const { ledger } = await make();
    await ledger.begin([intent('i1'), intent('i2')], [], 30_000);
    await ledger.settle([
      settled('i1', { result: 'unknown', record: null }),
      settled('i2', { result: 'refused', record: null }),
    ]);
    expect(await factsOf(ledger)).toMatchObject({ intents: [{ id: 'i1', state: 'open' }], tracked: [] });
  });

  test('an update changes the row, a deletion removes it and is counted', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    await ledger.begin([intent('i2', { action: 'update', recordId: 'r1' })], [], 30_000);
    const after = { ...record('r1'), content: '192.0.2.9' };
    await ledger.settle([settled('i2', { change: change('update', 'r1'), record: after })]);
    expect((await factsOf(ledger))?.tracked).toMatchObject([{ recordId: 'r1', content: '192.0.2.9' }]);
    await ledger.begin([intent('i3', { action: 'delete', recordId: 'r1' })], [], 30_000);
    await ledger.settle([settled('i3', { change: change('delete', 'r1'), record: null })]);
    expect((await factsOf(ledger))?.tracked).toEqual([]);
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ done: 1 });
    expect(await ledger.deletions({ ...ZONE, name: 'example.org' }, 3_600_000)).toMatchObject({ done: 0 });
  });

  test('a deletion that somebody ordered is not counted', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    await ledger.begin([intent('i3', { action: 'delete', recordId: 'r1' })], [], 30_000);
    const cause = { trigger: 'delete', operationId: 'o1', actor: 'somebody' };
    await ledger.settle([settled('i3', { change: change('delete', 'r1'), record: null, cause })]);
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ done: 0 });
  });

  test('an intent that a successor settled is left alone by a late outcome', async () => {
    const { ledger, takeOver } = await make();
    await ledger.begin([intent('i1')], [], 30_000);
    const successor = await takeOver();
    const [open] = (await factsOf(successor))?.intents ?? [];
    const found = { zoneId: 'z', zone: 'example.com', record: record('r1'), consumer: CONSUMER, cause: CAUSE };
    await successor.correct([{ ...NOTHING, track: [{ ...found, intent: open ?? null }] }]);
    await ledger.settle([settled('i1', { record: record('r2') })]);
    expect((await factsOf(successor))?.tracked).toMatchObject([{ recordId: 'r1' }]);
  });

  test('an intent that a successor dropped stays so: its record may be gone by now', async () => {
    const { ledger, takeOver } = await make();
    await ledger.begin([intent('i1')], [], 30_000);
    const successor = await takeOver();
    await successor.correct([{ ...NOTHING, drop: ['i1'] }]);
    await ledger.settle([settled('i1')]);
    expect(await factsOf(successor)).toMatchObject({ tracked: [], intents: [{ id: 'i1', state: 'dropped' }] });
  });

  test('an epoch that is over begins, corrects and stores nothing, but may tell an outcome', async () => {
    const { ledger, takeOver } = await make();
    await ledger.begin([intent('i1')], [], 30_000);
    const successor = await takeOver();
    await expect(ledger.begin([intent('i2')], [], 30_000)).rejects.toMatchObject({ code: 'not_leader' });
    const corrections = [
      { ...NOTHING, drop: ['i1'] },
      { ...NOTHING, end: ['i1'] },
    ];
    await expect(ledger.correct(corrections)).rejects.toMatchObject({ code: 'not_leader' });
    await expect(ledger.setStates([state()])).rejects.toMatchObject({ code: 'not_leader' });
    expect(await factsOf(successor)).toMatchObject({ intents: [{ id: 'i1', state: 'open' }], state: null });
    await ledger.settle([settled('i1')]);
    expect((await factsOf(successor))?.tracked).toHaveLength(1);
  });

  test('a dropped intent is remembered, an ended one is not', async () => {
    const { ledger } = await make();
    await ledger.begin([intent('i1'), intent('i2')], [], 30_000);
    await ledger.correct([{ ...NOTHING, drop: ['i1'], end: ['i2'] }]);
    await ledger.prune(90);
    expect((await factsOf(ledger))?.intents).toMatchObject([{ id: 'i1', state: 'dropped' }]);
    expect(await ledger.unsettledNames(10)).toEqual([]);
  });

  test('what is forgotten is remembered by its record, also when another intent began with that', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    await ledger.begin([intent('i2')], [DELETED], 30_000);
    await ledger.settle([settled('i2', { result: 'refused', record: null })]);
    const [remembered] = (await factsOf(ledger))?.intents ?? [];
    expect(remembered).toMatchObject({ state: 'dropped', action: 'create', recordId: 'r1', zoneId: 'z' });
    const found = { zoneId: 'z', zone: 'example.com', record: record('r1'), consumer: CONSUMER, cause: CAUSE };
    await ledger.correct([{ ...NOTHING, track: [{ ...found, intent: remembered ?? null }] }]);
    expect(await factsOf(ledger)).toMatchObject({ tracked: [{ recordId: 'r1' }], intents: [] });
    await ledger.correct([{ ...NOTHING, forget: [DELETED] }]);
    expect(await factsOf(ledger)).toMatchObject({ tracked: [], intents: [{ recordId: 'r1' }] });
  });

  test('what is forgotten once more is remembered as it was last', async () => {
    const { ledger, takeOver } = await make();
    const foreign = { zoneId: 'z', zone: 'example.com', record: record('r1'), cause: CAUSE, intent: null };
    await ledger.correct([{ ...NOTHING, track: [{ ...foreign, consumer: CONSUMER }] }]);
    await ledger.correct([{ ...NOTHING, forget: [DELETED] }]);
    // Somebody adopts it, for another consumer.
    const successor = await takeOver();
    const consumer = { kind: 'standalone_proxy', id: '7' };
    await successor.correct([{ ...NOTHING, track: [{ ...foreign, consumer }] }]);
    const [first] = (await factsOf(ledger))?.intents ?? [];
    await successor.correct([{ ...NOTHING, forget: [DELETED] }]);
    const [second, ...others] = (await factsOf(ledger))?.intents ?? [];
    expect(others).toEqual([]);
    expect(second).toMatchObject({ recordId: 'r1', state: 'dropped', consumer, epoch: (first?.epoch ?? 0) + 1 });
  });

  test('what was adopted is so also after it was forgotten and found again', async () => {
    const { ledger, adopted } = await make();
    await tracked(ledger);
    const foreign = { zoneId: 'z', zone: 'example.com', record: record('r2'), consumer: CONSUMER, cause: CAUSE };
    await ledger.correct([{ ...NOTHING, track: [{ ...foreign, intent: null }] }]);
    expect(await adopted()).toEqual(['r2']);
    await ledger.correct([{ ...NOTHING, forget: [DELETED, { zoneId: 'z', recordId: 'r2' }] }]);
    await ledger.prune(0);
    const intents = (await factsOf(ledger))?.intents ?? [];
    const again = intents.map((one) => ({ ...foreign, record: record(one.recordId ?? ''), intent: one }));
    await ledger.correct([{ ...NOTHING, track: again }]);
    expect((await factsOf(ledger))?.tracked).toHaveLength(2);
    expect(await adopted()).toEqual(['r2']);
  });

  test('corrections of several names are made together', async () => {
    const { ledger } = await make();
    const names = [FQDN, 'b.example.com', 'c.example.com', 'd.example.com'];
    await ledger.begin(
      names.map((fqdn) => intent(`of ${fqdn}`, { fqdn })),
      [],
      30_000,
    );
    const other = { zoneId: 'z', zone: 'example.com', record: record('r9', 'd.example.com'), consumer: null };
    await ledger.correct([{ ...NOTHING, track: [{ ...other, intent: null, cause: CAUSE }] }]);
    const before = await ledger.facts(names);
    const [open] = before.get('c.example.com')?.intents ?? [];
    const found = { zoneId: 'z', zone: 'example.com', record: record('r3', 'c.example.com'), consumer: CONSUMER };
    await ledger.correct([
      { ...NOTHING, drop: [`of ${FQDN}`] },
      { ...NOTHING, end: ['of b.example.com'] },
      { ...NOTHING, track: [{ ...found, intent: open ?? null, cause: CAUSE }] },
      { ...NOTHING, forget: [{ zoneId: 'z', recordId: 'r9' }], end: ['of d.example.com'] },
    ]);
    const facts = await ledger.facts(names);
    expect(names.map((fqdn) => facts.get(fqdn))).toMatchObject([
      { tracked: [], intents: [{ id: `of ${FQDN}`, state: 'dropped' }] },
      { tracked: [], intents: [] },
      { tracked: [{ recordId: 'r3' }], intents: [] },
      { tracked: [], intents: [{ recordId: 'r9', state: 'dropped' }] },
    ]);
  });

  describe('corrections about one record, made together, are as if made one after the other', () => {
    // Somebody renames a record of ours at Cloudflare, and has it adopted under its new name.
    const renamed = record('r1', 'b.example.com');
    const adopting = { zoneId: 'z', zone: 'example.com', record: renamed, consumer: null, intent: null, cause: CAUSE };
    const forget: Correction = { ...NOTHING, forget: [DELETED] };
    const adopt: Correction = { ...NOTHING, track: [adopting] };
    const refresh: Correction = { ...NOTHING, refresh: [{ zoneId: 'z', record: renamed, consumer: null }] };
    const forgotten: Correction = { ...NOTHING, end: ['forgotten-r1'] };
    test.each([
      ['forgotten, then adopted', [forget, adopt]],
      ['adopted, then forgotten', [adopt, forget]],
      ['forgotten and adopted again and again', [forget, adopt, forget, adopt, forget]],
      ['forgotten, then looked at, then adopted', [forget, refresh, adopt]],
      ['forgotten, then of no use, then adopted', [forget, forgotten, adopt]],
      ['of no use, then forgotten', [forgotten, forget]],
    ])('%s', async (_, corrections) => {
      const seen = async (ledger: Ledger) => {
        const facts = [...(await ledger.facts([FQDN, 'b.example.com'])).values()];
        const [tracked, intents] = [facts.flatMap((one) => one.tracked), facts.flatMap((one) => one.intents)];
        return [tracked, intents.map(({ remainingMs: _, ...rest }) => rest)];
      };
      const [together, apart] = [await make(), await make()];
      for (const { ledger } of [together, apart]) await tracked(ledger);
      await together.ledger.correct(corrections);
      for (const correction of corrections) await apart.ledger.correct([correction]);
      expect(await seen(together.ledger)).toEqual(await seen(apart.ledger));
      expect(await together.adopted()).toEqual(await apart.adopted());
    });
  });

  test('a deletion that happened unheard of is told and counted, once', async () => {
    const { ledger, takeOver } = await make();
    await tracked(ledger);
    await ledger.begin([intent('i3', { action: 'delete', recordId: 'r1' })], [], 30_000);
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ predecessors: 0, uncertain: [] });
    const successor = await takeOver();
    expect(await successor.deletions(ZONE, 3_600_000)).toMatchObject({ predecessors: 1 });
    expect(await successor.deletions({ ...ZONE, id: 'y' }, 3_600_000)).toMatchObject({ predecessors: 0 });
    const [open] = (await factsOf(successor))?.intents ?? [];
    if (open === undefined) throw new Error('no intent');
    const deleted = [{ intent: open, zone: 'example.com', type: 'A', cause: CAUSE, replaced: false }];
    await successor.correct([{ ...NOTHING, forget: [DELETED], deleted }]);
    await successor.correct([{ ...NOTHING, deleted }]);
    expect(await successor.deletions(ZONE, 3_600_000)).toMatchObject({ predecessors: 0, done: 1 });
  });

  test('a deletion that was given up is remembered, until the record is deleted by another', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    const again = (id: string) => ledger.begin([intent(id, { action: 'delete', recordId: 'r1' })], [], 30_000);
    await again('i3');
    await ledger.correct([{ ...NOTHING, drop: ['i3'] }]);
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ predecessors: 0, uncertain: [FQDN], done: 0 });
    expect(await ledger.deletions({ ...ZONE, id: 'y' }, 3_600_000)).toMatchObject({ uncertain: [] });
    await again('i4');
    await ledger.settle([settled('i4', { change: change('delete', 'r1'), record: null })]);
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ uncertain: [], done: 1 });
    expect((await factsOf(ledger))?.intents).toEqual([]);
  });

  test('a deletion that left its name with a record is not counted, told at once or found out', async () => {
    const { ledger, takeOver } = await make();
    await tracked(ledger);
    const replacing = async (ids: readonly [string, string], recordId: string, by: string) => {
      const deletes = { action: 'delete', recordId, replaced: true } as const;
      await ledger.begin([intent(ids[0], deletes), intent(ids[1])], [], 30_000);
      return [
        settled(ids[0], { change: { ...change('delete', recordId), replaced: true }, record: null }),
        settled(ids[1], { record: record(by) }),
      ];
    };
    await ledger.settle(await replacing(['i2', 'i3'], 'r1', 'r2'));
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ done: 0 });
    await replacing(['i4', 'i5'], 'r2', 'r3');
    const successor = await takeOver();
    const lost = (await factsOf(successor))?.intents.find(({ action }) => action === 'delete');
    if (lost === undefined) throw new Error('no intent');
    const { replaced } = lost;
    expect(replaced).toBe(true);
    const deleted = [{ intent: lost, zone: 'example.com', type: 'A', cause: CAUSE, replaced }];
    await successor.correct([{ ...NOTHING, forget: [{ zoneId: 'z', recordId: 'r2' }], deleted }]);
    expect(await successor.deletions(ZONE, 3_600_000)).toMatchObject({ done: 0, predecessors: 0, uncertain: [] });
  });

  test('a name that loses all its records at once counts once, and again when it does so again', async () => {
    const { ledger } = await make();
    const both = ['r1', 'r2'] as const;
    for (const round of [1, 2]) {
      await ledger.begin(
        both.flatMap((id) => [intent(`c${id}${round}`), intent(`d${id}${round}`, { action: 'delete', recordId: id })]),
        [],
        30_000,
      );
      await ledger.settle(both.map((id) => settled(`c${id}${round}`, { record: record(id) })));
      const gone = (id: string) => settled(`d${id}${round}`, { change: change('delete', id), record: null });
      await ledger.settle(both.map(gone));
      expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ done: round });
    }
  });

  test('a share is of names: those that hold records, however many, and those that lost theirs within the window', async () => {
    const { ledger } = await make();
    const hold = async (fqdn: string, id: string) => {
      await ledger.begin([intent(`c${id}`, { fqdn })], [], 30_000);
      await ledger.settle([settled(`c${id}`, { change: change('create', null, fqdn), record: record(id, fqdn) })]);
    };
    const lose = async (fqdn: string, id: string, over: Partial<SettledChange> = {}) => {
      await ledger.begin([intent(`d${id}`, { fqdn, action: 'delete', recordId: id })], [], 30_000);
      await ledger.settle([settled(`d${id}`, { change: change('delete', id, fqdn), record: null, ...over })]);
    };
    for (const id of ['r1', 'r2', 'r3']) await hold('pair.example.com', id);
    await hold('lost.example.com', 'r4');
    await hold('ordered.example.com', 'r5');
    await hold('back.example.com', 'r6');
    expect(await ledger.trackedIn(ZONE, 3_600_000)).toBe(4);
    await lose('lost.example.com', 'r4');
    await lose('ordered.example.com', 'r5', { cause: { trigger: 'delete', operationId: 'o1', actor: 'somebody' } });
    await lose('back.example.com', 'r6');
    await hold('back.example.com', 'r7');
    expect(await ledger.trackedIn(ZONE, 3_600_000)).toBe(3);
    expect(await ledger.trackedIn({ id: 'y', name: 'example.org' }, 3_600_000)).toBe(0);
  });

  test('does anybody want anything at all?', async () => {
    const { ledger } = await make();
    expect(await ledger.deletions(ZONE, 3_600_000)).toMatchObject({ anythingWanted: false });
  });

  test('a row is brought up to date by a look', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    const consumer = { kind: 'standalone_proxy', id: '7' };
    const refresh = [{ zoneId: 'z', record: { ...record('r1'), ttl: 300 }, consumer }];
    await ledger.correct([{ ...NOTHING, refresh }]);
    expect((await factsOf(ledger))?.tracked).toMatchObject([{ ttl: 300, consumer }]);
  });

  test('states are kept while a name is not in sync; an orphan begins to wait', async () => {
    const { ledger } = await make();
    await tracked(ledger);
    await ledger.setStates([state()]);
    expect((await factsOf(ledger))?.state).toEqual({ state: 'failed', code: 'cloudflare_validation', reason: 'why' });
    await ledger.setStates([state({ state: 'orphaned', code: 'delete_held' })]);
    const [row] = (await factsOf(ledger))?.tracked ?? [];
    expect(row?.unwantedForMs).toBeGreaterThanOrEqual(0);
    // An age, and no moment of anybody's clock; and the wait goes on from where it began.
    expect(row?.unwantedForMs).toBeLessThan(60_000);
    await ledger.setStates([state({ state: 'orphaned', code: 'delete_held', reason: 'still' })]);
    expect((await factsOf(ledger))?.tracked[0]?.unwantedForMs).toBeGreaterThan(row?.unwantedForMs ?? 0);
    await ledger.setStates([state({ state: 'in_sync' })]);
    expect((await factsOf(ledger))?.state).toBeNull();
  });

  test('a state that quotes what no database holds keeps no other from being stored', async () => {
    const { ledger } = await make();
    const actual = [{ type: 'TXT', content: 'half a pair: \ud83d, nothing: \0', ttl: 1, proxied: false }];
    await ledger.setStates([state({ fqdn: 'b.example.com', reason: 'because of \0', actual }), state()]);
    const facts = await ledger.facts([FQDN, 'b.example.com']);
    expect([...facts.values()].map((one) => one.state?.code)).toEqual(Array(2).fill('cloudflare_validation'));
  });

  test('a survey passes through all names in pages, each once; of a zone it sees what ends in it', async () => {
    const { ledger } = await make();
    const names = ['example.com', 'b.example.com', 'c.b.example.com', 'badexample.com', 'x.org'];
    await ledger.setStates(names.map((fqdn) => state({ fqdn })));
    await tracked(ledger);
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await ledger.survey({ zone: null, after, limit: 2 });
      seen.push(...page.names.map(({ fqdn }) => fqdn));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen.toSorted()).toEqual([...names, FQDN].toSorted());
    const page = await ledger.survey({ zone: 'example.com', after: null, limit: 100 });
    expect(page.names.map(({ fqdn }) => fqdn).toSorted()).toEqual([
      FQDN,
      'b.example.com',
      'c.b.example.com',
      'example.com',
    ]);
  });
});
