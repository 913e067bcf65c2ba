import type { ErrorCode } from '../errors.ts';
import type { DesiredName } from './desired.ts';
import {
  type ActualRecord,
  type Change,
  type Drift,
  type NameState,
  type RecordSpec,
  type RecordType,
  sameSpec,
  specOf,
  type TrackedRecord,
} from './record.ts';

/** Which changes may be made: all, none that deletes a name's last record, or creates alone. */
export type Policy = 'sync' | 'upsert-only' | 'create-only';

/** All that a verdict depends on. */
export interface VerdictInput {
  readonly fqdn: string;
  /** Null when no consumer wants the name. */
  readonly desired: DesiredName | null;
  readonly tracked: readonly TrackedRecord[];
  /** What Cloudflare holds for this name, of whatever type. */
  readonly actual: readonly ActualRecord[];
  /** Is the name the zone's own? */
  readonly apex: boolean;
  readonly rules: { readonly allowApex: boolean; readonly allowWildcard: boolean };
  readonly policy: Policy;
}

/** What is to be done for one name in one zone. */
export interface Verdict {
  /** The state as it is now; `gone` when nobody wants the name and nothing is left of it. */
  readonly state: NameState | 'gone';
  readonly drift: Drift | null;
  /** In the order in which they take effect: deletes, updates, creates. */
  readonly changes: readonly Change[];
  /** Changes that the policy or a foreign record does not allow. */
  readonly held: readonly Change[];
  /** Ids of tracked rows that point at nothing and can be forgotten. */
  readonly forget: readonly string[];
  /** Ids of tracked records that `actual` does not show: a list that could have missed them needs confirmation. */
  readonly absent: readonly string[];
  readonly foreign: readonly ActualRecord[];
  readonly code: ErrorCode | null;
  readonly reason: string | null;
}

/** Types that cannot share a name with ours, or must not: NS delegates it away. */
const IN_THE_WAY = new Set(['A', 'AAAA', 'CNAME', 'NS']);

/**
 * The heart: what to do for a name, from what is desired, tracked and actual. Pure; it never proposes to change a record
 * that is not tracked, and never leaves a name without a record between two changes.
 */
export function decide(input: VerdictInput): Verdict {
  const { fqdn, desired, tracked, actual } = input;
  const ids = new Map(tracked.map((record) => [record.recordId, record]));
  const ours = actual.filter(({ id }) => ids.has(id));
  const foreign = actual.filter(({ id, type }) => !ids.has(id) && IN_THE_WAY.has(type));
  const present = new Set(ours.map(({ id }) => id));
  const absent = tracked.filter(({ recordId }) => !present.has(recordId)).map(({ recordId }) => recordId);
  const base = { drift: null, changes: [], held: [], forget: absent, absent, foreign, code: null, reason: null };
  if (desired === null) return unwanted(input, ours, base);
  const problem = desired.problem ?? optInProblem(input);
  if (problem !== null) return { ...base, forget: [], state: 'failed', code: problem.code, reason: problem.message };
  return wanted(fqdn, input, desired, ours, foreign, base);
}

type Base = Omit<Verdict, 'state'>;

function unwanted({ fqdn, policy }: VerdictInput, ours: readonly ActualRecord[], base: Base): Verdict {
  if (ours.length === 0) return { ...base, state: 'gone' };
  const changes = ours.map((record) => remove(fqdn, record, 'no consumer wants the name any more', false));
  if (policy === 'sync') return { ...base, state: 'orphaned', drift: 'orphaned', changes };
  return { ...base, state: 'blocked', drift: 'orphaned', held: changes, ...policyHolds(policy, 'delete') };
}

function wanted(
  fqdn: string,
  input: VerdictInput,
  desired: DesiredName,
  ours: readonly ActualRecord[],
  foreign: readonly ActualRecord[],
  base: Base,
): Verdict {
  const satisfied = foreign.filter((record) => desired.records.some((spec) => sameSpec(spec, record)));
  const obstacles = foreign.filter((record) => !satisfied.includes(record));
  const { updates, extra, missing } = pair(desired.records, ours, satisfied);
  const who = `${desired.consumer.kind} ${desired.consumer.id}`;
  const replacing = extra.map((record) => remove(fqdn, record, replacedReason(record, missing, who), true));
  const repairs = updates.map(({ record, spec }) => update(fqdn, record, spec));
  const creates = missing.map((spec) => create(fqdn, spec, who));
  const all = [...replacing, ...repairs, ...creates];
  const drift: Drift | null =
    all.length === 0 ? null : ours.length === 0 && updates.length === 0 ? 'missing' : 'modified';
  if (obstacles.length > 0) {
    // Without the creates, the replaced records must stay: the name would lose them for nothing.
    const held = creates.length > 0 ? [...replacing, ...creates] : [];
    const changes = creates.length > 0 ? repairs : all;
    const { changes: allowed, held: alsoHeld } = byPolicy(input.policy, changes);
    return {
      ...base,
      state: 'conflict',
      drift,
      changes: allowed,
      held: [...held, ...alsoHeld],
      code: 'cloudflare_conflict',
      reason: obstacleReason(fqdn, obstacles),
    };
  }
  const { changes, held } = byPolicy(input.policy, all);
  if (held.length > 0)
    return {
      ...base,
      state: 'blocked',
      drift,
      changes,
      held,
      ...policyHolds(input.policy, held[0]?.action ?? 'update'),
    };
  if (desired.rivals.length > 0) {
    return {
      ...base,
      state: changes.length > 0 && drift !== null ? drift : 'conflict',
      drift,
      changes,
      code: 'consumer_conflict',
      reason: rivalReason(who, desired),
    };
  }
  return { ...base, state: drift ?? 'in_sync', drift, changes };
}

