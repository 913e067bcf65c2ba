import { describe, expect, it } from 'vitest';
import type { Kubernetes } from '../../../src/kubernetes/client.ts';
import { EventRecorder, type Happening, regardedObject } from '../../../src/kubernetes/events.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const POD = { name: 'zk-1', namespace: 'dns', uid: 'u' };

interface Written {
  readonly at: number;
  readonly reason?: string;
  readonly note?: string;
  readonly count?: number;
}

/** Kubernetes, which notes what is written to it. */
function recorder(answer: () => Promise<void> = async () => undefined) {
  const clock = new VirtualClock();
  const written: Written[] = [];
  const errors: unknown[] = [];
  const events = {
    createNamespacedEvent: async ({ body }: { body: { reason: string; note: string } }) => {
      written.push({ at: clock.now(), reason: body.reason, note: body.note });
      await answer();
    },
    patchNamespacedEvent: async ({ body }: { body: [{ value: { count: number } }] }) => {
      written.push({ at: clock.now(), count: body[0].value.count });
      await answer();
    },
  };
  const kubernetes = {
    pod: POD,
    microTime: (ms: number) => new Date(ms),
    call: (_: AbortSignal, work: (apis: unknown) => unknown) => work({ events }),
  } as unknown as Kubernetes;
  const regarding = regardedObject(kubernetes, null);
  const onError = (error: unknown) => errors.push(error);
  const redact = (text: string) => text.replaceAll('canary', '[redacted]');
  return {
    clock,
    written,
    errors,
    recorder: new EventRecorder({ kubernetes, clock, regarding, instance: 'i', redact, onError }),
  };
}

const happening = (reason: Happening['reason'], note = 'so'): Happening => ({
  type: 'Normal',
  reason,
  action: 'Act',
  note,
});

describe('Events', () => {
  it('of one kind are one Event that counts, and never more than five calls a minute', async () => {
    const { clock, written, recorder: events } = recorder();
    for (let second = 0; second < 600; second++) {
      events.record(happening('ConflictFound', `conflict ${second}`));
      await clock.advance(1_000);
    }
    expect(written.filter(({ reason }) => reason !== undefined)).toHaveLength(1);
    for (let minute = 0; minute < 10; minute++) {
      const calls = written.filter(({ at }) => at >= minute * 60_000 && at < (minute + 1) * 60_000);
      expect(calls.length).toBeLessThanOrEqual(5);
    }
    await clock.advance(60_000);
    expect(written.at(-1)?.count).toBe(600);
  });

  it('show no secret', async () => {
    const { clock, written, recorder: events } = recorder();
    events.record(happening('TokenRefused', 'no canary here'));
    events.record(happening('TokenRefused', 'still no canary here'));
    await clock.advance(60_000);
    expect(written.length).toBeGreaterThan(0);
    expect(JSON.stringify(written)).not.toContain('canary');
  });

  it('that are new come before those that count up', async () => {
    const { clock, written, recorder: events } = recorder();
    for (let index = 0; index < 10; index++) {
      events.record(happening('ConflictFound'));
      await clock.advance(0);
    }
    events.record(happening('TokenRefused'));
    await clock.advance(60_000);
    expect(written.slice(5)[0]?.reason).toBe('TokenRefused');
  });

  it('begin anew when they have not happened for a while', async () => {
    const { clock, written, recorder: events } = recorder();
    events.record(happening('Synced', 'first'));
    await clock.advance(3_600_000);
    events.record(happening('Synced', 'second'));
    await clock.advance(0);
    expect(written.map(({ note }) => note)).toEqual(['first', 'second']);
  });

  it('that cannot be written cost nothing but a word', async () => {
    const {
      clock,
      errors,
      recorder: events,
    } = recorder(async () => {
      throw new Error('refused');
    });
    events.record(happening('BecameLeader'));
    await clock.advance(600_000);
    expect(errors).toHaveLength(1);
  });

  it('that hang are given up, and hold up nobody', async () => {
    const { clock, errors, written, recorder: events } = recorder(() => new Promise(() => undefined));
    events.record(happening('BecameLeader'));
    events.record(happening('Synced'));
    await clock.advance(20_000);
    expect(errors).toHaveLength(2);
    expect(written).toHaveLength(2);
  });

  it('are about the Pod, or the object that is named', () => {
    const kubernetes = { pod: POD } as Kubernetes;
    expect(regardedObject(kubernetes, null)).toEqual({ apiVersion: 'v1', kind: 'Pod', ...POD });
    expect(regardedObject(kubernetes, 'Deployment/zk')).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'zk',
      namespace: 'dns',
    });
    const outside = { pod: { ...POD, name: null } } as Kubernetes;
    expect(() => regardedObject(outside, null)).toThrow(/ZONEKEEPER_EVENTS needs POD_NAME/);
  });
});
