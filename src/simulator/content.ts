import ipaddr from 'ipaddr.js';
import { FAILURES } from './failure.ts';
import { hostName } from './name.ts';

/** The types that Cloudflare can proxy. developers.cloudflare.com/dns/proxy-status/ */
export const PROXIABLE: readonly string[] = ['A', 'AAAA', 'CNAME'];
/** Types whose content is one host name. */
const HOST_TYPES: readonly string[] = ['CNAME', 'NS', 'PTR', 'MX'];
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
/** Addresses of Cloudflare itself that are known to be refused as the target of a proxied record. */
const OWN_ADDRESSES: readonly string[] = ['1.1.1.1', '1.0.0.1', '2606:4700:4700::1111', '2606:4700:4700::1001'];
/** Ranges that the proxy refuses. Documentation ranges are taken: Cloudflare names 192.0.2.0 for names without a server. */
const UNREACHABLE: readonly string[] = [
  ...['private', 'loopback', 'linkLocal', 'uniqueLocal', 'multicast', 'unspecified', 'broadcast', 'carrierGradeNat'],
];
const MAX_STRING = 255;
/** Wire format of a record. developers.cloudflare.com/dns/manage-dns-records/reference/dns-record-types/ */
const MAX_CONTENT = 4_096;

/** The content of a record in the form in which the API answers it. Throws ApiFailure (9005, 9006, 9007, 9009). */
export function normalContent(type: string, raw: string): string {
  const text = raw.trim();
  if (text.length > MAX_CONTENT) throw FAILURES.content(type);
  if (type === 'A') return ipv4(text);
  if (type === 'AAAA') return ipv6(text);
  if (HOST_TYPES.includes(type)) {
    const host = hostName(text);
    if (host === null || IPV4.test(host)) throw FAILURES.hostName(type);
    return host;
  }
  if (text === '') throw FAILURES.content(type);
  return type === 'TXT' ? quoted(text) : text;
}

/** May a record of this type and content (in normal form) be proxied? False for private and Cloudflare's own addresses. */
export function canBeProxied(type: string, content: string): boolean {
  if (type === 'CNAME') return true;
  if (type !== 'A' && type !== 'AAAA') return false;
  return !OWN_ADDRESSES.includes(content) && !UNREACHABLE.includes(ipaddr.parse(content).range());
}

/** The content of a record that is given by its parts (`data`), in the order of the zone-file format. */
export function contentOfData(type: string, data: Readonly<Record<string, unknown>>): string {
  const parts = Object.values(data).filter((part) => ['string', 'number'].includes(typeof part));
  if (type === 'CAA') return `${data.flags} ${data.tag} "${data.value}"`;
  if (type === 'SRV') return `${data.weight} ${data.port} ${data.target}`;
  return parts.join(' ');
}

function ipv4(text: string): string {
  // ipaddr.js also takes octal, hexadecimal and shortened forms, which the API does not.
  if (!IPV4.test(text)) throw FAILURES.ipv4();
  return text;
}

function ipv6(text: string): string {
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) throw FAILURES.ipv6();
  return ipaddr.IPv6.parse(text).toRFC5952String();
}

/** Text as quoted character strings of at most 255 bytes each (RFC 1035, 3.3). */
function quoted(text: string): string {
  if (text.startsWith('"') && text.endsWith('"') && text.length > 1) return text;
  const strings: string[] = [];
  let current = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes + size > MAX_STRING) {
      strings.push(current);
      current = '';
      bytes = 0;
    }
    current += character === '"' ? '\\"' : character;
    bytes += size;
  }
  strings.push(current);
  return strings.map((string) => `"${string}"`).join(' ');
}