interface Pairing {
  readonly updates: readonly { record: ActualRecord; spec: RecordSpec }[];
  readonly extra: readonly ActualRecord[];
  readonly missing: readonly RecordSpec[];
}

/** Which of our records becomes which desired one: equal ones first, then those of the same type. */
function pair(
  desired: readonly RecordSpec[],
  ours: readonly ActualRecord[],
  satisfied: readonly ActualRecord[],
): Pairing {
  let specs = desired.filter((spec) => !satisfied.some((record) => sameSpec(spec, record)));
  let records = [...ours];
  const exact = (spec: RecordSpec) => records.findIndex((record) => sameSpec(record, spec));
  specs = specs.filter((spec) => {
    const at = exact(spec);
    if (at >= 0) records = records.toSpliced(at, 1);
    return at < 0;
  });
  const updates: { record: ActualRecord; spec: RecordSpec }[] = [];
  // The record that already has the content comes first: only its other fields are wrong.
  for (const same of [(a: ActualRecord, b: RecordSpec) => a.content === b.content, () => true]) {
    specs = specs.filter((spec) => {
      const at = records.findIndex((record) => record.type === spec.type && same(record, spec));
      const record = records[at];
      if (record === undefined) return true;
      updates.push({ record, spec });
      records = records.toSpliced(at, 1);
      return false;
    });
  }
  return { updates, extra: records, missing: specs };
}

function byPolicy(policy: Policy, all: readonly Change[]): { changes: readonly Change[]; held: readonly Change[] } {
  if (policy !== 'create-only') return { changes: all, held: [] };
  // A create that needs room made for it waits together with that.
  if (all.some(({ action }) => action === 'delete')) return { changes: [], held: all };
  return {
    changes: all.filter(({ action }) => action === 'create'),
    held: all.filter(({ action }) => action !== 'create'),
  };
}

function policyHolds(policy: Policy, action: string): { code: ErrorCode; reason: string } {
  return { code: 'policy_held', reason: `ZONEKEEPER_POLICY=${policy} does not allow to ${action} records.` };
}

function optInProblem({ fqdn, apex, rules }: VerdictInput): { code: ErrorCode; message: string } | null {
  if (apex && !rules.allowApex)
    return { code: 'name_apex', message: `${fqdn} is the apex of its zone; ZONEKEEPER_ALLOW_APEX is not set.` };
  if (fqdn.startsWith('*.') && !rules.allowWildcard) {
    return { code: 'name_wildcard', message: `${fqdn} is a wildcard; ZONEKEEPER_ALLOW_WILDCARD is not set.` };
  }
  return null;
}

function specOfActual(record: ActualRecord): RecordSpec {
  return { type: record.type as RecordType, content: record.content, ttl: record.ttl, proxied: record.proxied };
}

function create(fqdn: string, spec: RecordSpec, who: string): Change {
  return {
    fqdn,
    action: 'create',
    type: spec.type,
    recordId: null,
    before: null,
    after: specOf(spec),
    reason: `${who} wants it and Cloudflare does not have it`,
    replaced: false,
  };
}

function update(fqdn: string, record: ActualRecord, spec: RecordSpec): Change {
  const before = specOfActual(record);
  return {
    fqdn,
    action: 'update',
    type: spec.type,
    recordId: record.id,
    before,
    after: specOf(spec),
    reason: differences(before, spec),
    replaced: false,
  };
}

function remove(fqdn: string, record: ActualRecord, reason: string, replaced: boolean): Change {
  return {
    fqdn,
    action: 'delete',
    type: record.type,
    recordId: record.id,
    before: specOfActual(record),
    after: null,
    reason,
    replaced,
  };
}

/** Field by field, as a person would tell it. */
function differences(actual: RecordSpec, desired: RecordSpec): string {
  const fields = (['content', 'ttl', 'proxied'] as const).filter((field) => actual[field] !== desired[field]);
  return fields.map((field) => `${field} is ${actual[field]} at Cloudflare and should be ${desired[field]}`).join('; ');
}

function replacedReason(record: ActualRecord, missing: readonly RecordSpec[], who: string): string {
  const types = [...new Set(missing.map(({ type }) => type))].join(', ');
  return missing.length > 0 ? `${who} wants ${types} instead of ${record.type}` : `${who} wants fewer records`;
}

function obstacleReason(fqdn: string, obstacles: readonly ActualRecord[]): string {
  const shown = obstacles
    .slice(0, 3)
    .map(({ type, content }) => `${type} ${content}`)
    .join(', ');
  const more = obstacles.length > 3 ? ` and ${obstacles.length - 3} more` : '';
  return `${fqdn} holds a record that Zonekeeper does not track: ${shown}${more}.`;
}

function rivalReason(who: string, { rivals }: DesiredName): string {
  const others = rivals
    .slice(0, 3)
    .map(({ kind, id }) => `${kind} ${id}`)
    .join(', ');
  return `${who} is served; ${others}${rivals.length > 3 ? ' and others' : ''} want something else for the same name.`;
}
