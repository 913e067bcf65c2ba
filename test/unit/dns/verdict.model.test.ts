import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActualRecord, Change, RecordSpec, RecordType, TrackedRecord } from '../../../src/dns/record.ts';
import { sameSpec } from '../../../src/dns/record.ts';
import { decide, type Verdict, type VerdictInput } from '../../../src/dns/verdict.ts';
import { actual, desired, FQDN, input, tracked } from './builders.ts';

/**
 * Verdicts against a model of a zone: it holds the records of one name, knows Cloudflare's rules for what may stand beside
 * what, and carries out changes one after the other as a batch does. Few contents, so that records meet often.
 */

const ADDRESSES: Record<RecordType, readonly string[]> = {
  A: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  AAAA: ['2001:db8::1', '2001:db8::2'],
  CNAME: ['a.example.net', 'b.example.net'],
};

const specs = (type: RecordType): fc.Arbitrary<RecordSpec> =>
  fc
    .record({ content: fc.constantFrom(...ADDRESSES[type]), proxied: fc.boolean(), ttl: fc.constantFrom(1, 300) })
    .map(({ content, proxied, ttl }) => ({ type, content, ttl: proxied ? 1 : ttl, proxied }));
const key = ({ type, content }: { type: string; content: string }) => `${type} ${content}`;
const addresses = (minLength: number) =>
  fc.uniqueArray(fc.oneof(specs('A'), specs('AAAA')), { selector: key, minLength, maxLength: 4 });
const cname = specs('CNAME').map((spec) => [spec]);
/** What a consumer can want. */
const wantedSet: fc.Arbitrary<RecordSpec[]> = fc.oneof({ weight: 3, arbitrary: addresses(1) }, cname);
/** What can stand at Cloudflare, ours and foreign mixed, each with whether a row tracks it. */
const standing = fc
  .oneof(
    { weight: 4, arbitrary: addresses(0) },
    { weight: 2, arbitrary: cname },
    fc.constant([{ type: 'NS', content: 'ns1.example.net', ttl: 1, proxied: false }]),
  )
  .chain((set) =>
    fc.array(fc.boolean(), { minLength: set.length, maxLength: set.length }).map((ours) => ({ set, ours })),
  );

const situation: fc.Arbitrary<VerdictInput> = fc
  .record({
    standing,
    wanted: fc.option(wantedSet),
    /** What a row says was last written, where it is not what stands there. */
    wrote: fc.option(fc.oneof(specs('A'), specs('CNAME'))),
    lost: fc.array(specs('A'), { maxLength: 2 }),
    mail: fc.boolean(),
    rivals: fc.boolean(),
    problem: fc.boolean(),
    policy: fc.constantFrom('sync', 'sync', 'upsert-only', 'create-only'),
    outside: fc.boolean(),
  })
  .map(({ standing: { set, ours }, wanted, wrote, lost, mail, rivals, problem, policy, outside }) => {
    const records = set.map((spec, at) =>
      actual(`${ours[at] ? 'ours' : 'foreign'}-${at}`, spec.type, spec.content, spec),
    );
    const rows: TrackedRecord[] = [
      ...records.filter(({ id }) => id.startsWith('ours')).map((record) => rowOf(record, wrote)),
      ...lost.map((spec, at) => tracked(`lost-${at}`, spec)),
    ];
    const named =
      wanted === null ? null : { ...desired(...wanted), rivals: rivals ? [{ kind: 'instance', id: '43' }] : [] };
    const fault = { code: 'target_invalid', message: 'No target.' } as const;
    return input({
      desired: named !== null && problem && rivals ? { ...named, records: [], problem: fault } : named,
      tracked: rows,
      actual: mail ? [...records, actual('mail', 'MX', 'mx.example.net')] : records,
      policy,
      outside: outside ? { code: 'name_ignored', message: 'Ignored.' } : null,
    });
  });

function rowOf(record: ActualRecord, wrote: RecordSpec | null): TrackedRecord {
  const { type, content, ttl, proxied } = record;
  return tracked(record.id, wrote ?? { type: type as RecordType, content, ttl, proxied });
}

/** Carries out the changes in order, and refuses what Cloudflare refuses. */
function apply(given: VerdictInput, verdict: Verdict): VerdictInput {
  const zone = new Map(given.actual.map((record) => [record.id, record]));
  const rows = new Map(given.tracked.map((row) => [row.recordId, row]));
  let next = 0;
  for (const change of verdict.changes) {
    const id = change.recordId ?? `new-${next++}`;
    if (change.action === 'create') expect(zone.has(id)).toBe(false);
    else expect(zone.has(id)).toBe(true);
    if (change.after === null) {
      zone.delete(id);
      rows.delete(id);
    } else {
      zone.set(id, actual(id, change.after.type, change.after.content, change.after));
      rows.set(id, tracked(id, change.after));
    }
    expect(refusal([...zone.values()])).toBeNull();
  }
  for (const id of verdict.forget) rows.delete(id);
  return { ...given, actual: [...zone.values()], tracked: [...rows.values()] };
}

