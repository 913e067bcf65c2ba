import type { DesiredName, DesiredRow, Problem } from './desired.ts';
import { normalizeName, rowKey } from './name.ts';
import type { PatternList } from './pattern.ts';
import { quoted } from './quote.ts';
import { consumerName } from './reasons.ts';
import { type ConsumerRef, RECORD_TYPES, type RecordSpec, type RecordType, sameSpec } from './record.ts';
import { parseTarget, type TargetAllowList } from './target.ts';

/** What the configuration says about names and targets. */
export interface DesiredRules {
  /** Names that may be touched; null: all. */
  readonly names: PatternList | null;
  /** Names that are left alone, also where `names` allows them. */
  readonly ignore: PatternList;
  readonly targets: TargetAllowList;
  /** Least TTL beside 1 (automatic), in seconds: 60 unless set; Cloudflare takes 30 in Enterprise zones. */
  readonly minTtl?: number;
}

/** Seconds: Cloudflare's limits outside of Enterprise zones. */
const MIN_TTL = 60;
const MAX_TTL = 86_400;
/** Records on one name. A call of the smallest plan carries 200 operations, and a whole set must fit in one. */
const MAX_SET = 100;

/** What one consumer wants for one name. */
interface Claim {
  readonly consumer: ConsumerRef;
  readonly since: number | null;
  readonly records: readonly RecordSpec[];
  readonly problem: Problem | null;
}

/**
 * What a name should be, from the rows that lead to it (those with its {@link rowKey}); null without rows. The rows of one
 * consumer are a record set, in which equal records collapse. Of several consumers the oldest is served; those that want
 * another set are its rivals. What is wrong with a row becomes the name's problem: this never throws. The outcome depends
 * on the rows alone and not on their order, which a database is free to change from one read to the next.
 */
export function resolveDesired(fqdn: string, rows: readonly DesiredRow[], rules: DesiredRules): DesiredName | null {
  const [served, ...others] = claims(rows, rules);
  if (served === undefined) return null;
  const { consumer, records } = served;
  const same = (other: Claim) => other.problem === null && sameSet(records, other.records);
  const rivals = others.filter((other) => !same(other)).map((other) => other.consumer);
  const problem =
    nameProblem(fqdn, rows, consumer) ?? outsideProblem(fqdn, rules) ?? served.problem ?? loopProblem(fqdn, records);
  return { fqdn, records: problem === null ? records : [], consumer, rivals, problem };
}

/** The same for rows of many names, by {@link rowKey}. */
export function resolveAll(rows: readonly DesiredRow[], rules: DesiredRules): Map<string, DesiredName> {
  const names = new Map<string, DesiredName>();
  for (const [fqdn, group] of Map.groupBy(rows, rowKey)) {
    const desired = resolveDesired(fqdn, group, rules);
    if (desired !== null) names.set(fqdn, desired);
  }
  return names;
}

/** `name_ignored` when the configuration puts a name outside of what may be touched; null when it may be. */
export function outsideProblem(fqdn: string, rules: Pick<DesiredRules, 'names' | 'ignore'>): Problem | null {
  if (rules.names !== null && !rules.names.matches(fqdn)) {
    return { code: 'name_ignored', message: `${fqdn} matches no pattern of ZONEKEEPER_NAMES.` };
  }
  if (rules.ignore.matches(fqdn)) {
    return { code: 'name_ignored', message: `${fqdn} matches a pattern of ZONEKEEPER_IGNORE.` };
  }
  return null;
}

/** One claim per consumer, the oldest first. */
function claims(rows: readonly DesiredRow[], rules: DesiredRules): Claim[] {
  const [only] = rows;
  if (rows.length === 1 && only !== undefined) return [claim([only], only, rules)];
  const groups = Map.groupBy(rows, ({ consumer }) => JSON.stringify([consumer.kind, consumer.id]));
  return [...groups.values()]
    .flatMap((group) => (group[0] === undefined ? [] : [claim(group.toSorted(byColumns), group[0], rules)]))
    .sort(byAge);
}

function claim(rows: readonly DesiredRow[], { consumer }: DesiredRow, rules: DesiredRules): Claim {
  const records = new Map<string, RecordSpec>();
  let problem: Problem | null = null;
  let since: number | null = null;
  for (const row of rows) {
    if (row.since !== null && (since === null || row.since < since)) since = row.since;
    const spec = specOfRow(row, rules);
    if ('code' in spec) {
      problem ??= { code: spec.code, message: `${consumerName(consumer)}: ${spec.message}` };
      continue;
    }
    // Cloudflare holds a content once per name and type. Rows that differ in the rest are settled by a rule, not by chance.
    const key = `${spec.type} ${spec.content}`;
    const known = records.get(key);
    if (known === undefined || preferred(spec, known)) records.set(key, spec);
  }
  const sorted = [...records.values()].sort((a, b) => compare(a.type, b.type) || compare(a.content, b.content));
  return { consumer, since, records: sorted, problem: problem ?? setProblem(sorted, consumer) };
}

