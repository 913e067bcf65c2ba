import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDACTED, Redactor } from '../../../src/observability/redactor.ts';

const CANARY = 'CANARY/+"\\=&';

function knowing(...secrets: string[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

describe('a redactor', () => {
  it('hides a registered secret, also as URLs write it', () => {
    const redactor = knowing(CANARY);
    expect(redactor.text(`a ${CANARY} b`)).toBe(`a ${REDACTED} b`);
    expect(redactor.text(`?q=${encodeURIComponent(CANARY)}`)).toBe(`?q=${REDACTED}`);
  });

  it('hides the whole of a database URL, and its password where that stands alone', () => {
    const redactor = knowing('postgres://app:p%40ssCANARY@db:5432/app?sslmode=require');
    expect(redactor.text('connect postgres://app:p%40ssCANARY@db:5432/app?sslmode=require')).toBe(
      `connect ${REDACTED}`,
    );
    expect(redactor.text('password p@ssCANARY refused, p%40ssCANARY too')).not.toContain('CANARY');
  });

  it('hides what it was never told: passwords in database URLs, Authorization headers', () => {
    const redactor = knowing();
    expect(redactor.text('postgresql://app:CANARY@db/app')).toBe(`postgresql://app:${REDACTED}@db/app`);
    expect(redactor.text('postgres://db/app?user=a&password=CANARY&x=1')).toBe(
      `postgres://db/app?user=a&password=${REDACTED}&x=1`,
    );
    expect(redactor.text('Authorization: Bearer CANARY')).not.toContain('CANARY');
    expect(redactor.text('{"authorization":"Basic CANARY"}')).not.toContain('CANARY');
    expect(redactor.text("curl -H 'authorization: CANARY'")).not.toContain('CANARY');
    expect(redactor.value({ headers: { Authorization: ['CANARY'], cookie: 'CANARY' }, password: 'CANARY' })).toEqual({
      headers: { Authorization: REDACTED, cookie: REDACTED },
      password: REDACTED,
    });
  });

  it('leaves other text alone', () => {
    const redactor = knowing(CANARY);
    const texts = ['postgres://db/app', 'the bearer of news', 'https://example.com/a?b=c', 'a@b:c', 'authorization'];
    for (const text of texts) expect(redactor.text(text)).toBe(text);
  });

  it('hides a secret that contains another one whole', () => {
    expect(knowing('abcdef', 'abcdefghij').text('abcdefghij')).toBe(REDACTED);
    expect(knowing('abcdefghij', 'abcdef').text('abcdefghij')).toBe(REDACTED);
  });

  it('does not take very short words for secrets', () => {
    expect(knowing('', 'a', 'abc').text('abc a')).toBe('abc a');
  });

  it('reaches keys, arrays and every depth that it lets through', () => {
    const nested = JSON.stringify(knowing(CANARY).value({ a: [{ [CANARY]: { b: [CANARY, 1, null, true] } }] }));
    expect(nested).not.toContain('CANARY');
    let deep: unknown = CANARY;
    for (let level = 0; level < 50; level += 1) deep = { deep };
    expect(JSON.stringify(knowing(CANARY).value(deep))).not.toContain('CANARY');
  });

  it('keeps a line of JSON valid, whatever the secret is', () => {
    const secret = fc.oneof(
      fc.string({ minLength: 4 }),
      fc.constantFrom('level', '"msg"', '":"x', 'true', '1234', '},{"'),
    );
    fc.assert(
      fc.property(secret, fc.string(), (word, around) => {
        const line = JSON.stringify({
          level: 'info',
          n: 1234,
          ok: true,
          msg: `${around}${word}${around}`,
          [word]: word,
        });
        const parsed: unknown = JSON.parse(knowing(word).line(line));
        expect(parsed).toMatchObject(word === 'level' || word === 'true' ? {} : { n: 1234, ok: true });
        const strings = Object.values(Object(parsed)).filter((value) => typeof value === 'string');
        if (!REDACTED.includes(word)) expect(strings.join()).not.toContain(word);
      }),
    );
  });

  it('forgets the oldest of very many', () => {
    const redactor = knowing(...Array.from({ length: 300 }, (_, index) => `secret-number-${index}!`));
    expect(redactor.text('secret-number-299!')).toBe(REDACTED);
    expect(redactor.text('secret-number-0!')).not.toBe(REDACTED);
  });
});
