import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventParser } from '../../../web/src/lib/events.ts';
import { differences, duration, outcome, relative, ttl } from '../../../web/src/lib/format.ts';
import { STATES } from '../../../web/src/lib/types.ts';
import { queryOf, sameList, type View, viewOf } from '../../../web/src/lib/view.ts';

const PLAIN: View = { states: [], q: '', zone: '', descending: false, name: '' };

describe('the view in the address', () => {
  test('comes back as it went', () => {
    const text = fc.string({ maxLength: 60 });
    const views = fc.record({
      states: fc.uniqueArray(fc.constantFrom(...STATES)),
      q: text,
      zone: text,
      descending: fc.boolean(),
      name: text,
    });
    fc.assert(
      fc.property(views, (view) => {
        expect(viewOf(new URLSearchParams(queryOf(view)))).toEqual(view);
      }),
    );
  });

  test('a plain page has a plain address, and what is not known is left out', () => {
    expect(queryOf(PLAIN)).toBe('');
    expect(viewOf(new URLSearchParams('state=conflict,nonsense&order=sideways&x=1'))).toEqual({
      ...PLAIN,
      states: ['conflict'],
    });
  });

  test('a link of a dashboard chooses its zone, unless all or several are chosen there', () => {
    const zone = (query: string) => viewOf(new URLSearchParams(query)).zone;
    expect(zone('state=failed&var-zone=example.com')).toBe('example.com');
    expect(zone('var-zone=example.com&zone=example.net')).toBe('example.net');
    for (const all of ['var-zone=All', 'var-zone=$__all', 'var-zone=.*', 'var-zone=a.com&var-zone=b.com'])
      expect(zone(all)).toBe('');
  });

  test('opening a name lists nothing anew', () => {
    expect(sameList(PLAIN, { ...PLAIN, name: 'a.example.com' })).toBe(true);
    expect(sameList(PLAIN, { ...PLAIN, q: 'a' })).toBe(false);
  });
});

describe('words', () => {
  test('times, durations and TTLs', () => {
    const now = Date.parse('2026-01-01T12:00:00Z');
    expect(relative('2026-01-01T11:57:00Z', now)).toBe('3 minutes ago');
    expect(relative('2026-01-01T12:00:20Z', now)).toBe('in 20 seconds');
    expect([duration(340), duration(2_500), duration(12_000), duration(200_000)]).toEqual([
      '340 ms',
      '2.5 s',
      '12 s',
      '3 min',
    ]);
    expect([ttl(1), ttl(3_600)]).toEqual(['Auto', '3,600 s']);
  });

  test('a report says only what happened', () => {
    const none = { created: 0, updated: 0, deleted: 0, already_synced: 0, conflicts: 0, blocked: 0, failed: 0 };
    expect(outcome(none)).toBe('nothing to do');
    expect(outcome({ ...none, created: 1_200, conflicts: 1 })).toBe('1,200 created · 1 conflict');
  });

  test('a record that is not there differs in every field', () => {
    const wanted = { type: 'A', content: '192.0.2.1', ttl: 1, proxied: false };
    expect(differences(wanted, undefined).every(({ differs }) => differs)).toBe(true);
    expect(differences(wanted, { ...wanted, ttl: 60 }).filter(({ differs }) => differs)).toEqual([
      { field: 'ttl', desired: 'Auto', actual: '60 s', differs: true },
    ]);
  });
});

test('events are read however the network cuts them', () => {
  const text = 'event: hello\ndata: {"version":"1"}\n\n: alive\n\nevent: names\ndata: {"names":["ä"]}\n\n';
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const parser = new EventParser();
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const events = places.slice(1).flatMap((to, n) => parser.push(text.slice(places[n], to)));
      expect(events).toEqual([
        { event: 'hello', data: { version: '1' } },
        { event: 'names', data: { names: ['ä'] } },
      ]);
    }),
  );
});