/** Of two wishes for one record: proxied beats plain (it hides the origin), then the shorter TTL wins. */
function preferred(a: RecordSpec, b: RecordSpec): boolean {
  return a.proxied === b.proxied ? a.ttl < b.ttl : a.proxied;
}

function byColumns(a: DesiredRow, b: DesiredRow): number {
  const column = (row: DesiredRow) => JSON.stringify([row.type, row.content, row.ttl, row.proxied, row.fqdn]);
  return compare(column(a), column(b));
}

/** Consumers of unknown age come last, kinds and ids decide among equals. */
function byAge(a: Claim, b: Claim): number {
  if (a.since !== b.since) return a.since === null ? 1 : b.since === null ? -1 : a.since - b.since;
  const [left, right] = [a.consumer, b.consumer];
  // By length, then text: serial numbers in the order in which they were given, and any other ids in some fixed order.
  return compare(left.kind, right.kind) || left.id.length - right.id.length || compare(left.id, right.id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The record that a row asks for, or the problem with it, its sentence still without the consumer. */
function specOfRow(row: DesiredRow, rules: DesiredRules): RecordSpec | Problem {
  const content = given(row.content);
  if (content === null) {
    return { code: 'target_invalid', message: 'neither the row nor settings.target says a target.' };
  }
  const parsed = parseTarget(content);
  if (!parsed.ok) return parsed.problem;
  const { target } = parsed;
  if (!rules.targets.allows(target)) {
    return {
      code: 'target_refused',
      message: `it points at ${target.content}, which ZONEKEEPER_TARGETS does not allow.`,
    };
  }
  const type = given(row.type)?.toUpperCase() ?? target.type;
  if (type !== target.type) {
    const managed = RECORD_TYPES.includes(type as RecordType);
    const message = managed
      ? `the type is ${type}, but ${target.content} needs ${target.type}.`
      : `the type ${quoted(type)} is none of ${RECORD_TYPES.join(', ')}.`;
    return { code: 'type_invalid', message };
  }
  const proxied = parseProxied(given(row.proxied));
  if (proxied === null) {
    return { code: 'proxied_invalid', message: `proxied is ${quoted(row.proxied ?? '')}, neither true nor false.` };
  }
  const ttl = parseTtl(given(row.ttl), rules.minTtl ?? MIN_TTL);
  if (ttl === null) {
    const range = `${rules.minTtl ?? MIN_TTL} to ${MAX_TTL} seconds`;
    return { code: 'ttl_invalid', message: `the TTL ${quoted(row.ttl ?? '')} is neither 1 (automatic) nor ${range}.` };
  }
  // Cloudflare answers 1 for every proxied record, whatever was asked for.
  return { type: target.type, content: target.content, ttl: proxied ? 1 : ttl, proxied };
}

/** A column's text; null where the row leaves it open. */
function given(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

/** PostgreSQL's own spellings. What is neither is refused: a guess could expose an origin that was to be hidden. */
function parseProxied(text: string | null): boolean | null {
  if (text === null || /^f(?:alse)?$/i.test(text)) return false;
  return /^t(?:rue)?$/i.test(text) ? true : null;
}

function parseTtl(text: string | null, min: number): number | null {
  if (text === null) return 1;
  const ttl = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return ttl === 1 || (ttl >= min && ttl <= MAX_TTL) ? ttl : null;
}

function setProblem(records: readonly RecordSpec[], consumer: ConsumerRef): Problem | null {
  if (records.length > MAX_SET) {
    const message = `${consumerName(consumer)} wants ${records.length} records for one name, at most ${MAX_SET} are possible.`;
    return { code: 'type_invalid', message };
  }
  if (records.length <= 1 || records.every(({ type }) => type !== 'CNAME')) return null;
  const others = records.map(({ type, content }) => `${type} ${content}`).slice(0, 3);
  const message = `${consumerName(consumer)} wants ${others.join(' and ')} for one name, but a CNAME stands alone.`;
  return { code: 'type_invalid', message };
}

function nameProblem(fqdn: string, rows: readonly DesiredRow[], consumer: ConsumerRef): Problem | null {
  if (normalizeName(fqdn).ok) return null;
  // The key is only a stand-in: what is wrong is said of the text as it stands in the row.
  const texts = rows.map((row) => given(row.fqdn)).filter((text) => text !== null);
  const [text] = texts.sort(compare);
  const result = text === undefined ? null : normalizeName(text);
  if (result?.ok === false) return result.problem;
  const message = `${consumerName(consumer)} has no name: its own column or settings.domain is empty.`;
  return { code: 'name_invalid', message };
}

function loopProblem(fqdn: string, records: readonly RecordSpec[]): Problem | null {
  const loop = records.some(({ type, content }) => type === 'CNAME' && content === fqdn);
  return loop ? { code: 'target_invalid', message: `${fqdn} cannot point at itself.` } : null;
}

function sameSet(a: readonly RecordSpec[], b: readonly RecordSpec[]): boolean {
  // Both are sorted by type and content, which no two records of a set share.
  return a.length === b.length && a.every((spec, at) => b[at] !== undefined && sameSpec(spec, b[at]));
}
