import { describe, expect, it } from 'vitest';
import { Rotation } from '../../../src/daemon/rotation.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function rotating(works: (value: string) => boolean) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const tried: string[] = [];
  const rotation = new Rotation({
    clock,
    random: () => 0.5,
    use: async (value) => {
      tried.push(value);
      if (!works(value)) throw new ZonekeeperError('cloudflare_auth', 'No.');
    },
    onUsed: (value) => told.push(`used ${value}`),
    onRefused: ({ code }) => told.push(code),
  });
  return { clock, rotation, told, tried };
}

describe('a secret that changed', () => {
  it('is used when it works', async () => {
    const { clock, rotation, told } = rotating(() => true);
    rotation.offer('new');
    await clock.advance(0);
    expect(told).toEqual(['used new']);
  });

  it('is tried again until it works: often it is known here before it is known there', async () => {
    let known = false;
    const { clock, rotation, told } = rotating(() => known);
    rotation.offer('new');
    await clock.advance(2_000);
    expect(told).toEqual(['cloudflare_auth', 'cloudflare_auth']);
    known = true;
    await clock.advance(60_000);
    expect(told.at(-1)).toBe('used new');
    await clock.advance(600_000);
    expect(told).toHaveLength(3);
  });

  it('is tried at most once a minute', async () => {
    const { clock, rotation, tried } = rotating(() => false);
    rotation.offer('new');
    await clock.advance(3_600_000);
    expect(tried.length).toBeLessThan(120);
    expect(tried.length).toBeGreaterThan(50);
  });

  it('gives way to a newer one', async () => {
    const { clock, rotation, told, tried } = rotating((value) => value === 'newer');
    rotation.offer('wrong');
    await clock.advance(100);
    rotation.offer('newer');
    await clock.advance(600_000);
    expect(told).toEqual(['cloudflare_auth', 'used newer']);
    expect(tried).toEqual(['wrong', 'newer']);
  });

  it('is tried no more after the end', async () => {
    const { clock, rotation, tried } = rotating(() => false);
    rotation.offer('new');
    await clock.advance(0);
    rotation.stop();
    await clock.advance(600_000);
    expect(tried).toHaveLength(1);
  });
});
