import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxCalls, type Send, type Sent, sendUnits } from '../../../src/cloudflare/batch.ts';
import type { CallFailure } from '../../../src/cloudflare/errors.ts';
import type { UnitOutcome, WriteUnit } from '../../../src/cloudflare/port.ts';
import { type ErrorCode, ZonekeeperError } from '../../../src/errors.ts';
import { create, remove, unit, update } from './support.ts';

function failure(code: ErrorCode, fields: Partial<CallFailure> = {}): CallFailure {
  const about = code === 'cloudflare_quota' ? 'quota' : 'record';
  return { error: new ZonekeeperError(code, code), effect: 'refused', about, elements: [], status: '400', ...fields };
}

const failed = (what: CallFailure, named: readonly number[] = []): Sent => ({ kind: 'failed', failure: what, named });

const applied = (units: readonly WriteUnit[]): Sent => ({
  kind: 'answered',
  outcomes: units.map(({ operations }): UnitOutcome => ({ kind: 'applied', records: operations.map(() => null) })),
});

/** Names n0, n1, …, each with one create. */
function names(count: number): WriteUnit[] {
  return Array.from({ length: count }, (_, index) => unit(create(`n${index}.example.com`)));
}

const positionOf = (sent: WriteUnit | undefined) => Number(/\d+/.exec(sent?.fqdn ?? '')?.[0]);

/** A server that refuses every batch with one of the poison names in it, saying what the first one gets. */
class Server {
  calls: string[][] = [];
  /** Those that it has pointed at: they must not be sent again. */
  readonly #named = new Set<string>();
  readonly done = new Set<string>();
  readonly #poison: ReadonlyMap<string, CallFailure>;
  readonly #pointing: (position: number) => boolean;

  constructor(poison: ReadonlyMap<string, CallFailure>, pointing: (position: number) => boolean = () => false) {
    this.#poison = poison;
    this.#pointing = pointing;
  }

