import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/dns/record.ts';
import { decide } from '../../../src/dns/verdict.ts';
import { actual, desired, FQDN, input, spec, tracked } from './builders.ts';

const A1 = spec('A', '192.0.2.1');
const A2 = spec('A', '192.0.2.2');
const A3 = spec('A', '192.0.2.3');
const AAAA = spec('AAAA', '2001:db8::1');
const CNAME = spec('CNAME', 'origin.example.net');

/** Changes in short: `create A 192.0.2.1`, `update r1 A 192.0.2.1`, `delete r1` (`replace r1` where the name keeps a record). */
const brief = (changes: readonly Change[]) =>
  changes.map(({ action, type, recordId, after, replaced }) => {
    const what = after === null ? '' : ` ${type} ${after.content}`;
    return `${action === 'delete' && replaced ? 'replace' : action}${recordId === null ? '' : ` ${recordId}`}${what}`;
  });

describe('a wanted name', () => {
  test('whose record is as desired is in sync', () => {
    const verdict = decide(
      input({ desired: desired(A1), tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)] }),
    );
    expect(verdict).toEqual({
      state: 'in_sync',
      drift: null,
      changes: [],
      held: [],
      forget: [],
      absent: [],
      foreign: [],
      code: null,
      reason: null,
    });
  });

  test('without record is missing, and gets one', () => {
    const verdict = decide(input({ desired: desired(A1) }));
    expect(verdict).toMatchObject({ state: 'missing', drift: 'missing', code: null });
    expect(verdict.changes).toEqual([
      {
        fqdn: FQDN,
        action: 'create',
        type: 'A',
        recordId: null,
        before: null,
        after: A1,
        reason: 'instance 42 wants it and Cloudflare has no such record',
        replaced: false,
      },
    ]);
    expect(verdict.reason).toBe('instance 42 wants it and Cloudflare has no such record.');
  });

  test('whose record was deleted at Cloudflare gets it again, and the row of the old one is forgotten', () => {
    const verdict = decide(input({ desired: desired(A1), tracked: [tracked('r1', A1)] }));
    expect(verdict).toMatchObject({ state: 'missing', forget: ['r1'], absent: ['r1'] });
    expect(verdict.changes[0]?.reason).toBe('instance 42 wants it and it was deleted at Cloudflare');
  });

  test('whose record was changed at Cloudflare is modified, and is told what was changed', () => {
    const record = actual('r1', 'A', '198.51.100.1', { ttl: 300 });
    const verdict = decide(input({ desired: desired(A1), tracked: [tracked('r1', A1)], actual: [record] }));
    expect(verdict).toMatchObject({ state: 'modified', drift: 'modified' });
    expect(brief(verdict.changes)).toEqual(['update r1 A 192.0.2.1']);
    expect(verdict.changes[0]?.before).toEqual(spec('A', '198.51.100.1', { ttl: 300 }));
    expect(verdict.changes[0]?.reason).toBe(
      'content was changed from 192.0.2.1 to 198.51.100.1 at Cloudflare; ttl was changed from 1 to 300 at Cloudflare',
    );
  });

  test('whose consumer changed its mind is modified, and is told what is wanted', () => {
    const verdict = decide(
      input({
        desired: desired(spec('A', '192.0.2.1', { proxied: true })),
        tracked: [tracked('r1', A1)],
        actual: [actual('r1', 'A', A1.content)],
      }),
    );
    expect(verdict.changes[0]?.reason).toBe('instance 42 wants proxied true instead of false');
  });

  test('where both happened is told both', () => {
    const verdict = decide(
      input({ desired: desired(A3), tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A2.content)] }),
    );
    expect(verdict.reason).toBe(
      'content was changed from 192.0.2.1 to 192.0.2.2 at Cloudflare, and should be 192.0.2.3.',
    );
  });

  test('of which only the comment was changed is in sync', () => {
    const record = actual('r1', 'A', A1.content, { comment: 'do not touch!' });
    expect(decide(input({ desired: desired(A1), tracked: [tracked('r1', A1)], actual: [record] })).state).toBe(
      'in_sync',
    );
  });

  test('whose type changes gives up the old record for the new one, which makes room first', () => {
    const verdict = decide(
      input({ desired: desired(CNAME), tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)] }),
    );
    expect(verdict).toMatchObject({ state: 'modified', drift: 'modified' });
    expect(brief(verdict.changes)).toEqual(['replace r1', 'create CNAME origin.example.net']);
    expect(verdict.changes[0]?.reason).toBe('instance 42 wants CNAME instead of A');
  });

  test('with a set changes as little of it as possible, in the order delete, update, create', () => {
    const verdict = decide(
      input({
        desired: desired(A1, { ...A2, ttl: 300 }, AAAA),
        tracked: [tracked('r1', A3), tracked('r2', A2), tracked('r3', A1), tracked('r4', spec('A', '192.0.2.4'))],
        actual: [
          actual('r1', 'A', A3.content),
          actual('r2', 'A', A2.content),
          actual('r3', 'A', A1.content),
          actual('r4', 'A', '192.0.2.4'),
        ],
      }),
    );
    expect(brief(verdict.changes)).toEqual([
      'replace r1',
      'replace r4',
      'update r2 A 192.0.2.2',
      'create AAAA 2001:db8::1',
    ]);
    expect(verdict.changes[0]?.reason).toBe('instance 42 does not want A 192.0.2.3');
  });

  test('with a set updates records in place of a delete and a create', () => {
    const verdict = decide(
      input({
        desired: desired(A2, A3),
        tracked: [tracked('r1', A1), tracked('r2', A2)],
        actual: [actual('r1', 'A', A1.content), actual('r2', 'A', A2.content)],
      }),
    );
    expect(brief(verdict.changes)).toEqual(['update r1 A 192.0.2.3']);
  });

  test('that is not usable fails, and keeps the records and rows that it has', () => {
    const problem = { code: 'target_invalid', message: 'No target.' } as const;
    const verdict = decide(
      input({
        desired: { ...desired(), problem },
        tracked: [tracked('r1', A1), tracked('r2', A2)],
        actual: [actual('r1', 'A', A1.content)],
      }),
    );
    expect(verdict).toMatchObject({ state: 'failed', code: 'target_invalid', reason: 'No target.', drift: null });
    expect([verdict.changes, verdict.held, verdict.forget]).toEqual([[], [], []]);
  });

  test('for which nothing is desired is not emptied: that is for the guard to let through', () => {
    const verdict = decide(
      input({ desired: desired(), tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)] }),
    );
    expect(verdict).toMatchObject({ state: 'failed', code: 'internal', changes: [] });
  });
});

