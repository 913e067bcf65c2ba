import { expect, test } from 'vitest';
import { Discovery } from '../../../src/reconcile/discovery.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const AWAY = new Error('Cloudflare is away');

/** Has the zones listed by hand, with a clock that is set by hand. `told` holds what was told, in order. */
function byHand() {
  const clock = new VirtualClock();
  const zones = { known: false, fails: true };
  const told: string[] = [];
  const discovery = new Discovery({
    zones: {
      get known() {
        return zones.known;
      },
      discover: async () => {
        if (zones.fails) throw AWAY;
        zones.known = true;
      },
    },
    clock,
    signal: new AbortController().signal,
    onListed: () => told.push('listed'),
    onUnlisted: () => told.push('unlisted'),
  });
  const run = () => discovery.run().catch((error) => error);
  return { clock, zones, told, discovery, run };
}

test('that the zones cannot be listed is told once, after half a minute of it', async () => {
  const { clock, told, discovery, run } = byHand();
  expect(await run()).toBe(AWAY);
  await clock.advance(29_999);
  await run();
  expect([told, discovery.toldUnlisted]).toEqual([[], false]);
  await clock.advance(1);
  await run();
  await clock.advance(60_000);
  expect(await run()).toBe(AWAY);
  expect([told, discovery.toldUnlisted]).toEqual([['unlisted'], true]);
});

test('of zones that are known, nothing is told however long no list comes', async () => {
  const { clock, zones, told, run } = byHand();
  zones.fails = false;
  await run();
  zones.fails = true;
  await run();
  await clock.advance(600_000);
  expect(await run()).toBe(AWAY);
  expect(told).toEqual(['listed']);
});
