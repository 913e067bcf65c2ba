import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayName, mixedScript, nameKey, normalizeName, rowKey } from '../../../src/dns/name.ts';
import { row } from './builders.ts';

const label = (length: number) => 'a'.repeat(length);
const name253 = [label(63), label(63), label(63), label(61)].join('.');

function normal(raw: string): string {
  const result = normalizeName(raw);
  return result.ok ? result.fqdn : `refused: ${result.why}`;
}

describe('a name in normal form', () => {
  test.each([
    ['app.example.com', 'app.example.com'],
    ['App.EXAMPLE.com', 'app.example.com'],
    ['  app.example.com\n', 'app.example.com'],
    ['app.example.com.', 'app.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['faß.de', 'xn--fa-hia.de'],
    ['例え。テスト。', 'xn--r8jz45g.xn--zckzah'],
    ['ａｐｐ．example．com', 'app.example.com'],
    ['app\u00ad.example.com', 'app.example.com'],
    ['*.example.com', '*.example.com'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['_acme-challenge.example.com', '_acme-challenge.example.com'],
    ['My_App.example.com', 'my_app.example.com'],
    ['my--app.example.com', 'my--app.example.com'],
    ['42.example.com', '42.example.com'],
    ['42.אבג.com', '42.xn--4dbcd.com'],
    [`${label(63)}.example.com`, `${label(63)}.example.com`],
    [name253, name253],
    [`${name253}.`, name253],
  ])('%j becomes %j', (raw, fqdn) => {
    expect(normal(raw)).toBe(fqdn);
  });
});

describe('what is no name is refused with a sentence that names the fault', () => {
  test.each([
    ['', 'it is empty'],
    [' . ', 'it is empty'],
    ['localhost', 'it has no dot'],
    ['*', 'it has no dot'],
    ['app.example.com..', 'a label is empty'],
    ['.example.com', 'a label is empty'],
    ['app..example.com', 'a label is empty'],
    ['my app.example.com', 'the label "my app" contains white space'],
    ['-app.example.com', 'the label "-app" begins or ends with a hyphen'],
    ['app-.example.com', 'the label "app-" begins or ends with a hyphen'],
    ['app.*.example.com', 'the wildcard * can only be the leftmost label'],
    ['*app.example.com', 'the label "*app" has "*" (U+002A), which no host name may have'],
    ['a@b.example.com', 'the label "a@b" has "@" (U+0040)'],
    ['a/b.example.com', 'the label "a/b" has "/" (U+002F)'],
    ['a…b.example.com', 'the label "a…b" has "…" (U+2026)'],
    ['é_.example.com', 'the label "é_" has "_" (U+005F)'],
    ['a\u202eb.example.com', 'the label "a\ufffdb" has "\ufffd" (U+202E)'],
    ['a\u0000b.example.com', 'the label "a\ufffdb" has "\ufffd" (U+0000)'],
    ['xn--a.example.com', 'the label "xn--a" is not valid punycode'],
    ['xn--.example.com', 'the label "xn--" is not valid punycode'],
    ['xn--app-.example.com', 'the label "xn--app-" is not valid punycode'],
    ['a\u200db.example.com', 'the label "a\ufffdb" breaks the rules for international names'],
    ['ü--.example.com', 'begins or ends with a hyphen'],
    ['192.0.2.1', 'it is an address, not a name'],
    ['2001:db8::1', 'it is an address, not a name'],
    ['１９２.0.2.1', 'its last label is a number'],
    ['app.0x7f', 'its last label is a number'],
    [`${label(64)}.example.com`, 'has 64 characters, at most 63 are allowed'],
    [`${'ü'.repeat(60)}.example.com`, 'at most 63 are allowed'],
    [`${name253}a`, 'it has 254 characters, at most 253 are allowed'],
    [`${'a.'.repeat(1_000_000)}com`, 'it has 2000003 characters, at most 253 are allowed'],
  ])('%.40j', (raw, why) => {
    const result = normalizeName(raw);
    expect(result).toMatchObject({ ok: false, problem: { code: 'name_invalid' } });
    if (!result.ok) {
      expect(result.why).toContain(why);
      expect(result.problem.message).toMatch(/^".*" is not a host name: .*\.$/s);
      expect(result.problem.message.length).toBeLessThan(500);
    }
  });
});

/** Texts that come near to names: the parts of which names and their faults are made. */
const nearName = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '.',
        '.',
        '-',
        '_',
        '*',
        'xn--',
        'a',
        'B',
        '0',
        'ß',
        'ü',
        'а',
        'א',
        '٣',
        '。',
        '．',
        '\u00ad',
        '\u200d',
      ),
      fc.constantFrom('example', 'com', 'bcher-kva', '…', ' ', 'Ａ', 'İ', 'K', '👍', '한국', 'e\u0301', '\ud800'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(nearName, fc.string({ unit: 'binary' }), fc.domain());

test('a normal form is normal: doing it twice changes nothing', () => {
  fc.assert(
    fc.property(anyText, (raw) => {
      const once = normalizeName(raw);
      if (once.ok) expect(normalizeName(once.fqdn)).toEqual(once);
    }),
    { numRuns: 3_000 },
  );
});

test('a normal form is lower-case ASCII within the limits of DNS', () => {
  fc.assert(
    fc.property(anyText, (raw) => {
      const result = normalizeName(raw);
      if (!result.ok) return;
      expect(result.fqdn.length).toBeLessThanOrEqual(253);
      for (const part of result.fqdn.replace(/^\*\./, '').split('.'))
        expect(part).toMatch(/^(?!-)[a-z0-9_-]{1,63}(?<!-)$/);
    }),
    { numRuns: 3_000 },
  );
});

test('case does not matter', () => {
  fc.assert(
    fc.property(fc.domain(), (name) => {
      expect(normal(name.toUpperCase())).toBe(normal(name));
    }),
  );
});

describe('the key of a row', () => {
  test('is the name in normal form', () => {
    expect(rowKey(row({ fqdn: ' App.Example.com. ' }))).toBe('app.example.com');
  });

  test('is what stands in a row whose name is invalid', () => {
    expect(rowKey(row({ fqdn: 'my app.example.com' }))).toBe('my app.example.com');
  });

  test('shows what cannot be seen', () => {
    expect(rowKey(row({ fqdn: 'a\u0007\u202eb' }))).toBe('a\ufffd\ufffdb');
  });

  test.each([null, '', '  \n'])('is the consumer when there is no name (%j)', (fqdn) => {
    expect(rowKey(row({ fqdn }))).toBe('instance/42');
  });

  test('is never a valid name when the row has none, cut or not', () => {
    const tooLong = fc
      .array(fc.constantFrom('a', 'bc', '.', 'example.com'), { minLength: 100 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(anyText, tooLong), fc.string(), fc.string(), (fqdn, kind, id) => {
        const consumer = { kind, id };
        const key = rowKey({ fqdn, consumer });
        expect(normalizeName(key).ok).toBe(normalizeName(fqdn).ok);
        expect(key.length).toBeLessThanOrEqual(253);
        expect(key).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        if (!normalizeName(fqdn).ok) expect(key).toBe(nameKey({ fqdn, consumer }));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a name for people', () => {
  test.each([
    ['app.example.com', 'app.example.com'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['*.xn--bcher-kva.example', '*.bücher.example'],
    ['_acme.xn--bcher-kva.example', '_acme.bücher.example'],
    ['xn--a.example', 'xn--a.example'],
  ])('%j is shown as %j', (fqdn, shown) => {
    expect(displayName(fqdn)).toBe(shown);
  });

  test('leads back to the name', () => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const result = normalizeName(raw);
        if (result.ok) expect(normal(displayName(result.fqdn))).toBe(result.fqdn);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('letters of scripts that look alike in one label', () => {
  test.each(['pаypal.example', 'example.cοm', 'ΑBC.example'])('%s mixes them', (raw) => {
    expect(mixedScript(normal(raw))).toBe(true);
  });

  test.each(['paypal.example', 'пример.example', 'bücher.example', '東京tokyo.example', '_a.xn--a'])(
    '%s does not',
    (raw) => {
      expect(mixedScript(normal(raw))).toBe(false);
    },
  );
});
