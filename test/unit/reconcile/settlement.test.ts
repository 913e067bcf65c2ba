import { expect, test } from 'vitest';
import type { Intent } from '../../../src/ledger/port.ts';
import { settlementOf } from '../../../src/reconcile/settlement.ts';

const intent = (over: Partial<Intent>): Intent => ({
  ...{ id: 'i1', epoch: 1, zoneId: 'z', fqdn: 'a.example.com', action: 'delete', recordId: 'r1', consumer: null },
  ...{ replaced: false, state: 'dropped', remainingMs: -61_000 },
  ...over,
});
const looks = (one: Intent) =>
  settlementOf({ fqdn: one.fqdn, rows: [], tracked: [], intents: [one], state: null }, 1).look;

test('before a deletion is said to take no effect any more, its zone is looked at: it may have done so since the last time', () => {
  expect(looks(intent({}))).toEqual(['z']);
});

test('a deletion that may still take effect, and a create that was given up, need no look', () => {
  expect(looks(intent({ remainingMs: -59_000 }))).toEqual([]);
  expect(looks(intent({ action: 'create', recordId: null }))).toEqual([]);
});

test('whatever is open needs one', () => {
  expect(looks(intent({ state: 'open', remainingMs: 1_000 }))).toEqual(['z']);
});
