import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DesiredName, DesiredRow } from '../../../src/dns/desired.ts';
import { PatternList } from '../../../src/dns/pattern.ts';
import { type DesiredRules, outsideProblem, resolveAll, resolveDesired } from '../../../src/dns/resolve.ts';
import { TargetAllowList } from '../../../src/dns/target.ts';
import { FQDN, row, spec } from './builders.ts';

const RULES: DesiredRules = { names: null, ignore: new PatternList([]), targets: new TargetAllowList(null) };

function resolve(rows: readonly DesiredRow[], rules: Partial<DesiredRules> = {}): DesiredName {
  const desired = resolveDesired(FQDN, rows, { ...RULES, ...rules });
  if (desired === null) throw new Error('nothing is desired');
  return desired;
}

const records = (rows: readonly DesiredRow[], rules: Partial<DesiredRules> = {}) => {
  const desired = resolve(rows, rules);
  expect(desired.problem).toBeNull();
  return desired.records;
};

const problem = (rows: readonly DesiredRow[], rules: Partial<DesiredRules> = {}) => {
  const desired = resolve(rows, rules);
  expect(desired.records).toEqual([]);
  return `${desired.problem?.code}: ${desired.problem?.message}`;
};

describe('one row', () => {
  test('asks for the record that its content needs', () => {
    expect(records([row({ content: '192.0.2.1' })])).toEqual([spec('A', '192.0.2.1')]);
    expect(records([row({ content: '2001:DB8::1' })])).toEqual([spec('AAAA', '2001:db8::1')]);
    expect(records([row({ content: 'Origin.example.net.' })])).toEqual([spec('CNAME', 'origin.example.net')]);
  });

  test('may name the type, if it fits', () => {
    expect(records([row({ type: ' a ' })])).toEqual([spec('A', '192.0.2.1')]);
    expect(problem([row({ type: 'AAAA' })])).toBe(
      'type_invalid: instance 42: the type is AAAA, but 192.0.2.1 needs A.',
    );
    expect(problem([row({ type: 'TXT' })])).toBe(
      'type_invalid: instance 42: the type "TXT" is none of A, AAAA, CNAME.',
    );
  });

  test.each([
    [null, 1],
    ['', 1],
    ['1', 1],
    ['60', 60],
    ['86400', 86_400],
  ])('with TTL %j has %j', (ttl, seconds) => {
    expect(records([row({ ttl })])).toEqual([spec('A', '192.0.2.1', { ttl: seconds })]);
  });

  test.each(['0', '2', '30', '59', '86401', '300.5', '-1', '3e2', '0x12c', 'auto', '99999999999'])(
    'cannot have TTL %j',
    (ttl) => {
      expect(problem([row({ ttl })])).toBe(
        `ttl_invalid: instance 42: the TTL "${ttl}" is neither 1 (automatic) nor 60 to 86400 seconds.`,
      );
    },
  );

  test('can have a TTL of 30 seconds where the rules say so', () => {
    expect(records([row({ ttl: '30' })], { minTtl: 30 })).toEqual([spec('A', '192.0.2.1', { ttl: 30 })]);
    expect(problem([row({ ttl: '29' })], { minTtl: 30 })).toContain('30 to 86400');
  });

  test.each([
    ['true', true],
    ['t', true],
    ['TRUE', true],
    ['false', false],
    ['f', false],
    [null, false],
    [' ', false],
  ])('with proxied %j is proxied: %j', (proxied, through) => {
    expect(records([row({ proxied })])).toEqual([spec('A', '192.0.2.1', { proxied: through })]);
  });

  test('is refused when proxied is a guess: it could expose the origin', () => {
    expect(problem([row({ proxied: 'yes!' })])).toBe(
      'proxied_invalid: instance 42: proxied is "yes!", neither true nor false.',
    );
  });

  test('that is proxied has the automatic TTL, whatever it says', () => {
    expect(records([row({ proxied: 'true', ttl: '300' })])).toEqual([spec('A', '192.0.2.1', { proxied: true })]);
  });

  test('without target says where one is missing', () => {
    const sentence = 'target_invalid: instance 42: neither the row nor settings.target says a target.';
    expect(problem([row({ content: null })])).toBe(sentence);
    expect(problem([row({ content: ' ' })])).toBe(sentence);
  });

  test('cannot point at what is no target, at what the allow-list leaves out, nor at itself', () => {
    expect(problem([row({ content: '192.0.2' })])).toMatch(
      /^target_invalid: instance 42: "192.0.2" is no IPv4 address/,
    );
    expect(problem([row({ content: '198.51.100.1' })], { targets: new TargetAllowList(['192.0.2.0/24']) })).toBe(
      'target_refused: instance 42: it points at 198.51.100.1, which ZONEKEEPER_TARGETS does not allow.',
    );
    expect(problem([row({ content: 'APP.example.com' })])).toBe(`target_invalid: ${FQDN} cannot point at itself.`);
  });
});