  readonly send: Send = async (units) => {
    this.calls.push(units.map(({ fqdn }) => fqdn));
    expect(units.some(({ fqdn }) => this.#named.has(fqdn))).toBe(false);
    const at = units.findIndex(({ fqdn }) => this.#poison.has(fqdn));
    const refusal = this.#poison.get(units[at]?.fqdn ?? '');
    const named = refusal !== undefined && units.length > 1 && this.#pointing(positionOf(units[at]));
    if (named) this.#named.add(units[at]?.fqdn ?? '');
    if (refusal !== undefined) return failed(refusal, named ? [at] : []);
    for (const { fqdn } of units) {
      expect(this.done.has(fqdn)).toBe(false);
      this.done.add(fqdn);
    }
    return applied(units);
  };
}

const poisoned = (units: readonly WriteUnit[], ...positions: readonly number[]) =>
  new Map(positions.map((position) => [units[position]?.fqdn ?? '', failure('cloudflare_validation')]));
const kinds = (outcomes: readonly UnitOutcome[]) => outcomes.map(({ kind }) => kind);
const codeOf = (outcome: UnitOutcome | undefined) =>
  outcome === undefined || outcome.kind === 'applied' ? null : outcome.error.code;

describe('a batch that Cloudflare takes', () => {
  test('is one call, and every unit has its outcome', async () => {
    const units = names(200);
    const server = new Server(new Map());
    expect(kinds(await sendUnits(server.send, units))).toEqual(units.map(() => 'applied'));
    expect(server.calls).toHaveLength(1);
  });
});

describe('a batch with refused records', () => {
  test.each([2, 3, 200, 3_500])('one among %i, wherever it is: the others go through, in few calls', async (count) => {
    const positions = [...new Set([0, 1, count >> 1, (count >> 1) - 1, count - 2, count - 1])];
    for (const position of positions) {
      const units = names(count);
      const server = new Server(poisoned(units, position));
      const outcomes = await sendUnits(server.send, units);
      expect(kinds(outcomes)).toEqual(units.map((_, index) => (index === position ? 'refused' : 'applied')));
      expect(server.calls.length).toBeLessThanOrEqual(2 * Math.log2(count) + 2);
    }
  });

  test('exactly the refused ones are refused, each with its own error, whichever they are', async () => {
    const codes = ['cloudflare_validation', 'cloudflare_conflict', 'cloudflare_rejected', 'cloudflare_gone'] as const;
    const anyPoison = fc.array(fc.record({ at: fc.nat(299), code: fc.constantFrom(...codes) }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        anyPoison,
        fc.integer({ min: 0, max: 3 }),
        async (count, poison, pointed) => {
          const units = names(count);
          const refusals = new Map(
            poison.filter(({ at }) => at < count).map(({ at, code }) => [`n${at}.example.com`, failure(code)]),
          );
          const server = new Server(refusals, (position) => position % 3 < pointed);
          const outcomes = await sendUnits(server.send, units, Number.POSITIVE_INFINITY);
          for (const [index, { fqdn }] of units.entries()) {
            expect(codeOf(outcomes[index])).toBe(refusals.get(fqdn)?.error.code ?? null);
          }
          expect(server.done.size).toBe(count - refusals.size);
          const halvings = Math.ceil(Math.log2(count)) + 1;
          expect(server.calls.length).toBeLessThanOrEqual(1 + refusals.size * 2 * halvings + halvings);
        },
      ),
    );
  });

  test('many of them cost little more than a call each', async () => {
    const units = names(200);
    const server = new Server(poisoned(units, ...units.keys()));
    const outcomes = await sendUnits(server.send, units, Number.POSITIVE_INFINITY);
    expect(new Set(kinds(outcomes))).toEqual(new Set(['refused']));
    expect(server.calls.length).toBeLessThan(260);
  });

  test('an element that the answer names is refused without a search', async () => {
    const units = names(200);
    const server = new Server(poisoned(units, 17, 130), () => true);
    const outcomes = await sendUnits(server.send, units);
    expect(outcomes.flatMap(({ kind }, index) => (kind === 'refused' ? [index] : []))).toEqual([17, 130]);
    expect(server.calls.length).toBeLessThanOrEqual(5);
  });

  test('the operations of a unit are never torn apart', async () => {
    const whole = unit(remove('b.example.com', 'r1'), create('b.example.com'));
    const units = [...names(3), whole, unit(create('bad.example.com'))];
    const sent: WriteUnit[] = [];
    await sendUnits(async (group) => {
      sent.push(...group);
      return group.some(({ fqdn }) => fqdn === 'bad.example.com')
        ? failed(failure('cloudflare_validation'))
        : applied(group);
    }, units);
    expect(sent.filter(({ fqdn }) => fqdn === 'b.example.com').every((group) => group === whole)).toBe(true);
  });
});

describe('the bound on calls', () => {
  test('holds, and what is left untested is deferred', async () => {
    const units = names(3_500);
    const server = new Server(poisoned(units, ...units.keys()));
    const outcomes = await sendUnits(server.send, units);
    expect(server.calls.length).toBe(maxCalls(3_500));
    expect(new Set(kinds(outcomes))).toEqual(new Set(['refused', 'deferred']));
    expect(codeOf(outcomes.find(({ kind }) => kind === 'deferred'))).toBe('write_expired');
  });

  test('every try finds something: repeated, it ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 100 }), async (bad) => {
        let units = names(100);
        const server = new Server(poisoned(units, ...bad));
        for (let round = 0; units.length > 0; round++) {
          expect(round).toBeLessThan(100);
          const outcomes = await sendUnits(server.send, units, 1 + Math.ceil(Math.log2(100)));
          const left = units.filter((_, index) => outcomes[index]?.kind === 'deferred');
          expect(left.length).toBeLessThan(units.length);
          units = left;
        }
        expect(server.done.size).toBe(100 - bad.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a failure that any record would meet', () => {
  test.each([
    ['cloudflare_auth', 'refused', 'refused'],
    ['cloudflare_permission', 'refused', 'refused'],
    ['cloudflare_zone_gone', 'refused', 'refused'],
    ['cloudflare_limited', 'unsent', 'deferred'],
    ['cloudflare_unavailable', 'unsent', 'deferred'],
    ['write_expired', 'unsent', 'deferred'],
    ['cloudflare_unavailable', 'unknown', 'unknown'],
  ] as const)('%s (%s) is not searched for a culprit: all %s after one call', async (code, effect, kind) => {
    let calls = 0;
    const units = names(50);
    const outcomes = await sendUnits(async () => {
      calls += 1;
      return failed(failure(code, { effect, about: 'call' }));
    }, units);
    expect(calls).toBe(1);
    expect(kinds(outcomes)).toEqual(units.map(() => kind));
    expect(codeOf(outcomes[0])).toBe(code);
  });

  test('in the middle of a search, a lost answer makes exactly the units of its call unknown', async () => {
    const units = names(8);
    let calls = 0;
    let lost: readonly WriteUnit[] = [];
    const outcomes = await sendUnits(async (group) => {
      calls += 1;
      if (calls === 1) return failed(failure('cloudflare_validation'));
      lost = group;
      return failed(failure('cloudflare_unavailable', { effect: 'unknown', about: 'call' }));
    }, units);
    expect(calls).toBe(2);
    for (const [index, sent] of units.entries()) {
      expect(outcomes[index]?.kind).toBe(lost.includes(sent) ? 'unknown' : 'deferred');
    }
  });

  test('in the middle of a search, what went through and what was refused stays so', async () => {
    const units = names(8);
    let calls = 0;
    const outcomes = await sendUnits(async (group) => {
      calls += 1;
      if (calls === 2) return applied(group);
      return failed(
        calls === 1 ? failure('cloudflare_validation') : failure('cloudflare_permission', { about: 'call' }),
      );
    }, units);
    expect(kinds(outcomes)).toEqual([...Array(4).fill('applied'), ...Array(4).fill('refused')]);
    expect(codeOf(outcomes[7])).toBe('cloudflare_permission');
  });
});

describe('a full zone', () => {
  /** Holds so many records; deletes of a batch make room for its creates. */
  function zoneOf(room: number) {
    let left = room;
    const calls: (readonly WriteUnit[])[] = [];
    const send: Send = async (units) => {
      calls.push(units);
      const actions = units.flatMap(({ operations }) => operations.map(({ action }) => action));
      const needed = actions.filter((action) => action === 'create').length;
      const freed = actions.filter((action) => action === 'delete').length;
      if (needed > left + freed) return failed(failure('cloudflare_quota'));
      left += freed - needed;
      return applied(units);
    };
    return { send, calls, left: () => left };
  }

  test('is filled to the last place; the creates that do not fit are refused, in few calls', async () => {
    for (const room of [0, 1, 57, 99, 199]) {
      const zone = zoneOf(room);
      const outcomes = await sendUnits(zone.send, names(200));
      expect(outcomes.filter(({ kind }) => kind === 'applied')).toHaveLength(room);
      expect(outcomes.filter((outcome) => codeOf(outcome) === 'cloudflare_quota')).toHaveLength(200 - room);
      expect(zone.left()).toBe(0);
      expect(zone.calls.length).toBeLessThanOrEqual(2 * Math.log2(200) + 2);
    }
  });

  test('is filled also when the answer names the first create that does not fit', async () => {
    const zone = zoneOf(57);
    const outcomes = await sendUnits(async (units) => {
      const sent = await zone.send(units);
      return sent.kind === 'failed' ? { ...sent, named: [Math.min(zone.left(), units.length - 1)] } : sent;
    }, names(200));
    expect(outcomes.filter(({ kind }) => kind === 'applied')).toHaveLength(57);
  });

  test('updates, replacements and deletes go through, and what deletes free is used', async () => {
    const zone = zoneOf(0);
    const units = [
      ...names(20),
      unit(update('u.example.com', 'r1')),
      unit(remove('x.example.com', 'r2'), create('x.example.com')),
      unit(remove('d1.example.com', 'r3')),
      unit(remove('d2.example.com', 'r4')),
    ];
    const outcomes = await sendUnits(zone.send, units);
    expect(kinds(outcomes.slice(20))).toEqual(Array(4).fill('applied'));
    expect(outcomes.slice(0, 20).filter(({ kind }) => kind === 'applied')).toHaveLength(2);
    expect(zone.left()).toBe(0);
  });
});

describe('a record that is gone', () => {
  const gone = (...positions: readonly number[]) => {
    const units = Array.from({ length: 10 }, (_, index) => unit(remove(`n${index}.example.com`, `r${index}`)));
    return { units, poison: new Map(positions.map((at) => [units[at]?.fqdn ?? '', failure('cloudflare_gone')])) };
  };

  test.each([false, true])('has been deleted: that is what was wanted (named: %s)', async (pointing) => {
    const { units, poison } = gone(3, 4, 9);
    const outcomes = await sendUnits(new Server(poison, () => pointing).send, units);
    expect(outcomes).toEqual(units.map(() => ({ kind: 'applied', records: [null] })));
  });

  test('cannot be updated: the unit is refused and the name looked at again', async () => {
    const units = [unit(update('a.example.com', 'r1')), unit(remove('b.example.com', 'r2'), create('b.example.com'))];
    const poison = new Map(units.map(({ fqdn }) => [fqdn, failure('cloudflare_gone')]));
    const outcomes = await sendUnits(new Server(poison).send, units);
    expect(outcomes.map(codeOf)).toEqual(['cloudflare_gone', 'cloudflare_gone']);
  });
});
