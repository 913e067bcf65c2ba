import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  httpUrl,
  isLoopback,
  listenAddress,
  listenText,
  parseListen,
  postgresUrl,
} from '../../../src/config/address.ts';
import {
  duration,
  durationMs,
  durationText,
  guard,
  integer,
  integerOrAuto,
  share,
  size,
} from '../../../src/config/amounts.ts';
import { editDistance, nearest } from '../../../src/config/nearest.ts';
import type { ValueType } from '../../../src/config/value.ts';
import { boolean, choice, list, text, token } from '../../../src/config/words.ts';

function read<T>(type: ValueType<T>, written: string): T | string {
  const parsed = type.parse(written);
  return parsed.ok ? parsed.value : parsed.problem;
}

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['2d', 172_800_000],
    ['0s', 0],
    ['0', 0],
  ])('%s is %d ms', (written, ms) => {
    expect(durationMs(written)).toBe(ms);
  });

  it.each(['5', '', 's', '-5s', '5 s', '5x', '1e3s', '5s5', 'five', '5S', '1'.repeat(50)])('%j is none', (written) => {
    expect(durationMs(written)).toBeNull();
  });

  it('comes back from its shortest text', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 10 }), (ms) => durationMs(durationText(ms)) === ms));
  });

  it('stays within its bounds, both included', () => {
    const type = duration('1s', '1h');
    expect(read(type, '1s')).toBe(1_000);
    expect(read(type, '1h')).toBe(3_600_000);
    expect(read(type, '999ms')).toBe('must be between 1s and 1h');
    expect(read(type, '1h1ms')).toBe('must be between 1s and 1h');
  });
});

describe('a number, a share, a size, a guard', () => {
  it('is whole and within its bounds', () => {
    const type = integer({ min: 50, max: 1_200 });
    expect(read(type, '50')).toBe(50);
    expect(read(type, '1200')).toBe(1_200);
    for (const wrong of ['49', '1201', '1e3', '0x50', '60.5', '', '-60', '９９'])
      expect(read(type, wrong)).toBeTypeOf('string');
    expect(read(integerOrAuto({ min: 1, max: 5 }), 'auto')).toBeNull();
    expect(read(integerOrAuto({ min: 1, max: 5 }), '6')).toBe('must be between 1 and 5 or auto');
  });

  it('is a share of one', () => {
    expect(read(share, '25%')).toBe(0.25);
    expect(read(share, '0.5')).toBe(0.5);
    expect(read(share, '100%')).toBe(1);
    for (const wrong of ['101%', '1.5', '25', '-1%', '%', '']) expect(read(share, wrong)).toBeTypeOf('string');
  });

  it('is a size in bytes', () => {
    const type = size({ min: 1, max: 2 ** 40 });
    expect(read(type, '512')).toBe(512);
    expect(read(type, '64k')).toBe(64_000);
    expect(read(type, '16Mi')).toBe(16_777_216);
    expect(read(type, '1GiB')).toBe(1_073_741_824);
    for (const wrong of ['0', '16m', '1.5Mi', 'Mi', '']) expect(read(type, wrong)).toBeTypeOf('string');
  });

  it('is a guard of a share, a number, or both', () => {
    expect(read(guard, '25%,min=10')).toEqual({ share: 0.25, min: 10 });
    expect(read(guard, 'min=3, 5%')).toEqual({ share: 0.05, min: 3 });
    expect(read(guard, '25%')).toEqual({ share: 0.25, min: 0 });
    for (const wrong of ['', '25%,10', '25%,25%', 'min=1,min=2', 'max=10', '25%,min=-1', '200%']) {
      expect(read(guard, wrong)).toBeTypeOf('string');
    }
  });
});