describe('the name', () => {
  test('must be one that may be touched', () => {
    expect(problem([row()], { names: new PatternList(['*.example.net']) })).toContain(
      'matches no pattern of ZONEKEEPER_NAMES',
    );
    expect(problem([row()], { ignore: new PatternList([FQDN]) })).toContain('matches a pattern of ZONEKEEPER_IGNORE');
    expect(records([row()], { names: new PatternList(['*.example.com']) })).toHaveLength(1);
    expect(outsideProblem(FQDN, RULES)).toBeNull();
  });

  test('when invalid, is explained as it stands in the row, not as the key that stands in for it', () => {
    const fqdn = `${'a'.repeat(300)}.example.com`;
    const [[key, desired] = []] = resolveAll([row({ fqdn })], RULES);
    expect(key).toHaveLength(253);
    expect(desired?.problem?.message).toContain('has 300 characters, at most 63 are allowed');
  });

  test('when missing, names the consumer', () => {
    const desired = resolveAll([row({ fqdn: null })], RULES).get('instance/42');
    expect(desired?.problem).toEqual({
      code: 'name_invalid',
      message: 'instance 42 has no name: its own column or settings.domain is empty.',
    });
  });
});

describe('the rows of one consumer', () => {
  test('are a record set', () => {
    const rows = [row({ content: '192.0.2.2' }), row({ content: '2001:db8::1' }), row({ content: '192.0.2.1' })];
    expect(records(rows)).toEqual([spec('A', '192.0.2.1'), spec('A', '192.0.2.2'), spec('AAAA', '2001:db8::1')]);
  });

  test('collapse where they ask for the same record', () => {
    expect(records([row(), row({ content: ' 192.0.2.1 ', type: 'A', proxied: 'f' })])).toEqual([
      spec('A', '192.0.2.1'),
    ]);
  });

  test('that differ in the rest of one record are settled: proxied, then the shorter TTL', () => {
    expect(records([row({ ttl: '300' }), row({ ttl: '60' })])).toEqual([spec('A', '192.0.2.1', { ttl: 60 })]);
    expect(records([row({ ttl: '60' }), row({ proxied: 't' })])).toEqual([spec('A', '192.0.2.1', { proxied: true })]);
  });

  test('cannot put anything beside a CNAME', () => {
    const sentence =
      'type_invalid: instance 42 wants A 192.0.2.1 and CNAME a.example.net for one name, but a CNAME stands alone.';
    expect(problem([row(), row({ content: 'a.example.net' })])).toBe(sentence);
    expect(problem([row({ content: 'a.example.net' }), row({ content: 'b.example.net' })])).toContain(
      'a CNAME stands alone',
    );
  });

  test('are at most as many as fit in one call', () => {
    const rows = Array.from({ length: 101 }, (_, i) => row({ content: `192.0.2.${i}` }));
    expect(records(rows.slice(1))).toHaveLength(100);
    expect(problem(rows)).toContain('wants 101 records for one name, at most 100 are possible');
  });

  test('are not served in part when one of them is not usable', () => {
    expect(problem([row(), row({ content: 'nonsense' })])).toContain('target_invalid');
  });
});