describe('apex and wildcard names', () => {
  const apex = input({ fqdn: 'example.com', desired: { ...desired(A1), fqdn: 'example.com' }, apex: true });
  const wildcard = input({ fqdn: '*.example.com', desired: { ...desired(A1), fqdn: '*.example.com' } });

  test('fail unless each is opted in', () => {
    expect(decide(apex)).toMatchObject({ state: 'failed', code: 'name_apex', changes: [] });
    expect(decide(wildcard)).toMatchObject({ state: 'failed', code: 'name_wildcard', changes: [] });
    expect(decide({ ...apex, rules: { allowApex: false, allowWildcard: true } }).state).toBe('failed');
    expect(decide({ ...wildcard, rules: { allowApex: true, allowWildcard: false } }).state).toBe('failed');
  });

  test('are served like others then', () => {
    expect(decide({ ...apex, rules: { allowApex: true, allowWildcard: false } }).state).toBe('missing');
    expect(decide({ ...wildcard, rules: { allowApex: false, allowWildcard: true } }).state).toBe('missing');
  });

  test("are not hindered by the apex's own NS records, as other names are", () => {
    const ns = [actual('f1', 'NS', 'ns1.example.net')];
    const rules = { allowApex: true, allowWildcard: true };
    expect(decide({ ...apex, actual: ns, rules })).toMatchObject({ state: 'missing', foreign: ns });
    expect(decide({ ...wildcard, actual: ns, rules }).state).toBe('conflict');
  });
});