describe('words', () => {
  it('are true or false', () => {
    for (const yes of ['true', 'TRUE', 'yes', 'on', '1']) expect(read(boolean, yes)).toBe(true);
    for (const no of ['false', 'no', 'off', '0']) expect(read(boolean, no)).toBe(false);
    for (const wrong of ['maybe', '', '2', 'truee']) expect(read(boolean, wrong)).toBe('is neither true nor false');
  });

  it('are one of a set; a typing mistake is told what it was meant to be', () => {
    const type = choice(['sync', 'upsert-only']);
    expect(read(type, 'sync')).toBe('sync');
    expect(read(type, 'upsert_only')).toBe('must be sync or upsert-only (did you mean upsert-only?)');
    expect(read(type, 'constructor')).toBe('must be sync or upsert-only');
  });

  it('are a list without doubles', () => {
    expect(read(list, 'a.com, b.com,,a.com')).toEqual(['a.com', 'b.com']);
    expect(read(list, ' , ')).toBe('is an empty list; leave it out for the default');
    expect(read(list, 'a b')).toBe('has an entry with white space; separate entries by commas');
    expect(read(list, 'x'.repeat(301))).toBeTypeOf('string');
    expect(read(list, Array.from({ length: 10_001 }, (_, index) => index).join(','))).toBe(
      'has more than 10000 entries',
    );
  });

  it('are tokens without white space', () => {
    expect(read(token(10), 'abc-DEF_1')).toBe('abc-DEF_1');
    for (const wrong of ['a b', 'a\nb', 'ü', 'x'.repeat(11)]) expect(read(token(10), wrong)).toBeTypeOf('string');
    expect(read(text(/^[a-z]+$/, 'letters'), 'a1')).toBe('must be letters');
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    [':8080', { host: '', port: 8080 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
  ])('%s can be listened on', (written, address) => {
    expect(read(listenAddress, written)).toEqual(address);
    expect(listenText(address)).toBe(written);
  });

  it.each([
    '8080',
    '::1:8080',
    'host',
    'host:',
    'host:65536',
    '1.2.3:80',
    '999.1.1.1:80',
    '[1.2.3.4]:80',
    'a b:80',
    'http://x:80',
  ])('%s cannot', (written) => {
    expect(parseListen(written)).toBeNull();
  });

  it('are loopback only where nobody else can reach them', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST']) {
      expect(isLoopback(host), host).toBe(true);
    }
    for (const host of [
      '',
      '0.0.0.0',
      '::',
      '10.0.0.1',
      'example.com',
      '127.example.com',
      'fe80::1',
      '1::1',
      '::ffff:1',
    ]) {
      expect(isLoopback(host), host).toBe(false);
    }
  });

  it('are base URLs without credentials', () => {
    expect(read(httpUrl, 'http://127.0.0.1:8799/client/v4/')).toBe('http://127.0.0.1:8799/client/v4');
    for (const wrong of ['ftp://x', 'x', 'https://u:p@x', 'https://x?y', 'https://x#y', '']) {
      expect(read(httpUrl, wrong)).not.toContain('://u');
      expect(httpUrl.parse(wrong).ok).toBe(false);
    }
  });

  it('are PostgreSQL URLs, also of a local socket', () => {
    for (const url of [
      'postgres://h/d',
      'postgresql://u:p@h:5432/d?sslmode=verify-full',
      'postgres://u:p@/d?host=/run',
    ]) {
      expect(read(postgresUrl, url)).toBe(url);
    }
    for (const wrong of ['mysql://h/d', 'h/d', 'postgres:h', '']) expect(postgresUrl.parse(wrong).ok).toBe(false);
  });
});

describe('the nearest word', () => {
  it('is the one with the fewest edits, if there are few', () => {
    expect(nearest('snyc', ['sync', 'plan'])).toBe('sync');
    expect(nearest('ZONEKEEPER_LISTN', ['ZONEKEEPER_LISTEN', 'ZONEKEEPER_POLICY'])).toBe('ZONEKEEPER_LISTEN');
    expect(nearest('frobnicate', ['sync', 'plan'])).toBeNull();
    expect(nearest('x', ['y'])).toBeNull();
    expect(nearest('a'.repeat(1_000), ['a'])).toBeNull();
  });

  it('counts edits as a metric does', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});
