import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTarget, TargetAllowList } from '../../../src/dns/target.ts';
import { isError } from '../../../src/errors.ts';

function read(raw: string): string {
  const result = parseTarget(raw);
  return result.ok ? `${result.target.type} ${result.target.content}` : `refused: ${result.problem.message}`;
}

describe('a target', () => {
  test.each([
    ['192.0.2.1', 'A 192.0.2.1'],
    [' 192.0.2.1\n', 'A 192.0.2.1'],
    ['0.0.0.0', 'A 0.0.0.0'],
    ['2001:DB8:0:0:0:0:0:1', 'AAAA 2001:db8::1'],
    ['2001:db8::0001', 'AAAA 2001:db8::1'],
    ['1:0:1:1:1:1:1:1', 'AAAA 1:0:1:1:1:1:1:1'],
    ['1::2:3:4:5:6:7', 'AAAA 1:0:2:3:4:5:6:7'],
    ['0:0:1:0:0:1:1:1', 'AAAA ::1:0:0:1:1:1'],
    ['::', 'AAAA ::'],
    ['64:ff9b::192.0.2.1', 'AAAA 64:ff9b::c000:201'],
    ['::192.0.2.1', 'AAAA ::c000:201'],
    ['Origin.Example.NET.', 'CNAME origin.example.net'],
    ['bücher.example', 'CNAME xn--bcher-kva.example'],
    ['_service.example.net', 'CNAME _service.example.net'],
  ])('%j is %s', (raw, target) => {
    expect(read(raw)).toBe(target);
  });

  test.each([
    ['192.0.2', 'four numbers from 0 to 255'],
    ['192.0.2.01', 'without leading zeros'],
    ['192.0.2.256', 'four numbers from 0 to 255'],
    ['3221225985', 'four numbers from 0 to 255'],
    ['0xc0.0.2.0x1', 'its last label is a number'],
    ['::ffff:192.0.2.1', 'as the IPv4 address that it maps'],
    ['::FFFF:c000:201', 'as the IPv4 address that it maps'],
    ['0:0:0:0:0:ffff:c000:201', 'as the IPv4 address that it maps'],
    ['64:ff9b::192.0.2.010', 'not a valid IPv6 address'],
    ['fe80::1%eth0', 'zone id'],
    ['1::2::3', 'not a valid IPv6 address'],
    ['192.0.2.1:80', 'without a port'],
    ['origin.example.net:443', 'without a port'],
    ['[2001:db8::1]', 'without a port'],
    ['https://origin.example.net', 'it is a URL'],
    ['localhost', 'it has no dot'],
    ['*.example.net', 'nothing can point at a wildcard'],
    ['my origin.example.net', 'contains white space'],
    ['', 'it is empty'],
  ])('%j is none: %s', (raw, why) => {
    const result = parseTarget(raw);
    expect(result).toMatchObject({ ok: false, problem: { code: 'target_invalid' } });
    expect(read(raw)).toContain(why);
  });

  test('of an IPv6 address is written as URLs write it, by the same rules (RFC 5952)', () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((value) => value.toString(16)).join(':');
        const canonical = new URL(`http://[${full}]`).hostname.slice(1, -1);
        fc.pre(!canonical.startsWith('::ffff:'));
        expect(read(full)).toBe(`AAAA ${canonical}`);
        expect(read(canonical)).toBe(`AAAA ${canonical}`);
        expect(read(full.toUpperCase())).toBe(`AAAA ${canonical}`);
      }),
      { numRuns: 1_000 },
    );
  });

  test('in normal form is left as it is, and no text makes it throw', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.string(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, (raw) => {
        const once = parseTarget(raw);
        if (once.ok) expect(parseTarget(once.target.content)).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the allow-list of targets', () => {
  const allows = (entries: readonly string[] | null, raw: string): boolean => {
    const result = parseTarget(raw);
    if (!result.ok) throw new Error(result.problem.message);
    return new TargetAllowList(entries).allows(result.target);
  };

  test.each([
    ['any target when there is no list', null, '192.0.2.1', true],
    ['none when it is empty', [], '192.0.2.1', false],
    ['none when it is empty', [], 'origin.example.net', false],
    ['an address', ['192.0.2.1'], '192.0.2.1', true],
    ['an address', ['192.0.2.1'], '192.0.2.2', false],
    ['an IPv6 address in any form', ['2001:DB8:0::1'], '2001:db8::1', true],
    ['a network', ['10.0.0.0/8'], '10.255.0.1', true],
    ['a network', ['10.0.0.0/8'], '11.0.0.1', false],
    ['a network, written with one of its hosts', ['10.1.2.3/8'], '10.255.0.1', true],
    ['an IPv6 network', ['2001:db8::/32'], '2001:db8:ffff::1', true],
    ['an IPv6 network', ['2001:db8::/32'], '2001:db9::1', false],
    ['only its own kind of address', ['0.0.0.0/0'], '2001:db8::1', false],
    ['a host name', ['origin.example.net'], 'origin.example.net', true],
    ['host names below one', ['*.example.net'], 'a.b.example.net', true],
    ['host names below one', ['*.example.net'], 'example.net', false],
    ['no address by a host name pattern', ['*'], '192.0.2.1', false],
    ['no host name by a network', ['0.0.0.0/0'], 'origin.example.net', false],
  ])('allows %s: %j, %s', (_, entries, target, allowed) => {
    expect(allows(entries, target)).toBe(allowed);
  });

  test.each([
    '',
    '10/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '2001:db8::/129',
    '012.0.0.0/8',
    'example.net/8',
    '1.2.3',
    'x',
    '::ffff:1.2.3.4',
  ])('refuses the entry %j with a sentence', (entry) => {
    try {
      new TargetAllowList([entry]);
      expect.unreachable();
    } catch (error) {
      expect(isError(error, 'config_invalid')).toBe(true);
      expect(String(error)).toContain('write a');
    }
  });
});