describe('a name that no consumer wants', () => {
  test('loses what is ours', () => {
    const verdict = decide(
      input({
        tracked: [tracked('r1', A1), tracked('r2', A2), tracked('r3', A3)],
        actual: [actual('r1', 'A', A1.content), actual('r2', 'A', A2.content), actual('f1', 'AAAA', AAAA.content)],
      }),
    );
    expect(verdict).toMatchObject({ state: 'orphaned', drift: 'orphaned', forget: ['r3'], code: null });
    expect(brief(verdict.changes)).toEqual(['delete r1', 'delete r2']);
    expect(verdict.reason).toBe('no consumer wants it any more.');
  });

  test('is gone when nothing is ours, whatever else stands there', () => {
    const verdict = decide(input({ tracked: [tracked('r1', A1)], actual: [actual('f1', 'A', A1.content)] }));
    expect(verdict).toMatchObject({ state: 'gone', changes: [], forget: ['r1'] });
    expect(decide(input()).state).toBe('gone');
  });

  test('keeps its records where the configuration leaves the name alone', () => {
    const outside = { code: 'name_ignored', message: 'It is ignored.' } as const;
    const verdict = decide(input({ tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)], outside }));
    expect(verdict).toMatchObject({
      state: 'blocked',
      drift: 'orphaned',
      code: 'name_ignored',
      reason: 'It is ignored.',
    });
    expect(verdict.changes).toEqual([]);
    expect(brief(verdict.held)).toEqual(['delete r1']);
  });
});

describe('a foreign record', () => {
  test('that says just what is desired satisfies it', () => {
    const record = actual('f1', 'A', A1.content);
    const verdict = decide(input({ desired: desired(A1), actual: [record] }));
    expect(verdict).toMatchObject({ state: 'in_sync', changes: [], foreign: [record], code: null });
    expect(verdict.reason).toContain('a record that is not ours');
  });

  test('that says a part of it satisfies that part', () => {
    const verdict = decide(input({ desired: desired(A1, A2), actual: [actual('f1', 'A', A1.content)] }));
    expect(brief(verdict.changes)).toEqual(['create A 192.0.2.2']);
  });

  test('that says it makes ours superfluous', () => {
    const verdict = decide(
      input({
        desired: desired(A1),
        tracked: [tracked('r1', A2)],
        actual: [actual('r1', 'A', A2.content), actual('f1', 'A', A1.content)],
      }),
    );
    expect(brief(verdict.changes)).toEqual(['replace r1']);
  });

  test.each([
    ['another content', actual('f1', 'A', '198.51.100.1')],
    ['another TTL', actual('f1', 'A', A1.content, { ttl: 300 })],
    ['another type', actual('f1', 'CNAME', 'elsewhere.example.net')],
    ['a delegation', actual('f1', 'NS', 'ns1.example.net')],
  ])('with %s is in the way: reported, never overwritten', (_, record) => {
    const verdict = decide(input({ desired: desired(A1), actual: [record] }));
    expect(verdict).toMatchObject({ state: 'conflict', drift: 'missing', code: 'cloudflare_conflict', changes: [] });
    expect(brief(verdict.held)).toEqual(['create A 192.0.2.1']);
    expect(verdict.reason).toBe(`${FQDN} holds a record that is not ours: ${record.type} ${record.content}.`);
  });

  test.each(['TXT', 'MX', 'CAA', 'HTTPS'])('of type %s is none of our business', (type) => {
    const verdict = decide(input({ desired: desired(A1), actual: [actual('f1', type, 'x')] }));
    expect(verdict).toMatchObject({ state: 'missing', foreign: [] });
  });

  test('does not keep ours from being repaired', () => {
    const verdict = decide(
      input({
        desired: desired(A1),
        tracked: [tracked('r1', A1)],
        actual: [actual('r1', 'A', A2.content), actual('f1', 'A', A3.content)],
      }),
    );
    expect(verdict).toMatchObject({ state: 'conflict', drift: 'modified', held: [] });
    expect(brief(verdict.changes)).toEqual(['update r1 A 192.0.2.1']);
  });

  test('keeps ours from becoming its double, which Cloudflare would refuse each time', () => {
    const verdict = decide(
      input({
        desired: desired(A1),
        tracked: [tracked('r1', A2), tracked('r2', A3)],
        actual: [
          actual('r1', 'A', A2.content),
          actual('r2', 'A', A3.content),
          actual('f1', 'A', A1.content, { ttl: 300 }),
        ],
      }),
    );
    expect(verdict).toMatchObject({ state: 'conflict', changes: [] });
    expect(brief(verdict.held)).toEqual(['replace r2', 'update r1 A 192.0.2.1']);
  });

  test('keeps a replacement waiting as a whole: the name would lose its record for nothing', () => {
    const verdict = decide(
      input({
        desired: desired(AAAA),
        tracked: [tracked('r1', A1)],
        actual: [actual('r1', 'A', A1.content), actual('f1', 'A', A2.content)],
      }),
    );
    expect(verdict).toMatchObject({ state: 'conflict', changes: [] });
    expect(brief(verdict.held)).toEqual(['replace r1', 'create AAAA 2001:db8::1']);
  });

  test('does not keep superfluous ones of ours when nothing else waits', () => {
    const verdict = decide(
      input({
        desired: desired(A1),
        tracked: [tracked('r1', A1), tracked('r2', A2)],
        actual: [actual('r1', 'A', A1.content), actual('r2', 'A', A2.content), actual('f1', 'A', A3.content)],
      }),
    );
    expect(verdict.state).toBe('conflict');
    expect(brief(verdict.changes)).toEqual(['replace r2']);
  });

  test('is told in the same sentence, in whatever order the list came', () => {
    const records = [1, 2, 3, 4, 5].map((n) => actual(`f${n}`, 'A', `198.51.100.${n}`));
    const { reason } = decide(input({ desired: desired(A1), actual: records }));
    expect(reason).toBe(
      `${FQDN} holds records that are not ours: A 198.51.100.1, A 198.51.100.2, A 198.51.100.3 and 2 more.`,
    );
    expect(decide(input({ desired: desired(A1), actual: records.toReversed() })).reason).toBe(reason);
  });
});

