import { expect, test } from 'vitest';
import type { Work, WorkOutcome } from '../../../src/cloudflare/writer.ts';
import { Gather } from '../../../src/controller/gather.ts';
import type { ActualRecord } from '../../../src/dns/record.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import type { Correction, Intent, Ledger, NameFacts } from '../../../src/ledger/port.ts';
import { because, type Context } from '../../../src/reconcile/context.ts';
import type { Core } from '../../../src/reconcile/core.ts';
import type { Deletion } from '../../../src/reconcile/guard.ts';
import type { ChangeOutcome } from '../../../src/reconcile/outcome.ts';
import { Reconciler } from '../../../src/reconcile/reconciler.ts';
import type { Rules } from '../../../src/reconcile/rules.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { actual, desired, FQDN, row, spec, tracked } from '../dns/builders.ts';

const SPEC = spec('A', '192.0.2.1');
const RULES = {
  resolve: (_, rows) => (rows.length === 0 ? null : desired(SPEC)),
  outside: () => null,
  allowApex: false,
  allowWildcard: false,
  policy: 'sync',
  dryRun: false,
  deleteGraceMs: 0,
  ownerId: 'test',
} satisfies Rules;

/** A zone whose writer does what it is told, at once. `look`: what the next look at the name shows instead. */
function zoneOf(name: string, records: readonly ActualRecord[], look: readonly ActualRecord[] | null = null) {
  let held = records;
  let shown = look;
  return {
    name,
    zone: { id: name, name },
    mirror: { ready: true, pages: 1, of: () => held, isDoubtful: () => shown !== null },
    lookAt: async () => {
      held = shown ?? held;
      shown = null;
    },
    writer: {
      submit: async ({ changes }: Work): Promise<WorkOutcome> => {
        const made = changes.map(({ action }) =>
          action === 'delete' ? null : actual(`new in ${name}`, 'A', '192.0.2.1'),
        );
        held = made.filter((record) => record !== null);
        return { kind: 'applied', records: made };
      },
    },
  };
}

/** Runs the name once, as an operation would; `facts` are read one after the other. Returns what the operation is told. */
async function told(
  zones: readonly ReturnType<typeof zoneOf>[],
  facts: NameFacts[],
  setStates: Ledger['setStates'] = async () => undefined,
): Promise<{ outcome: ChangeOutcome | undefined; thrown: unknown }> {
  const ledger = {
    facts: async () => new Map([[FQDN, facts.shift() as NameFacts]]),
    correct: async () => undefined,
    setStates,
  };
  const guard = {
    isReleased: () => false,
    isReleasedRecord: () => false,
    settled: () => undefined,
    ended: () => undefined,
    deleted: () => undefined,
    admit: async (_: unknown, deletions: readonly Deletion[]) => deletions.map(() => ({ kind: 'allowed' })),
  };
  const observer = {
    driftDetected: () => undefined,
    changed: () => undefined,
    converged: () => undefined,
    late: () => undefined,
    stateChanged: () => undefined,
  };
  const core = {
    ...{ ledger, guard, observer, rules: RULES, epoch: 1, gather: new Gather(), clock: new VirtualClock() },
    zones: { known: true, of: () => zones[0], byId: (id: string) => zones.find(({ name }) => name === id) },
    defer: (run: () => void) => queueMicrotask(run),
    nextBackoffMs: () => 1_000,
  } as unknown as Core;
  let outcome: ChangeOutcome | undefined;
  const context: Context = {
    ...because('sync', 0),
    watchers: [
      {
        settled: (_, what) => {
          outcome = what;
        },
      },
    ],
  };
  const thrown = await new Reconciler(core).process(FQDN, context).then(
    () => null,
    (error: unknown) => error,
  );
  return { outcome, thrown };
}

const factsOf = (...rows: NameFacts['tracked']): NameFacts => ({
  ...{ fqdn: FQDN, rows: [row()], tracked: rows, intents: [], state: null },
});
const made = (outcome: ChangeOutcome | undefined) =>
  outcome?.changes.map(({ change, result }) => [change.action, result]);

test('whoever asked is told of a change that was made, also where the state could not be stored after it', async () => {
  const lost = new ZonekeeperError('database_unreachable', 'gone');
  // It was in conflict before, so that there is something to store.
  const facts = { ...factsOf(), state: { state: 'conflict', code: null, reason: null } } as const;
  const { outcome, thrown } = await told([zoneOf('home', [])], [facts], () => Promise.reject(lost));
  expect(thrown).toMatchObject({ code: 'database_unreachable' });
  expect(outcome).toMatchObject({ state: 'failed', problem: { code: 'database_unreachable' } });
  expect(made(outcome)).toEqual([['create', 'done']]);
});

test('what one zone has made is told, too, when all begins anew because of what a look at another has shown', async () => {
  const mine = { ...tracked('old', SPEC), zoneId: 'above' };
  const home = zoneOf('home', []);
  const above = zoneOf('above', [], [actual('old', 'A', '192.0.2.1')]);
  const now = { ...tracked('new in home', SPEC), zoneId: 'home' };
  const { outcome, thrown } = await told([home, above], [factsOf(mine), factsOf(mine, now)]);
  expect(thrown).toBeNull();
  expect(made(outcome)).toEqual([
    ['create', 'done'],
    ['delete', 'done'],
  ]);
});

test('a thousand names whose outcome is open are settled in the ledger by one transaction', async () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `n${index}.example.com`);
  const open = new Map(names.map((fqdn) => [fqdn, { id: `of ${fqdn}`, zoneId: 'home', action: 'create' } as Intent]));
  const transactions: (readonly Correction[])[] = [];
  const ledger: Partial<Ledger> = {
    facts: async (fqdns) =>
      new Map(
        fqdns.map((fqdn) => {
          const intent = open.get(fqdn);
          const intents: Intent[] =
            intent === undefined ? [] : [{ ...intent, fqdn, epoch: 1, state: 'open' } as Intent];
          return [fqdn, { ...factsOf(), fqdn, rows: [], intents }];
        }),
      ),
    correct: async (corrections) => {
      transactions.push(corrections);
      for (const id of corrections.flatMap((one) => one.drop)) open.delete(id.replace('of ', ''));
    },
    setStates: async () => undefined,
  };
  const home = { ...zoneOf('home', []), lookAt: async () => undefined };
  const core = {
    ...{ ledger, guard: { ended: () => undefined }, observer: { stateChanged: () => undefined } },
    ...{ rules: { ...RULES, resolve: () => null }, epoch: 1, gather: new Gather(), clock: new VirtualClock() },
    zones: { known: true, of: () => undefined, byId: () => home },
    defer: setImmediate,
  } as unknown as Core;
  const reconciler = new Reconciler(core);
  await Promise.all(names.map((fqdn) => reconciler.process(fqdn, because('start', 0))));
  expect(transactions.map((one) => one.length)).toEqual([1_000]);
  expect(open.size).toBe(0);
});
