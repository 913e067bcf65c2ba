import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZoneMirror } from '../../../src/cloudflare/mirror.ts';
import type { ActualRecord } from '../../../src/dns/record.ts';

const record = (id: string, fqdn: string, content = '192.0.2.1'): ActualRecord => ({
  id,
  fqdn,
  type: 'A',
  content,
  ttl: 1,
  proxied: false,
  comment: null,
});
const ids = (mirror: ZoneMirror, fqdn: string) => mirror.of(fqdn).map(({ id }) => id);

describe('a list', () => {
  test('makes the mirror ready, and tells what differs from what was known', () => {
    const mirror = new ZoneMirror();
    expect(mirror.ready).toBe(false);
    expect(mirror.applyList(mirror.beginList(), [record('1', 'a'), record('2', 'b')], 1)).toEqual(['a', 'b']);
    expect(mirror.ready).toBe(true);
    const next = [record('1', 'a', '192.0.2.9'), record('3', 'c')];
    expect(mirror.applyList(mirror.beginList(), next, 1).sort()).toEqual(['a', 'b', 'c']);
    expect(mirror.applyList(mirror.beginList(), next, 1)).toEqual([]);
    expect(mirror.size).toBe(2);
  });

  test('that failed says nothing', () => {
    const mirror = new ZoneMirror();
    mirror.abandonList(mirror.beginList());
    expect(mirror.ready).toBe(false);
  });

  test('of several pages leaves a doubt about records that it does not show, until the next look or list', () => {
    const mirror = new ZoneMirror();
    const [first, second] = [record('1', 'a'), record('2', 'b')];
    mirror.applyList(mirror.beginList(), [first, second], 2);
    mirror.applyList(mirror.beginList(), [record('1', 'a', '192.0.2.9')], 2);
    expect([mirror.isDoubtful('a'), mirror.isDoubtful('b')]).toEqual([false, true]);
    mirror.applyLook('b', mirror.moment(), [second]);
    expect(mirror.isDoubtful('b')).toBe(false);
    mirror.applyList(mirror.beginList(), [first], 2);
    expect(mirror.isDoubtful('b')).toBe(true);
    mirror.applyList(mirror.beginList(), [first], 2);
    expect(mirror.isDoubtful('b')).toBe(false);
    mirror.applyList(mirror.beginList(), [], 1);
    expect(mirror.isDoubtful('a')).toBe(false);
  });

  test('with a record on two pages holds it once', () => {
    const mirror = new ZoneMirror();
    mirror.applyList(mirror.beginList(), [record('1', 'a'), record('1', 'a')], 2);
    expect(ids(mirror, 'a')).toEqual(['1']);
  });
});

describe('later knowledge wins over a later answer', () => {
  test('a list that was started before a write ended does not overwrite what the write told', () => {
    const mirror = new ZoneMirror();
    mirror.applyList(mirror.beginList(), [], 1);
    mirror.beginWrite('a');
    const list = mirror.beginList();
    mirror.endWrite('a', () => [record('1', 'a')]);
    expect(mirror.applyList(list, [], 1)).toEqual([]);
    expect(ids(mirror, 'a')).toEqual(['1']);
    expect(mirror.applyList(mirror.beginList(), [], 1)).toEqual(['a']);
  });

  test('a list that ends while a write is under way leaves the name alone', () => {
    const mirror = new ZoneMirror();
    mirror.applyList(mirror.beginList(), [record('1', 'a')], 1);
    mirror.beginWrite('a');
    expect(mirror.applyList(mirror.beginList(), [], 1)).toEqual([]);
    expect(ids(mirror, 'a')).toEqual(['1']);
    mirror.endWrite('a', () => []);
    expect(ids(mirror, 'a')).toEqual([]);
  });

  test('a look that was started before a write ended is ignored', () => {
    const mirror = new ZoneMirror();
    const list = mirror.beginList();
    const started = mirror.moment();
    mirror.beginWrite('a');
    mirror.endWrite('a', () => [record('1', 'a')]);
    expect(mirror.applyLook('a', started, [])).toBe(false);
    expect(ids(mirror, 'a')).toEqual(['1']);
    mirror.abandonList(list);
  });

  test('a write must have begun to end', () => {
    expect(() => new ZoneMirror().endWrite('a')).toThrow('No write of a is under way.');
  });
});

test('in any order of lists and writes, the mirror never goes back behind a write that ended', () => {
  const event = fc.oneof(
    fc.constant({ kind: 'begin list' as const }),
    fc.constant({ kind: 'end list' as const }),
    fc.record({ kind: fc.constant('write' as const), fqdn: fc.constantFrom('a', 'b', 'c') }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const mirror = new ZoneMirror();
      // What Cloudflare holds, and what each list under way saw when it began.
      const world = new Map<string, ActualRecord>();
      const lists: { listing: ReturnType<ZoneMirror['beginList']>; seen: ActualRecord[] }[] = [];
      let n = 0;
      for (const { kind, ...rest } of events) {
        if (kind === 'begin list') lists.push({ listing: mirror.beginList(), seen: [...world.values()] });
        else if (kind === 'end list') {
          const list = lists.shift();
          if (list !== undefined) mirror.applyList(list.listing, list.seen, 1);
        } else if ('fqdn' in rest) {
          const written = record(`r${++n}`, rest.fqdn);
          mirror.beginWrite(rest.fqdn);
          world.set(rest.fqdn, written);
          mirror.endWrite(rest.fqdn, () => [written]);
        }
        // All changes here are our own, so the mirror must know all of them, always.
        for (const [fqdn, { id }] of world) expect(ids(mirror, fqdn)).toEqual([id]);
      }
    }),
  );
});
