import { expect, test } from 'vitest';
import type { Verdict } from '../../../src/dns/verdict.ts';
import { type Assessment, isSettled } from '../../../src/reconcile/assess.ts';
import type { ManagedZone } from '../../../src/reconcile/zone.ts';

const FQDN = 'a.example.com';
const SPEC = { type: 'A', content: '192.0.2.1', ttl: 1, proxied: false } as const;
const NOTHING = { drift: null, changes: [], held: [], forget: [], absent: [], foreign: [] };

/** A name with a record that is proxied or not, whose row and stored state say this. */
function name(state: 'in_sync' | 'conflict' | 'failed', proxied: boolean): Assessment {
  const [code, reason] = state === 'in_sync' ? [null, null] : (['name_contested', 'why'] as const);
  const row = { ...SPEC, fqdn: FQDN, recordId: 'r1', zoneId: 'z', consumer: null, unwantedForMs: null };
  const zone = { mirror: { of: () => [{ ...SPEC, proxied, id: 'r1', fqdn: FQDN, comment: null }] } };
  const stored = state === 'in_sync' ? null : { state, code, reason };
  return {
    facts: { fqdn: FQDN, rows: [], tracked: [row], intents: [], state: stored as Assessment['facts']['state'] },
    desired: null,
    parts: [
      { zone: zone as unknown as ManagedZone, verdict: { ...NOTHING, state, code, reason } as unknown as Verdict },
    ],
    complete: true,
  };
}

test.each(['in_sync', 'conflict'] as const)(
  'a name that is %s needs a look while its row says something else',
  (state) => {
    expect(isSettled(name(state, false))).toBe(true);
    expect(isSettled(name(state, true))).toBe(false);
  },
);

test('a name that nobody can say anything of keeps what its row says', () => {
  expect(isSettled(name('failed', true))).toBe(true);
});
