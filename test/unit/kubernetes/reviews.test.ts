import { describe, expect, it } from 'vitest';
import { ZonekeeperError } from '../../../src/errors.ts';
import type { Kubernetes } from '../../../src/kubernetes/client.ts';
import { Reviews } from '../../../src/kubernetes/reviews.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** Kubernetes that knows the token `good` of `ann`, who may read. */
function reviewing() {
  const clock = new VirtualClock();
  const state = { calls: 0, away: false, hangs: false };
  const apis = {
    authentication: {
      createTokenReview: async ({ body }: { body: { spec: { token: string } } }) => ({
        status: body.spec.token.startsWith('good')
          ? { authenticated: true, user: { username: 'ann', groups: ['g'] } }
          : { authenticated: false },
      }),
    },
    authorization: {
      createSubjectAccessReview: async ({ body }: { body: { spec: { nonResourceAttributes: { path: string } } } }) => ({
        status: { allowed: body.spec.nonResourceAttributes.path === '/zonekeeper/read' },
      }),
    },
  };
  const kubernetes = {
    call: async (_: AbortSignal, work: (all: unknown) => unknown) => {
      state.calls++;
      if (state.hangs) return new Promise(() => undefined);
      if (state.away) throw new ZonekeeperError('kubernetes_unreachable', 'No answer.');
      return work(apis);
    },
  } as unknown as Kubernetes;
  return { clock, state, reviews: new Reviews(kubernetes, clock) };
}

describe('a token that Kubernetes is asked about', () => {
  it('may do what its user may do', async () => {
    const { reviews } = reviewing();
    expect(await reviews.review('good', 'read')).toEqual({ allowed: true, user: 'ann' });
    expect(await reviews.review('good', 'write')).toEqual({
      allowed: false,
      user: 'ann',
      reason: 'ann may not post /zonekeeper/write in Kubernetes.',
    });
    expect(await reviews.review('bad', 'read')).toMatchObject({ allowed: false, user: null });
  });

  it('is asked about once in ten seconds', async () => {
    const { clock, state, reviews } = reviewing();
    await Promise.all(Array.from({ length: 50 }, () => reviews.review('good', 'read')));
    expect(state.calls).toBe(2);
    await clock.advance(9_000);
    await reviews.review('good', 'read');
    expect(state.calls).toBe(2);
    await clock.advance(2_000);
    await reviews.review('good', 'read');
    expect(state.calls).toBe(4);
  });

  it('is refused when Kubernetes cannot be asked, and asked about again at once', async () => {
    const { state, reviews } = reviewing();
    state.away = true;
    await expect(reviews.review('good', 'read')).rejects.toMatchObject({ code: 'kubernetes_unreachable' });
    state.away = false;
    expect(await reviews.review('good', 'read')).toMatchObject({ allowed: true });
  });

  it('does not wait for ever', async () => {
    const { clock, state, reviews } = reviewing();
    state.hangs = true;
    const asked = expect(reviews.review('good', 'read')).rejects.toMatchObject({ code: 'kubernetes_unreachable' });
    await clock.advance(6_000);
    await asked;
  });

  it('is one of at most a thousand that are remembered', async () => {
    const { state, reviews } = reviewing();
    for (let index = 0; index < 1_500; index++) await reviews.review(`good-${index}`, 'read');
    state.calls = 0;
    await reviews.review('good-1499', 'read');
    expect(state.calls).toBe(0);
    await reviews.review('good-0', 'read');
    expect(state.calls).toBe(2);
  });
});
