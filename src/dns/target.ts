import ipaddr from 'ipaddr.js';
import type { Problem } from './desired.ts';
import { normalizeName } from './name.ts';
import { matchesPattern, type NamePattern, parsePattern } from './pattern.ts';
import type { RecordType } from './record.ts';

/** What a name is to point at, in normal form, and the record type that says so. */
export interface Target {
  readonly type: RecordType;
  readonly content: string;
}

export type TargetResult =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly problem: Problem };

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/**
 * An IPv4 address (four decimal numbers without leading zeros), an IPv6 address (canonical, RFC 5952, as Cloudflare
 * answers it), or a host name. An IPv4-mapped IPv6 address is refused: no resolver's answer may hold it (RFC 4291, 2.5.5.2).
 */
export function parseTarget(raw: string): TargetResult {
  const text = raw.trim();
  if (IPV4.test(text)) return { ok: true, target: { type: 'A', content: text } };
  if (text.includes(':')) return ipv6(text);
  const name = normalizeName(text);
  if (name.ok && !name.fqdn.startsWith('*')) return { ok: true, target: { type: 'CNAME', content: name.fqdn } };
  return refused(raw);
}

function ipv6(text: string): TargetResult {
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return refused(text);
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return refused(text);
  return { ok: true, target: { type: 'AAAA', content: address.toRFC5952String() } };
}

function refused(raw: string): TargetResult {
  const message = `${JSON.stringify(raw.slice(0, 260))} is no IPv4 address, IPv6 address or host name.`;
  return { ok: false, problem: { code: 'target_invalid', message } };
}

type Rule = { readonly range: [ipaddr.IPv4 | ipaddr.IPv6, number] } | { readonly pattern: NamePattern };

/** The targets that records may point at. It stands in the configuration, so that who can write rows cannot widen it. */
export class TargetAllowList {
  readonly #rules: readonly Rule[] | null;

  /** Null allows every target. Throws an Error with a sentence for an entry that is neither address, CIDR nor pattern. */
  constructor(entries: readonly string[] | null) {
    this.#rules = entries === null ? null : entries.map(parseRule);
  }

  allows({ type, content }: Target): boolean {
    if (this.#rules === null) return true;
    if (type === 'CNAME') return this.#rules.some((rule) => 'pattern' in rule && matchesPattern(rule.pattern, content));
    const address = ipaddr.parse(content);
    return this.#rules.some(
      (rule) =>
        'range' in rule && address.kind() === rule.range[0].kind() && address.match(rule.range[0], rule.range[1]),
    );
  }
}

function parseRule(entry: string): Rule {
  if (ipaddr.isValidCIDR(entry)) return { range: ipaddr.parseCIDR(entry) };
  const parsed = parseTarget(entry);
  if (parsed.ok && parsed.target.type !== 'CNAME') {
    const address = ipaddr.parse(parsed.target.content);
    return { range: [address, address.kind() === 'ipv4' ? 32 : 128] };
  }
  return { pattern: parsePattern(entry) };
}
