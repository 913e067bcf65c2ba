import { describe, expect, test } from 'vitest';
import type { TrackedRecord } from '../../../src/dns/record.ts';
import type { Verdict } from '../../../src/dns/verdict.ts';
import { because } from '../../../src/reconcile/context.ts';
import { FlapDetector } from '../../../src/reconcile/flap.ts';
import type { Rules } from '../../../src/reconcile/rules.ts';
import { waiting } from '../../../src/reconcile/waiting.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const GRACE_MS = 60_000;
const RULES = { dryRun: false, deleteGraceMs: GRACE_MS } as Rules;
const ORPHANED = { state: 'orphaned', drift: 'orphaned' } as Verdict;

interface Given {
  readonly deletes?: boolean;
  readonly ordered?: 'delete' | 'adopt' | null;
  readonly wall?: number;
}

function held(unwantedForMs: readonly (number | null)[], { deletes = true, ordered = null, wall = 0 }: Given = {}) {
  const tracked = unwantedForMs.map((ms) => ({ unwantedForMs: ms }) as TrackedRecord);
  const order = ordered === null ? null : { kind: ordered, force: true };
  const flaps = new FlapDetector(new VirtualClock({ wall }));
  const about = { fqdn: 'a.example.com', verdict: ORPHANED, deletes };
  return waiting({ rules: RULES, flaps }, about, tracked, { ...because('change', wall), order });
}

describe('the grace of a deletion', () => {
  test("is what is left of it by the database's clock", () => {
    expect(held([20_000])).toMatchObject({ problem: { code: 'delete_held' }, nextTryMs: 40_000 });
    expect(held([GRACE_MS])).toBeNull();
  });

  test('does not depend on the wall clock of this process', () => {
    for (const wall of [0, Date.UTC(2026, 0, 1), Date.UTC(2099, 0, 1)]) {
      expect(held([20_000], { wall })).toMatchObject({ nextTryMs: 40_000 });
      expect(held([GRACE_MS], { wall })).toBeNull();
    }
  });

  test('begins now where nobody has noted that the name is wanted no more', () => {
    expect(held([null])).toMatchObject({ nextTryMs: GRACE_MS });
  });

  test('is counted from the first of several records', () => {
    expect(held([null, 50_000, 10_000])).toMatchObject({ nextTryMs: 10_000 });
  });

  test('is not cut short by an adoption that somebody ordered', () => {
    expect(held([20_000], { ordered: 'adopt' })).toMatchObject({ nextTryMs: 40_000 });
  });

  test('holds up neither a change that empties no name nor a deletion that a person ordered', () => {
    expect(held([0], { deletes: false })).toBeNull();
    expect(held([0], { ordered: 'delete' })).toBeNull();
  });
});
