import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ZonekeeperError } from '../errors.ts';
import type { Problem } from './desired.ts';
import { normalizeName } from './name.ts';
import { PatternList } from './pattern.ts';
import { quoted } from './quote.ts';
import type { RecordType } from './record.ts';

/** What a name is to point at, in normal form, and the record type that says so. */
export interface Target {
  readonly type: RecordType;
  readonly content: string;
}

export type TargetResult =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly problem: Problem };

/** Four decimal numbers. Leading zeros are refused: some read them as octal (RFC 6943, 3.1.1). */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

const GROUP = '[1-9a-f][0-9a-f]{0,3}';
/** IPv6 without a zero group but those that `::` stands for: canonical, if `::` stands for two or more. */
const CANONICAL_IPV6 = new RegExp(`^(?:${GROUP}(?::${GROUP}){0,5})?::(?:${GROUP}(?::${GROUP}){0,5})?$`);
/** An IPv4 address at the end of an IPv6 address. */
const IPV4_TAIL = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/;
const MAPPED = '::ffff:';

/**
 * Reads a target: an IPv4 address becomes an A record, an IPv6 address an AAAA record in canonical form (RFC 5952, as
 * Cloudflare answers it), a host name a CNAME record. Refused with `target_invalid` and a sentence: short, octal and
 * hexadecimal IPv4 forms; IPv6 with a zone id; an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), which stands for an IPv4
 * address inside of a host and reaches nothing as an answer of DNS; wildcards, ports and URLs. Never throws.
 */
export function parseTarget(raw: string): TargetResult {
  const text = raw.trim();
  if (IPV4.test(text)) return { ok: true, target: { type: 'A', content: text } };
  if (text.includes(':')) return parseIPv6(text);
  if (/^[\d.]+$/.test(text)) return refused(raw, 'an IPv4 address is four numbers from 0 to 255 without leading zeros');
  const name = normalizeName(text);
  if (!name.ok) return refused(raw, name.why);
  if (name.fqdn.startsWith('*')) return refused(raw, 'nothing can point at a wildcard');
  return { ok: true, target: { type: 'CNAME', content: name.fqdn } };
}

function parseIPv6(text: string): TargetResult {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return refused(text, 'it is a URL; give its host alone');
  if (/^[^:]+:\d+$/.test(text) || text.startsWith('[')) return refused(text, 'give the host alone, without a port');
  if (text.includes('%')) return refused(text, 'an address with a zone id has a meaning on one host only');
  // Node's check is strict, where ipaddr.js takes octal numbers in an IPv4 tail.
  if (!isIPv6(text)) return refused(text, 'it is not a valid IPv6 address');
  const content = canonicalIPv6(text);
  if (content.startsWith(MAPPED)) return refused(text, 'give an IPv4-mapped address as the IPv4 address that it maps');
  return { ok: true, target: { type: 'AAAA', content } };
}

function canonicalIPv6(text: string): string {
  // What a zone list holds is canonical already; ipaddr.js needs some 7 µs for each, which 100,000 records would notice.
  if (CANONICAL_IPV6.test(text) && text.split(':').filter((group) => group !== '').length <= 6) return text;
  // Without the tail, as ipaddr.js takes `::192.0.2.1` for the mapped `::ffff:192.0.2.1`.
  const hexadecimal = text.replace(
    IPV4_TAIL,
    (_, a, b, c, d) => `${(+a * 256 + +b).toString(16)}:${(+c * 256 + +d).toString(16)}`,
  );
  return ipaddr.IPv6.parse(hexadecimal).toRFC5952String();
}

function refused(raw: string, why: string): TargetResult {
  const message = `${quoted(raw)} is no IPv4 address, IPv6 address or host name: ${why}.`;
  return { ok: false, problem: { code: 'target_invalid', message } };
}

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * The targets that records may point at. It stands in the configuration, so that who can write rows cannot widen it. Its
 * entries are addresses, networks (`10.0.0.0/8`, `2001:db8::/32`) and host name patterns (see {@link PatternList}; `*`
 * alone is every host name, but no address).
 */
export class TargetAllowList {
  readonly #networks: readonly Network[] | null;
  readonly #hosts: PatternList;

  /** Null allows every target. Throws `config_invalid` with a sentence for an entry that is none of the three. */
  constructor(entries: readonly string[] | null) {
    const networks: Network[] = [];
    const hosts: string[] = [];
    for (const entry of entries ?? []) {
      const network = parseNetwork(entry.trim());
      if (network === null) hosts.push(entry);
      else networks.push(network);
    }
    this.#networks = entries === null ? null : networks;
    this.#hosts = new PatternList(hosts);
  }

  /** May a record point there? The target must be in normal form. */
  allows({ type, content }: Target): boolean {
    if (this.#networks === null) return true;
    if (type === 'CNAME') return this.#hosts.matches(content);
    if (this.#networks.length === 0) return false;
    const address = ipaddr.parse(content);
    return this.#networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  }
}

/** An address counts as the network that holds it alone. Null for what is meant as a host name pattern. */
function parseNetwork(entry: string): Network | null {
  const [start = '', length, ...rest] = entry.split('/');
  const parsed = parseTarget(start);
  if (length === undefined && !entry.includes(':') && (!parsed.ok || parsed.target.type === 'CNAME')) return null;
  const address = parsed.ok && parsed.target.type !== 'CNAME' ? ipaddr.parse(parsed.target.content) : null;
  const most = address?.kind() === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (address !== null && rest.length === 0 && bits <= most) return [address, bits];
  throw new ZonekeeperError(
    'config_invalid',
    `${quoted(entry)} is no target: write an address, a network (10.0.0.0/8) or a host name pattern (*.example.com).`,
  );
}