describe('of several consumers', () => {
  const served = (rows: readonly DesiredRow[]) => resolve(rows).consumer.id;
  const other = '192.0.2.2';

  test('the oldest is served, and the others are its rivals', () => {
    const desired = resolve([row({ id: '1', since: 200, content: other }), row({ id: '2', since: 100 })]);
    expect(desired).toMatchObject({
      consumer: { id: '2' },
      rivals: [{ id: '1' }],
      records: [{ content: '192.0.2.1' }],
    });
  });

  test('those of unknown age come last', () => {
    expect(served([row({ id: '1' }), row({ id: '2', since: 100, content: other })])).toBe('2');
  });

  test('kind, then id decide among equals: numbers as numbers, whatever their length', () => {
    expect(served([row({ id: '10' }), row({ id: '9', content: other })])).toBe('9');
    expect(served([row({ id: '123456789012345678901' }), row({ id: '99999999999999999999', content: other })])).toBe(
      '99999999999999999999',
    );
    const proxy = row({ consumer: { kind: 'standalone_proxy', id: '1' } });
    expect(resolve([proxy, row({ id: '7', content: other })]).consumer.kind).toBe('instance');
  });

  test('those that want the same are no rivals', () => {
    expect(resolve([row({ id: '1' }), row({ id: '2' })]).rivals).toEqual([]);
  });

  test('one whose rows are not usable is a rival, even if the rest of them is the same', () => {
    const desired = resolve([row({ id: '1' }), row({ id: '2' }), row({ id: '2', content: 'nonsense' })]);
    expect(desired).toMatchObject({ problem: null, rivals: [{ id: '2' }] });
  });

  test('the oldest is not replaced by another because its own rows are not usable', () => {
    const desired = resolve([row({ id: '1', content: 'nonsense' }), row({ id: '2' })]);
    expect(desired).toMatchObject({ consumer: { id: '1' }, problem: { code: 'target_invalid' } });
  });
});

test('without rows nothing is desired', () => {
  expect(resolveDesired(FQDN, [], RULES)).toBeNull();
});

test('rows are filed by their names in normal form', () => {
  const names = resolveAll(
    [row({ fqdn: 'B.example.com' }), row({ fqdn: 'a.example.com' }), row({ fqdn: 'b.example.com.' })],
    RULES,
  );
  expect([...names.keys()].sort()).toEqual(['a.example.com', 'b.example.com']);
});

const maybe = <T>(...values: T[]) => fc.constantFrom<T | null>(null, ...values);
const anyRow: fc.Arbitrary<DesiredRow> = fc.record({
  fqdn: maybe('app.example.com', 'APP.example.com', 'my app', '', 'app.example.com/x'),
  type: maybe('A', 'cname', 'TXT'),
  content: fc.oneof(maybe('192.0.2.1', '192.0.2.2', '2001:db8::1', 'a.example.net', FQDN), fc.string()),
  ttl: maybe('1', '60', '300', 'x'),
  proxied: maybe('true', 'false', 'x'),
  consumer: fc.record({ kind: fc.constantFrom('instance', 'proxy'), id: fc.constantFrom('1', '2', '10', '007', 'a') }),
  since: maybe(1, 2),
});

test('the outcome does not depend on the order of the rows, and no row whatsoever makes it throw', () => {
  const shuffled = fc
    .array(anyRow, { maxLength: 8 })
    .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })));
  fc.assert(
    fc.property(shuffled, ([rows, others]) => {
      const names = resolveAll(rows, RULES);
      expect(new Map([...resolveAll(others, RULES)].sort())).toEqual(new Map([...names].sort()));
      for (const { records: set, problem: fault } of names.values()) expect(set.length > 0).toBe(fault === null);
    }),
    { numRuns: 1_000 },
  );
});
