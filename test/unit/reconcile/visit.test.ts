import { expect, test } from 'vitest';
import type { DesiredName } from '../../../src/dns/desired.ts';
import type { ActualRecord } from '../../../src/dns/record.ts';
import type { Intent, NameFacts } from '../../../src/ledger/port.ts';
import type { Context } from '../../../src/reconcile/context.ts';
import type { Stay } from '../../../src/reconcile/stay.ts';
import { Visit, type VisitOptions } from '../../../src/reconcile/visit.ts';

const FQDN = 'a.example.com';
const SPEC = { type: 'A', content: '192.0.2.2', ttl: 1, proxied: false } as const;
const DROPPED: Intent = {
  ...{ id: 'i1', zoneId: 'z', fqdn: FQDN, action: 'create', recordId: null, consumer: null, replaced: false },
  ...{ epoch: 1, state: 'dropped', remainingMs: -60_000 },
};
const LATE: ActualRecord = { ...SPEC, id: 'r1', fqdn: FQDN, content: '192.0.2.1', comment: 'zonekeeper/owner/i1' };

/** Visits a wanted name of which a list of so many pages shows nothing, and a look the record of an earlier create. */
async function visit(pages: number, intents: readonly Intent[]) {
  const looks: string[] = [];
  let records: readonly ActualRecord[] = [];
  const zone = {
    zone: { id: 'z', name: 'example.com' },
    name: 'example.com',
    mirror: { ready: true, pages, of: () => records, isDoubtful: () => false },
    lookAt: async (fqdn: string) => {
      looks.push(fqdn);
      records = [LATE];
    },
  };
  const desired: DesiredName = {
    ...{ fqdn: FQDN, records: [SPEC], consumer: { kind: 'instance', id: '1' }, rivals: [], problem: null },
  };
  const options = {
    zones: { known: true, of: () => zone, byId: () => zone },
    // Nothing is changed: what comes before that is what is looked at here.
    rules: { resolve: () => desired, outside: () => null, policy: 'sync', dryRun: true, allowApex: false },
    lastRound: false,
  };
  const facts: NameFacts = { fqdn: FQDN, rows: [], tracked: [], intents, state: null };
  const stay = { outside: (run: () => Promise<unknown>) => run() };
  const context = { order: null } as unknown as Context;
  const one = new Visit(options as unknown as VisitOptions, facts, context, stay as unknown as Stay);
  const result = await one.run().catch((error: Error) => error);
  return { looks, again: result === 'look again' };
}

test('an earlier create that a list of several pages does not show is looked for before there is another', async () => {
  expect(await visit(2, [DROPPED])).toEqual({ looks: [FQDN], again: true });
});

test('nothing is looked for where a list cannot miss a record, or nothing was created before', async () => {
  expect(await visit(1, [DROPPED])).toMatchObject({ looks: [], again: false });
  expect(await visit(2, [])).toMatchObject({ looks: [], again: false });
  expect(await visit(2, [{ ...DROPPED, zoneId: 'other' }])).toMatchObject({ looks: [], again: false });
});
