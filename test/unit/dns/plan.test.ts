import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planHash } from '../../../src/dns/plan.ts';
import type { Change } from '../../../src/dns/record.ts';

const change: fc.Arbitrary<Change> = fc
  .record({
    fqdn: fc.domain(),
    action: fc.constantFrom('create', 'update', 'delete'),
    id: fc.uuid(),
    content: fc.ipV4(),
    replaced: fc.boolean(),
  })
  .map(({ fqdn, action, id, content, replaced }) => {
    const record = { type: 'A', content, ttl: 1, proxied: false } as const;
    return {
      fqdn,
      action,
      type: 'A',
      recordId: action === 'create' ? null : id,
      before: action === 'create' ? null : record,
      after: action === 'delete' ? null : record,
      reason: 'because',
      replaced: action === 'delete' && replaced,
    };
  });
const changes = fc.array(change, { maxLength: 20 });
const emptying = ({ action, replaced }: Change) => action === 'delete' && !replaced;

test('the hash does not depend on the order of the changes', () => {
  const shuffled = changes.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  fc.assert(
    fc.property(shuffled, ([a, b]) => {
      expect(planHash(a)).toBe(planHash(b));
    }),
  );
});

test('creates, updates and replacing deletes do not change it, so that a busy platform cannot outrun a confirmation', () => {
  fc.assert(
    fc.property(changes, (list) => {
      expect(planHash(list)).toBe(planHash(list.filter(emptying)));
    }),
  );
});

test('one deletion more, less or other changes it', () => {
  fc.assert(
    fc.property(changes, change, (list, other) => {
      fc.pre(emptying(other));
      const hash = planHash([...list, other]);
      expect(hash).not.toBe(planHash(list));
      expect(hash).not.toBe(planHash([...list, { ...other, recordId: `${other.recordId}0` }]));
      expect(hash).not.toBe(planHash([...list, { ...other, fqdn: `x.${other.fqdn}` }]));
    }),
  );
});

test('it is short enough to type, and constant for a plan without deletions', () => {
  expect(planHash([])).toMatch(/^[0-9a-f]{16}$/);
  expect(planHash([])).toBe('e3b0c44298fc1c14');
});
