import { toASCII } from 'tr46';

/** Names in lower-case ASCII with nothing to convert: nearly all. Underscores and a leading wildcard are allowed. */
const PLAIN = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_NAME = 253;

/**
 * A host name as Cloudflare keeps it: lower case, A-labels, no trailing dot. Null when it cannot be one. ("Domain names are
 * always represented in Punycode", developers.cloudflare.com/api/resources/dns/subresources/records/methods/create/.)
 */
export function hostName(raw: string): string | null {
  const text = raw.endsWith('.') ? raw.slice(0, -1) : raw;
  const lower = text.toLowerCase();
  if (PLAIN.test(lower) && !lower.includes('xn--')) return lower.length <= MAX_NAME ? lower : null;
  const [star, rest] = lower.startsWith('*.') ? ['*.', lower.slice(2)] : ['', lower];
  const ascii = toASCII(rest, { checkBidi: true, checkJoiners: true, useSTD3ASCIIRules: false });
  if (ascii === null || ascii === '') return null;
  const name = star + ascii;
  return PLAIN.test(name) && name.length <= MAX_NAME ? name : null;
}

/**
 * The whole name of a record in a zone: `@` is the apex, and whatever does not end in the zone's name is taken as relative
 * to it, as the real API does. A name with a trailing dot is absolute. Null when there is none.
 */
export function recordName(raw: string, zone: string): string | null {
  const text = raw.trim();
  if (text === '') return null;
  if (text === '@') return zone;
  if (text === '*') return `*.${zone}`;
  const name = hostName(text);
  if (name === null) return null;
  if (name === zone || name.endsWith(`.${zone}`)) return name;
  return text.endsWith('.') ? null : hostName(`${name}.${zone}`);
}
