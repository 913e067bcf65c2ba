import { expect, test } from 'vitest';
import { type Attempts, parentOf, withOneMore } from '../../../src/reconcile/attempts.ts';

/** So many attempts of one change: what each is below, each being called by its number. */
function parents(asked: string | null, attempts: number): (string | null)[] {
  let before: Attempts | null = null;
  return Array.from({ length: attempts }, (_, index) => {
    const parent = parentOf(before, asked);
    before = withOneMore(before, `attempt ${index + 1}`, index);
    return parent;
  });
}

test('attempts are below the first, and that is below what asked for the change', () => {
  expect(parents(null, 3)).toEqual([null, 'attempt 1', 'attempt 1']);
  expect(parents('request', 3)).toEqual(['request', 'attempt 1', 'attempt 1']);
});

test('attempts without end are traces that have one', () => {
  const all = parents('request', 60);
  expect(all.map((parent, index) => (parent === null ? index + 1 : 0)).filter((number) => number > 0)).toEqual([
    21, 41,
  ]);
  expect(all.at(-1)).toBe('attempt 41');
  for (const first of ['attempt 1', 'attempt 21', 'attempt 41'])
    expect(all.filter((parent) => parent === first)).toHaveLength(19);
});

test('an attempt begins where the one before has ended', () => {
  expect(withOneMore(withOneMore(null, 'a', 5), 'b', 9)).toEqual({ first: 'a', count: 2, endedAt: 9 });
});
