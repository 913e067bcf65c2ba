import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZoneIndex } from '../../../src/dns/zone.ts';

describe('the zone of a name', () => {
  const zones = new ZoneIndex([{ name: 'example.com' }, { name: 'dev.example.com' }, { name: 'example.net' }]);

  test.each([
    ['app.example.com', 'example.com'],
    ['example.com', 'example.com'],
    ['a.b.c.example.com', 'example.com'],
    ['app.dev.example.com', 'dev.example.com'],
    ['*.dev.example.com', 'dev.example.com'],
    ['dev.example.com', 'dev.example.com'],
    ['notexample.com', undefined],
    ['com', undefined],
    ['my app', undefined],
    ['', undefined],
  ])('%j is in %j', (fqdn, zone) => {
    expect(zones.find(fqdn)?.name).toBe(zone);
  });

  test('is its own at the apex only', () => {
    expect(zones.isApex('example.com')).toBe(true);
    expect(zones.isApex('dev.example.com')).toBe(true);
    expect(zones.isApex('app.example.com')).toBe(false);
  });

  test('is the longest that the name ends in', () => {
    const part = fc.constantFrom('a', 'b', 'c');
    const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 8 }), name, (names, fqdn) => {
        const [longest] = names
          .filter((zone) => fqdn === zone || fqdn.endsWith(`.${zone}`))
          .sort((a, b) => b.length - a.length);
        expect(new ZoneIndex(names.map((zone) => ({ name: zone }))).find(fqdn)?.name).toBe(longest);
      }),
    );
  });
});
