import type { ErrorCode } from '../errors.ts';
import type { DesiredName, Problem } from './desired.ts';
import { pairRecords } from './pairing.ts';
import {
  createReason,
  foreignReason,
  ORPHAN_REASON,
  obstacleReason,
  pendingReason,
  policyReason,
  replaceReason,
  rivalReason,
  updateReason,
} from './reasons.ts';
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

/** Which changes may be made: all; none that deletes a name's last record; or creates alone. */
export type Policy = 'sync' | 'upsert-only' | 'create-only';

/** All that a verdict depends on. */
export interface VerdictInput {
  readonly fqdn: string;
  /** Null when no consumer wants the name. */
  readonly desired: DesiredName | null;
  /** The rows of the name in this zone. */
  readonly tracked: readonly TrackedRecord[];
  /** What Cloudflare holds for this name in this zone, of whatever type. */
  readonly actual: readonly ActualRecord[];
  /** Is the name the zone's own? */
  readonly apex: boolean;
  readonly rules: { readonly allowApex: boolean; readonly allowWildcard: boolean };
  readonly policy: Policy;
  /**
   * Set when the configuration leaves the name alone (see outsideProblem): an orphan is then held, too. A desired name
   * carries the same in its own problem.
   */
  readonly outside?: Problem | null;
}

/** What is to be done for one name in one zone. */
export interface Verdict {
  /** The state as it is now; `gone` when nobody wants the name and nothing of ours is left of it. */
  readonly state: NameState | 'gone';
  /** How desired and actual differ; null when they do not, or when what is desired cannot be said. */
  readonly drift: Drift | null;
  /** In the order in which they take effect: deletes, updates, creates. They belong in one batch call. */
  readonly changes: readonly Change[];
  /** Changes that the policy, the configuration or a foreign record does not allow, in the same order. */
  readonly held: readonly Change[];
  /** Ids of tracked rows that point at nothing and can be forgotten. */
  readonly forget: readonly string[];
  /** Ids of tracked records that `actual` does not show: a list that could have missed them needs confirmation. */
  readonly absent: readonly string[];
  /** Records on the name that are not ours, of the types that matter to us. */
  readonly foreign: readonly ActualRecord[];
  /** Set when more than a change is needed: something holds, hinders or forbids it. */
  readonly code: ErrorCode | null;
  /** Why the name is as it is, for people; null when there is nothing to say. */
  readonly reason: string | null;
}

/** Types that cannot share a name with ours, or must not: NS delegates it away. All others are ignored. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME', 'NS']);

/** What is known of one name, sorted. */
interface Facts {
  readonly input: VerdictInput;
  /** Records that rows track. */
  readonly ours: readonly ActualRecord[];
  readonly rows: ReadonlyMap<string, TrackedRecord>;
  /** What all verdicts have in common. */
  readonly base: Omit<Verdict, 'state'>;
}

/**
 * The heart: what to do for one name in one zone, from what is desired, tracked and actual. Pure, and total: it never
 * throws. Three promises hold for every input. It never proposes to change a record that no row tracks. Once its changes
 * are made, it proposes none. A name that is wanted never loses its last record but in a batch that gives it another.
 */
export function decide(input: VerdictInput): Verdict {
  const { desired, tracked } = input;
  const rows = new Map(tracked.map((row) => [row.recordId, row]));
  const actual = input.actual.filter(({ type }) => IN_THE_WAY.has(type));
  const ours = actual.filter(({ id }) => rows.has(id));
  const foreign = actual.filter(({ id }) => !rows.has(id));
  const absent = [...rows.keys()].filter((recordId) => !ours.some(({ id }) => id === recordId));
  const base = { drift: null, changes: [], held: [], forget: absent, absent, foreign, code: null, reason: null };
  const facts = { input, ours, rows, base };
  if (desired === null) return unwanted(facts);
  const problem = desired.problem ?? optInProblem(input) ?? emptyProblem(desired);
  // What the rows track may be what the name should have again once its problem is solved: not even a row is forgotten.
  if (problem !== null) return { ...base, forget: [], state: 'failed', code: problem.code, reason: problem.message };
  return wanted(facts, desired);
}

function unwanted({ input, ours, base }: Facts): Verdict {
  const { fqdn, policy, outside } = input;
  if (ours.length === 0) return { ...base, state: 'gone' };
  const changes = ours.map((record) => remove(fqdn, record, ORPHAN_REASON, false));
  if (outside != null) {
    const { code, message } = outside;
    return { ...base, state: 'blocked', drift: 'orphaned', held: changes, code, reason: message };
  }
  if (policy !== 'sync') {
    const reason = policyReason(policy, changes);
    return { ...base, state: 'blocked', drift: 'orphaned', held: changes, code: 'policy_held', reason };
  }
  return { ...base, state: 'orphaned', drift: 'orphaned', changes, reason: pendingReason(changes) };
}

