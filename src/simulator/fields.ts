import { canBeProxied, contentOfData, normalContent, PROXIABLE } from './content.ts';
import { type ApiFailure, FAILURES } from './failure.ts';
import { recordName } from './name.ts';
import type { Plan } from './plan.ts';
import { type DnsRecord, type RecordFields, TYPES } from './record.ts';

/** A record as somebody writes it: JSON that may hold anything. */
export type RecordInput = Readonly<Record<string, unknown>>;

/** Where the record is to live. */
export interface ZoneRules {
  readonly name: string;
  readonly plan: Plan;
}

const MAX_TTL = 86_400;
const TAG = /^[\w-]{1,32}(?::.{0,100})?$/u;
/** Types that need a priority beside their content. */
const WITH_PRIORITY: readonly string[] = ['MX', 'URI'];
const WRITABLE = [
  'name',
  'type',
  'content',
  'ttl',
  'proxied',
  'priority',
  'data',
  'settings',
  'comment',
  'tags',
] as const;

/**
 * A record as it will be kept, from what was sent: checked against the rules of its zone and put into normal form.
 * Throws ApiFailure with the code that the API gives (1004 with what is behind it, 9003, 9005–9007, 9041, 9313).
 */
export function fieldsOf(input: RecordInput, zone: ZoneRules): RecordFields {
  const type = text(input.type, FAILURES.type).toUpperCase();
  if (!TYPES.includes(type)) throw FAILURES.type();
  const name = recordName(text(input.name, FAILURES.name), zone.name);
  if (name === null) throw FAILURES.name();
  const data = object(input.data, () => FAILURES.content(type));
  const raw = input.content ?? (data === undefined ? undefined : contentOfData(type, data));
  const content = normalContent(
    type,
    text(raw, () => contentMissing(type)),
  );
  if (type === 'CNAME' && content === name) throw FAILURES.ownTarget();
  const proxiable = canBeProxied(type, content);
  const proxied = proxiedOf(input.proxied, type, content, proxiable);
  const ttl = ttlOf(input.ttl, zone.plan);
  const priority = priorityOf(input.priority ?? data?.priority, type);
  return {
    name,
    type,
    content,
    proxiable,
    proxied,
    // A proxied record answers with Cloudflare's own ttl. developers.cloudflare.com/dns/manage-dns-records/reference/ttl/
    ttl: proxied ? 1 : ttl,
    settings: settingsOf(input.settings, type),
    comment: commentOf(input.comment, zone.plan),
    tags: tagsOf(input.tags, zone.plan),
    ...(priority === undefined ? {} : { priority }),
    ...(data === undefined ? {} : { data }),
  };
}

/** What a PATCH leaves of a record: the fields that it names replaced, all others kept. */
export function patched(before: DnsRecord, input: RecordInput, zone: ZoneRules): RecordFields {
  const merged: Record<string, unknown> = {};
  for (const field of WRITABLE) {
    const value = input[field];
    merged[field] = value === undefined ? before[field] : value;
  }
  if (input.content !== undefined && input.data === undefined) delete merged.data;
  if (input.data !== undefined && input.content === undefined) delete merged.content;
  const settings = input.settings;
  if (typeof settings === 'object' && settings !== null) merged.settings = { ...before.settings, ...settings };
  return fieldsOf(merged, zone);
}

function contentMissing(type: string): ApiFailure {
  if (type === 'A') return FAILURES.ipv4();
  return type === 'AAAA' ? FAILURES.ipv6() : FAILURES.content(type);
}

function text(value: unknown, failure: () => ApiFailure): string {
  if (typeof value !== 'string' || value.trim() === '') throw failure();
  return value.trim();
}

function object(value: unknown, failure: () => ApiFailure): RecordInput | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw failure();
  return value as RecordInput;
}

function proxiedOf(value: unknown, type: string, content: string, proxiable: boolean): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (value !== true) throw FAILURES.proxied();
  if (proxiable) return true;
  throw PROXIABLE.includes(type) ? FAILURES.targetNotProxiable(content) : FAILURES.notProxiable();
}

function ttlOf(value: unknown, plan: Plan): number {
  if (value === undefined || value === null || value === 1) return 1;
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= plan.minTtl && value <= MAX_TTL;
  if (!fits) throw FAILURES.ttl(plan.minTtl);
  return value;
}

function priorityOf(value: unknown, type: string): number | undefined {
  if (value === undefined || value === null) {
    if (WITH_PRIORITY.includes(type)) throw FAILURES.priority(type);
    return undefined;
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65_535) {
    throw FAILURES.priority(type);
  }
  return value;
}

/** The settings that a record of the type shows when nobody has set any; what is sent is laid over them. */
function settingsOf(value: unknown, type: string): RecordInput {
  const given = object(value, FAILURES.body) ?? {};
  return type === 'CNAME' ? { flatten_cname: false, ...given } : { ...given };
}

function commentOf(value: unknown, plan: Plan): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' || /[\r\n]/.test(value)) throw FAILURES.comment();
  // Characters, not UTF-16 units.
  if (value.length > plan.comment && [...value].length > plan.comment) throw FAILURES.commentLength(plan.comment);
  return value;
}

function tagsOf(value: unknown, plan: Plan): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw FAILURES.tag();
  if (value.length > plan.tags) throw FAILURES.tags(value.length, plan.tags);
  return value.map((tag: unknown) => {
    if (typeof tag !== 'string' || !TAG.test(tag)) throw FAILURES.tag();
    return tag;
  });
}
