import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PatternList, parsePattern } from '../../../src/dns/pattern.ts';
import { isError } from '../../../src/errors.ts';

describe('a list of patterns', () => {
  test.each([
    ['a name', ['www.example.com'], ['www.example.com'], ['a.www.example.com', 'example.com']],
    [
      'everything below a name',
      ['*.example.com'],
      ['a.example.com', 'a.b.example.com', '*.example.com'],
      ['example.com', 'badexample.com'],
    ],
    ['everything below a top-level domain', ['*.com'], ['example.com', 'a.example.com'], ['example.net', 'com']],
    ['everything', ['*'], ['example.com', '*.example.com'], []],
    ['nothing', [], [], ['example.com']],
    [
      'several',
      ['a.example.com', '*.example.net'],
      ['a.example.com', 'x.example.net'],
      ['b.example.com', 'example.net'],
    ],
    ['names in any form', [' *.BÜCHER.example. '], ['a.xn--bcher-kva.example'], ['xn--bcher-kva.example']],
    ['international top-level domains', ['*.рф'], ['a.xn--p1ai'], ['a.example']],
  ])('holds %s', (_, patterns, inside, outside) => {
    const list = new PatternList(patterns);
    expect(inside.filter((name) => !list.matches(name))).toEqual([]);
    expect(outside.filter((name) => list.matches(name))).toEqual([]);
  });

  test('says the same as comparing with each pattern', () => {
    const name = fc.array(fc.constantFrom('a', 'b'), { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
    const pattern = fc.tuple(fc.boolean(), name).map(([below, text]) => (below ? `*.${text}` : text));
    fc.assert(
      fc.property(fc.array(pattern), name, (patterns, fqdn) => {
        const expected = patterns.some((text) =>
          text.startsWith('*.') ? fqdn.endsWith(text.slice(1)) : fqdn === text,
        );
        expect(new PatternList(patterns).matches(fqdn)).toBe(expected);
      }),
    );
  });
});

test.each([
  '',
  'com',
  '**',
  '**.example.com',
  'a.*.example.com',
  '*.*.example.com',
  'app*.example.com',
  '*.',
  '/x/',
  '192.0.2.1',
])('%j is no pattern, and a sentence says so', (text) => {
  try {
    parsePattern(text);
    expect.unreachable();
  } catch (error) {
    expect(isError(error, 'config_invalid')).toBe(true);
    expect(String(error)).toContain('is no pattern: write a name (www.example.com)');
  }
});