function wanted({ input, ours, rows, base }: Facts, desired: DesiredName): Verdict {
  const { fqdn, policy, apex } = input;
  const { consumer, rivals } = desired;
  const { updates, extra, missing } = pairRecords(desired.records, ours, base.foreign);
  const all: Work = {
    deletes: extra.map((record) => remove(fqdn, record, replaceReason(consumer, record, desired.records), true)),
    updates: updates.map(({ record, spec }) =>
      update(fqdn, record, spec, updateReason(consumer, record, rows.get(record.id), spec)),
    ),
    creates: missing.map((spec) => create(fqdn, spec, createReason(consumer, wasTracked(base.absent, rows, spec)))),
  };
  const total = listed(all).length;
  const drift: Drift | null = total === 0 ? null : ours.length === 0 ? 'missing' : 'modified';
  const obstacles = base.foreign.filter((record) => isObstacle(record, desired, apex));
  const free = obstacles.length === 0 ? all : aroundObstacles(all, obstacles);
  const changes = listed(byPolicy(policy, free));
  const held = listed(all).filter((change) => !changes.includes(change));
  const verdict = { ...base, drift, changes, held };
  if (obstacles.length > 0) {
    return { ...verdict, state: 'conflict', code: 'cloudflare_conflict', reason: obstacleReason(fqdn, obstacles) };
  }
  if (held.length > 0) {
    return { ...verdict, state: 'blocked', code: 'policy_held', reason: policyReason(policy, held) };
  }
  if (rivals.length > 0) {
    const reason = rivalReason(fqdn, consumer, rivals);
    return { ...verdict, state: drift ?? 'conflict', code: 'consumer_conflict', reason };
  }
  if (drift !== null) return { ...verdict, state: drift, reason: pendingReason(changes) };
  return { ...verdict, state: 'in_sync', reason: ours.length === 0 ? foreignReason(fqdn) : null };
}

/** The changes of one name by what they do. */
interface Work {
  readonly deletes: readonly Change[];
  readonly updates: readonly Change[];
  readonly creates: readonly Change[];
}

/** Deletes make room for what comes, as Cloudflare demands within a batch, too: a CNAME stands alone. */
const listed = ({ deletes, updates, creates }: Work): Change[] => [...deletes, ...updates, ...creates];

/** A foreign record hinders unless it says just what is desired. At the apex, NS records delegate nothing away. */
function isObstacle(record: ActualRecord, desired: DesiredName, apex: boolean): boolean {
  if (record.type === 'NS' && apex) return false;
  return !desired.records.some((spec) => sameSpec(spec, record));
}

/** What can be done beside foreign records: repairs of ours that do not run into one, and then what is superfluous. */
function aroundObstacles({ deletes, updates, creates }: Work, obstacles: readonly ActualRecord[]): Work {
  // Cloudflare holds a content once per name and type, whatever its TTL: the update would be refused each time.
  const doubles = ({ after }: Change) =>
    obstacles.some(({ type, content }) => type === after?.type && content === after.content);
  const repairs = updates.filter((change) => !doubles(change));
  // As long as something wanted is held, what stands instead of it must stay: the name would lose it for nothing.
  const complete = creates.length === 0 && repairs.length === updates.length;
  return { deletes: complete ? deletes : [], updates: repairs, creates: [] };
}

/** The part that the policy allows. Deletes are replacing ones here: they leave the name with another record. */
function byPolicy(policy: Policy, work: Work): Work {
  if (policy !== 'create-only') return work;
  // Creates that need room made for them wait together with that.
  return { deletes: [], updates: [], creates: work.deletes.length > 0 ? [] : work.creates };
}

function wasTracked(absent: readonly string[], rows: ReadonlyMap<string, TrackedRecord>, spec: RecordSpec): boolean {
  return absent.some((id) => rows.get(id)?.type === spec.type && rows.get(id)?.content === spec.content);
}

function optInProblem({ fqdn, apex, rules }: VerdictInput): Problem | null {
  if (apex && !rules.allowApex) {
    return { code: 'name_apex', message: `${fqdn} is the apex of its zone; ZONEKEEPER_ALLOW_APEX is not set.` };
  }
  if (fqdn.startsWith('*.') && !rules.allowWildcard) {
    return { code: 'name_wildcard', message: `${fqdn} is a wildcard; ZONEKEEPER_ALLOW_WILDCARD is not set.` };
  }
  return null;
}

/** A consumer that wants nothing contradicts itself. Taken at its word, its name would be emptied past the guard. */
function emptyProblem({ fqdn, records }: DesiredName): Problem | null {
  return records.length > 0 ? null : { code: 'internal', message: `No record is desired for ${fqdn}.` };
}

/** The four fields of a record. Ours can have become NS by hand; it then only stands before a delete. */
function specOfActual({ type, content, ttl, proxied }: ActualRecord): RecordSpec {
  return { type: type as RecordType, content, ttl, proxied };
}

function create(fqdn: string, spec: RecordSpec, reason: string): Change {
  const after = specOf(spec);
  return { fqdn, action: 'create', type: spec.type, recordId: null, before: null, after, reason, replaced: false };
}

function update(fqdn: string, record: ActualRecord, spec: RecordSpec, reason: string): Change {
  const [before, after] = [specOfActual(record), specOf(spec)];
  return { fqdn, action: 'update', type: spec.type, recordId: record.id, before, after, reason, replaced: false };
}

function remove(fqdn: string, record: ActualRecord, reason: string, replaced: boolean): Change {
  const before = specOfActual(record);
  return { fqdn, action: 'delete', type: record.type, recordId: record.id, before, after: null, reason, replaced };
}
