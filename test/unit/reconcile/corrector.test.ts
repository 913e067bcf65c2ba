import { expect, test } from 'vitest';
import { databaseError } from '../../../src/database/error.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import type { Correction } from '../../../src/ledger/port.ts';
import { Corrector } from '../../../src/reconcile/corrector.ts';
import { settled } from '../../support/virtual-clock.ts';

const drop = (id: string): Correction => ({ forget: [], refresh: [], track: [], deleted: [], drop: [id], end: [] });
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const failed = (sqlstate?: string) =>
  databaseError(Object.assign(new Error('no'), sqlstate !== undefined && { code: sqlstate }));

/** Makes these corrections at once, with a ledger that refuses some lists of ids. Returns the errors, and the lists in order. */
async function make(refuse: (ids: readonly string[]) => Error | null, ids = NAMES) {
  const transactions: string[][] = [];
  const corrector = new Corrector({
    ledger: {
      correct: async (corrections) => {
        const all = corrections.flatMap((one) => one.drop);
        transactions.push(all);
        const error = refuse(all);
        if (error !== null) throw error;
      },
    },
    defer: queueMicrotask,
  });
  const answers = await Promise.allSettled(ids.map((id) => corrector.correct(drop(id))));
  const errors = answers.map((answer) => (answer.status === 'fulfilled' ? null : answer.reason));
  return { errors, transactions };
}

test('what comes at once is made in transactions of a thousand, in order', async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => `i${index}`);
  const { errors, transactions } = await make(() => null, ids);
  expect(transactions.map((one) => one.length)).toEqual([1_000, 1_000, 500]);
  expect(transactions.flat()).toEqual(ids);
  expect(errors).toEqual(ids.map(() => null));
});

test('what comes while two transactions are under way waits for one of them, and is made together', async () => {
  const transactions: { readonly ids: string[]; readonly end: () => void }[] = [];
  const corrector = new Corrector({
    ledger: {
      correct: (corrections) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        transactions.push({ ids: corrections.flatMap((one) => one.drop), end: resolve });
        return promise;
      },
    },
    defer: queueMicrotask,
  });
  const answered: string[] = [];
  for (const id of NAMES) {
    void corrector.correct(drop(id)).then(() => answered.push(id));
    await settled();
  }
  expect(transactions.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
  transactions[1]?.end();
  await settled();
  expect(answered).toEqual(['b']);
  expect(transactions.map(({ ids }) => ids)).toEqual([['a'], ['b'], ['c', 'd', 'e', 'f', 'g', 'h']]);
});

test.each([failed('22003'), failed('23514'), failed('21000'), failed()])(
  'what lies in one correction fails that one alone ($facts.sqlstate)',
  async (error) => {
    const { errors, transactions } = await make((ids) => (ids.includes('d') ? error : null));
    expect(errors).toEqual(NAMES.map((id) => (id === 'd' ? error : null)));
    expect(transactions.map((ids) => ids.join(''))).toEqual(['abcdefgh', 'abcd', 'ab', 'cd', 'c', 'd', 'efgh']);
  },
);

test('where every correction is refused, there are fewer than two transactions for each', async () => {
  const { errors, transactions } = await make(() => failed('23514'));
  expect(errors.map((error) => error.code)).toEqual(NAMES.map(() => 'database_failed'));
  expect(transactions).toHaveLength(2 * NAMES.length - 1);
});

test.each([
  new ZonekeeperError('database_unreachable', 'away'),
  new ZonekeeperError('not_leader', 'over'),
  failed('57014'),
  failed('40P01'),
  failed('53100'),
])('what lies in none of them fails all, without another try ($code, $facts.sqlstate)', async (error) => {
  const { errors, transactions } = await make(() => error);
  expect(errors).toEqual(NAMES.map(() => error));
  expect(transactions).toHaveLength(1);
});

test('when the connection is lost while the one is looked for, those that were made are told so, and the rest fails', async () => {
  const [refused, lost] = [failed('22003'), new ZonekeeperError('database_unreachable', 'away')];
  const { errors, transactions } = await make((ids) => (ids.includes('c') ? refused : ids.includes('d') ? lost : null));
  expect(transactions.map((ids) => ids.join(''))).toEqual(['abcdefgh', 'abcd', 'ab', 'cd', 'c', 'd']);
  expect(errors).toEqual([null, null, refused, lost, lost, lost, lost, lost]);
});
