import type { DesiredName, DesiredRow, Problem } from './desired.ts';
import { normalizeName } from './name.ts';
import { matchesAny, type NamePattern } from './pattern.ts';
import { type ConsumerRef, RECORD_TYPES, type RecordSpec, type RecordType } from './record.ts';
import { parseTarget, type TargetAllowList } from './target.ts';

/** What the configuration says about names and targets. */
export interface DesiredRules {
  /** Null: all names. */
  readonly names: readonly NamePattern[] | null;
  readonly ignore: readonly NamePattern[];
  readonly targets: TargetAllowList;
}

/** Seconds (Cloudflare's limits outside of Enterprise); 1 is automatic. */
const MIN_TTL = 60;
const MAX_TTL = 86_400;
/** Records of one consumer on one name; a call carries at least 200 operations. */
const MAX_SET = 100;

interface Claim {
  readonly consumer: ConsumerRef;
  readonly since: number | null;
  readonly records: readonly RecordSpec[];
  readonly problem: Problem | null;
}

/**
 * What a name should be, from the rows that lead to it. The rows of one consumer are a record set; of several consumers
 * the oldest is served. Never throws: what is wrong with a row is the name's problem. Null without rows.
 */
export function resolveDesired(fqdn: string, rows: readonly DesiredRow[], rules: DesiredRules): DesiredName | null {
  const [first, ...others] = claims(rows, rules);
  if (first === undefined) return null;
  const rivals = others.filter((other) => !sameSet(first.records, other.records)).map(({ consumer }) => consumer);
  const problem = nameProblem(fqdn, rows, rules) ?? first.problem ?? selfProblem(fqdn, first.records);
  return { fqdn, records: problem === null ? first.records : [], consumer: first.consumer, rivals, problem };
}

/** One claim per consumer, the oldest first. */
function claims(rows: readonly DesiredRow[], rules: DesiredRules): Claim[] {
  if (rows.length === 1 && rows[0] !== undefined) return [claim(rows, rows[0], rules)];
  const byConsumer = new Map<string, DesiredRow[]>();
  for (const row of rows) {
    const key = `${row.consumer.kind}/${row.consumer.id}`;
    const group = byConsumer.get(key);
    if (group === undefined) byConsumer.set(key, [row]);
    else group.push(row);
  }
  const result = [...byConsumer.values()].flatMap((group) =>
    group[0] === undefined ? [] : [claim(group, group[0], rules)],
  );
  return result.sort(older);
}

function claim(rows: readonly DesiredRow[], first: DesiredRow, rules: DesiredRules): Claim {
  const records: RecordSpec[] = [];
  let problem: Problem | null = null;
  for (const row of rows) {
    const spec = specOfRow(row, rules);
    if ('problem' in spec) problem ??= spec.problem;
    else if (!records.some((known) => known.type === spec.record.type && known.content === spec.record.content))
      records.push(spec.record);
  }
  records.sort((a, b) => compareText(a.type, b.type) || compareText(a.content, b.content));
  problem ??= setProblem(records);
  return { consumer: first.consumer, since: first.since, records, problem };
}

function older(a: Claim, b: Claim): number {
  if (a.since !== b.since) return a.since === null ? 1 : b.since === null ? -1 : a.since - b.since;
  return compareText(a.consumer.kind, b.consumer.kind) || compareIds(a.consumer.id, b.consumer.id);
}

const INTEGER = /^\d{1,15}$/;

/** Numbers by value, others by length and text: serial ids then keep the order in which they were given. */
function compareIds(a: string, b: string): number {
  if (INTEGER.test(a) && INTEGER.test(b)) return Number(a) - Number(b);
  return a.length - b.length || compareText(a, b);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function specOfRow(row: DesiredRow, rules: DesiredRules): { record: RecordSpec } | { problem: Problem } {
  const who = `${row.consumer.kind} ${row.consumer.id}`;
  if (row.content === null || row.content.trim() === '') {
    return { problem: { code: 'target_invalid', message: `Neither ${who} nor the settings say a target.` } };
  }
  const parsed = parseTarget(row.content);
  if (!parsed.ok) return { problem: { code: parsed.problem.code, message: `Of ${who}: ${parsed.problem.message}` } };
  const { target } = parsed;
  if (!rules.targets.allows(target)) {
    return {
      problem: {
        code: 'target_refused',
        message: `${who} points at ${target.content}, which ZONEKEEPER_TARGETS does not allow.`,
      },
    };
  }
  const type =
    row.type === null || row.type.trim() === '' ? target.type : (row.type.trim().toUpperCase() as RecordType);
  if (type !== target.type) {
    const known = RECORD_TYPES.includes(type)
      ? `a ${type} record cannot hold ${target.content}`
      : `the type ${JSON.stringify(type.slice(0, 20))} is not managed`;
    return { problem: { code: 'type_invalid', message: `Of ${who}: ${known}.` } };
  }
  const proxied = row.proxied === 'true' || row.proxied === 't';
  const ttl = row.ttl === null ? 1 : Number(row.ttl);
  if (!Number.isInteger(ttl) || (ttl !== 1 && (ttl < MIN_TTL || ttl > MAX_TTL))) {
    return {
      problem: {
        code: 'ttl_invalid',
        message: `Of ${who}: the TTL ${row.ttl} is neither 1 nor from ${MIN_TTL} to ${MAX_TTL} seconds.`,
      },
    };
  }
  // Cloudflare answers 1 for every proxied record, whatever was asked for.
  return { record: { type, content: target.content, ttl: proxied ? 1 : ttl, proxied } };
}

function setProblem(records: readonly RecordSpec[]): Problem | null {
  if (records.length <= 1) return null;
  if (records.some(({ type }) => type === 'CNAME')) {
    return { code: 'type_invalid', message: 'A CNAME record stands alone on its name.' };
  }
  if (records.length > MAX_SET) return { code: 'type_invalid', message: `A name can have at most ${MAX_SET} records.` };
  return null;
}

function nameProblem(fqdn: string, rows: readonly DesiredRow[], rules: DesiredRules): Problem | null {
  const named = normalizeName(fqdn);
  if (!named.ok) return rows[0]?.fqdn == null ? nameless(rows[0]) : named.problem;
  if (rules.names !== null && !matchesAny(rules.names, fqdn)) {
    return { code: 'name_ignored', message: `${fqdn} matches no pattern of ZONEKEEPER_NAMES.` };
  }
  if (matchesAny(rules.ignore, fqdn))
    return { code: 'name_ignored', message: `${fqdn} matches a pattern of ZONEKEEPER_IGNORE.` };
  return null;
}

function nameless(row: DesiredRow | undefined): Problem {
  const who = row === undefined ? 'The consumer' : `${row.consumer.kind} ${row.consumer.id}`;
  return { code: 'name_invalid', message: `${who} has no name: its own column or settings.domain is empty.` };
}

function selfProblem(fqdn: string, records: readonly RecordSpec[]): Problem | null {
  const loop = records.some(({ type, content }) => type === 'CNAME' && content === fqdn);
  return loop ? { code: 'target_invalid', message: `${fqdn} cannot point at itself.` } : null;
}

function sameSet(a: readonly RecordSpec[], b: readonly RecordSpec[]): boolean {
  return (
    a.length === b.length &&
    a.every((spec, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        spec.type === other.type &&
        spec.content === other.content &&
        spec.ttl === other.ttl &&
        spec.proxied === other.proxied
      );
    })
  );
}