function refusal(records: readonly ActualRecord[]): string | null {
  const hosts = records.filter(({ type }) => type !== 'MX');
  if (new Set(hosts.map(key)).size < hosts.length) return '81058: an identical record exists';
  if (hosts.length > 1 && hosts.some(({ type }) => type === 'CNAME')) return '81053: a CNAME stands alone';
  if (hosts.some(({ type }) => type === 'NS') && hosts.some(({ type }) => type !== 'NS'))
    return '81053: NS stands alone';
  return null;
}

const RUNS = { numRuns: 3_000 };
const isHost = ({ type }: ActualRecord) => type === 'A' || type === 'AAAA' || type === 'CNAME';

test('no verdict touches a record that no row tracks', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const ours = new Set(given.tracked.map(({ recordId }) => recordId));
      const verdict = decide(given);
      for (const { recordId, action } of [...verdict.changes, ...verdict.held]) {
        if (action === 'create') expect(recordId).toBeNull();
        else expect(ours.has(recordId ?? '')).toBe(true);
      }
      expect(verdict.foreign.every(({ id }) => !ours.has(id))).toBe(true);
      expect(verdict.forget.every((id) => ours.has(id) && !given.actual.some((record) => record.id === id))).toBe(true);
    }),
    RUNS,
  );
});

test('Cloudflare accepts the changes in their order, and afterwards there are none', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const before = decide(given);
      const settled = apply(given, before);
      const after = decide(settled);
      expect(after.changes).toEqual([]);
      expect(after.held.length).toBe(before.held.length);
      expect(['in_sync', 'gone', 'conflict', 'blocked', 'failed']).toContain(after.state);
      if (before.state === 'missing' || before.state === 'modified') {
        expect(after.state).toBe(before.code === 'consumer_conflict' ? 'conflict' : 'in_sync');
      }
      if (before.state === 'orphaned') expect(after.state).toBe('gone');
    }),
    RUNS,
  );
});

test('a name in sync holds what is desired, and nothing of ours beside it', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const settled = apply(given, decide(given));
      const { state } = decide(settled);
      if (state !== 'in_sync') return;
      const hosts = settled.actual.filter(isHost);
      const wanted = settled.desired?.records ?? [];
      expect(hosts).toHaveLength(wanted.length);
      for (const spec of wanted) expect(hosts.some((record) => sameSpec(record, spec))).toBe(true);
    }),
    RUNS,
  );
});

test('a name that is wanted never loses its last record', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const verdict = decide(given);
      if (given.desired === null) return;
      expect(verdict.changes.some(({ action, replaced }) => action === 'delete' && !replaced)).toBe(false);
      if (given.actual.some(isHost)) expect(apply(given, verdict).actual.some(isHost)).toBe(true);
    }),
    RUNS,
  );
});

test('changes and held changes are in the order delete, update, create, and no record is in both', () => {
  const rank = { delete: 0, update: 1, create: 2 };
  const sorted = (changes: readonly Change[]) =>
    changes.every(({ action }, at) => rank[action] >= rank[changes[at - 1]?.action ?? 'delete']);
  fc.assert(
    fc.property(situation, (given) => {
      const { changes, held } = decide(given);
      expect(sorted(changes) && sorted(held)).toBe(true);
      const ids = [...changes, ...held].flatMap(({ recordId }) => recordId ?? []);
      expect(new Set(ids).size).toBe(ids.length);
    }),
    RUNS,
  );
});

test('a policy allows what it says', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const { changes } = decide(given);
      const actions = changes.map(({ action, replaced }) => (action === 'delete' && !replaced ? 'empty' : action));
      if (given.policy !== 'sync') expect(actions).not.toContain('empty');
      if (given.policy === 'create-only') expect(actions.every((action) => action === 'create')).toBe(true);
      if (given.desired === null && given.outside != null) expect(actions).toEqual([]);
    }),
    RUNS,
  );
});

test('a verdict explains itself, the same for the same facts in whatever order they come', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const verdict = decide(given);
      const turned = decide({ ...given, actual: given.actual.toReversed(), tracked: given.tracked.toReversed() });
      expect([turned.state, turned.drift, turned.code]).toEqual([verdict.state, verdict.drift, verdict.code]);
      if (verdict.code !== null) expect(turned.reason).toBe(verdict.reason);
      if (verdict.state !== 'in_sync' && verdict.state !== 'gone') expect(verdict.reason).toMatch(/\.$/);
      for (const { reason, fqdn } of [...verdict.changes, ...verdict.held]) {
        expect(reason).not.toBe('');
        expect(fqdn).toBe(FQDN);
      }
      expect(verdict.drift === null).toBe(verdict.changes.length + verdict.held.length === 0);
    }),
    RUNS,
  );
});
