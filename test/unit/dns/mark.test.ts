import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMark, ownerIdProblem, parseMark } from '../../../src/dns/mark.ts';

const owner = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,39}$/);
const intent = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);

describe('the owner mark', () => {
  test('reads as it is written, and fits into the comment of a Free zone', () => {
    expect(formatMark('default', 'k3v9x')).toBe('zonekeeper/default/k3v9x');
    fc.assert(
      fc.property(owner, intent, (ownerId, intentId) => {
        const comment = formatMark(ownerId, intentId);
        expect(parseMark(comment)).toEqual({ ownerId, intentId });
        expect(comment.length).toBeLessThanOrEqual(100);
        expect(comment).not.toMatch(/[\r\n]/);
      }),
    );
  });

  test('is still read when people write behind it', () => {
    fc.assert(
      fc.property(
        owner,
        intent,
        fc.constantFrom(' ', ';', '. ', ' / '),
        fc.string(),
        (ownerId, intentId, gap, text) => {
          expect(parseMark(`${formatMark(ownerId, intentId)}${gap}${text}`)).toEqual({ ownerId, intentId });
        },
      ),
    );
  });

  test.each([
    null,
    '',
    'made by hand',
    'zonekeeper',
    'zonekeeper/default',
    'zonekeeper/default/',
    'zonekeeper//k3v9x',
    'zonekeeper/Default/k3v9x',
    `zonekeeper/default/${'x'.repeat(41)}`,
    'see zonekeeper/default/k3v9x',
    'Zonekeeper/default/k3v9x',
  ])('%j carries none', (comment) => {
    expect(parseMark(comment)).toBeNull();
  });

  test.each([
    ['default', ''],
    ['default', 'a b'],
    ['default', 'a/b'],
    ['no owner', 'k3v9x'],
    ['a/b', 'k3v9x'],
    ['default', 'x'.repeat(41)],
  ])('is not made of the ids %j and %j, which could not be read back', (ownerId, intentId) => {
    expect(() => formatMark(ownerId, intentId)).toThrow('is no owner mark');
  });
});

test.each(['default', 'a', '0', 'eu-west.prod_2', 'a'.repeat(40)])('%j can name an installation', (id) => {
  expect(ownerIdProblem(id)).toBeNull();
});

test.each(['', 'Default', '-a', '.a', 'a/b', 'a b', 'ü', 'a\n', 'a'.repeat(41)])(
  '%j cannot, and a clause says why',
  (id) => {
    expect(ownerIdProblem(id)).toContain('must be 1 to 40 lower-case letters');
  },
);