describe('the policy', () => {
  const orphan = { tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)] };

  test.each(['upsert-only', 'create-only'] as const)('%s deletes no orphan', (policy) => {
    const verdict = decide(input({ ...orphan, policy }));
    expect(verdict).toMatchObject({ state: 'blocked', drift: 'orphaned', code: 'policy_held', changes: [] });
    expect(brief(verdict.held)).toEqual(['delete r1']);
    expect(verdict.reason).toBe(`ZONEKEEPER_POLICY=${policy} does not allow to delete here.`);
  });

  test('upsert-only replaces records, because the name keeps one', () => {
    const verdict = decide(input({ ...orphan, desired: desired(CNAME), policy: 'upsert-only' }));
    expect(brief(verdict.changes)).toEqual(['replace r1', 'create CNAME origin.example.net']);
  });

  test('create-only creates what is missing, and leaves the rest', () => {
    const verdict = decide(input({ ...orphan, desired: desired(A2, AAAA), policy: 'create-only' }));
    expect(verdict).toMatchObject({ state: 'blocked', drift: 'modified', code: 'policy_held' });
    expect(brief(verdict.changes)).toEqual(['create AAAA 2001:db8::1']);
    expect(brief(verdict.held)).toEqual(['update r1 A 192.0.2.2']);
  });

  test('create-only does not create beside what would have to go', () => {
    const verdict = decide(input({ ...orphan, desired: desired(CNAME), policy: 'create-only' }));
    expect(verdict).toMatchObject({ state: 'blocked', changes: [] });
    expect(brief(verdict.held)).toEqual(['replace r1', 'create CNAME origin.example.net']);
    expect(verdict.reason).toBe('ZONEKEEPER_POLICY=create-only does not allow to delete and create here.');
  });
});

describe('rivals', () => {
  const rivals = [
    { kind: 'instance', id: '43' },
    { kind: 'standalone_proxy', id: '7' },
  ];
  const contested = { ...desired(A1), rivals };

  test('are reported while the older consumer is served', () => {
    const verdict = decide(
      input({ desired: contested, tracked: [tracked('r1', A1)], actual: [actual('r1', 'A', A1.content)] }),
    );
    expect(verdict).toMatchObject({ state: 'conflict', code: 'consumer_conflict', changes: [], drift: null });
    expect(verdict.reason).toBe(
      `instance 42 is served; instance 43, standalone_proxy 7 want something else for ${FQDN}.`,
    );
  });

  test('do not hold up its changes', () => {
    const verdict = decide(input({ desired: contested }));
    expect(verdict).toMatchObject({ state: 'missing', drift: 'missing', code: 'consumer_conflict' });
    expect(brief(verdict.changes)).toEqual(['create A 192.0.2.1']);
  });
});
