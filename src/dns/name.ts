import { toASCII, toUnicode } from 'tr46';
import type { DesiredRow, Problem } from './desired.ts';

/** A name in normal form, or why there is none. */
export type NameResult =
  | { readonly ok: true; readonly fqdn: string }
  | { readonly ok: false; readonly problem: Problem };

/** RFC 1035, 2.3.4, in characters without the trailing dot. */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** What needs no processing: lower-case letters, digits and inner hyphens, at least two labels, nothing like punycode. */
const PLAIN =
  /^(?=.{1,253}$)(?!.*xn--)(?!.*..--)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const IPV4 = /^\d+(\.\d+){3}$/;

/**
 * A host name in the form in which Cloudflare answers it: lower-case A-labels, no trailing dot. White space around it and
 * one trailing dot are forgiven; everything else that is not a name is refused with a sentence. Unicode goes through
 * UTS-46, strict and non-transitional. Labels may begin with an underscore (RFC 8552 names do), and the leftmost may be
 * the wildcard `*`.
 */
export function normalizeName(raw: string): NameResult {
  if (PLAIN.test(raw)) return { ok: true, fqdn: raw };
  const text = raw.trim().replace(/\.$/, '');
  if (text === '') return refused(raw, 'it is empty');
  if (/\s/.test(text)) return refused(raw, 'it contains white space');
  if (IPV4.test(text) || text.includes(':')) return refused(raw, 'it is an address, not a name');
  const labels = text.split(/[.\u3002\uff0e\uff61]/);
  if (labels.length < 2) return refused(raw, 'it has no dot');
  const wildcard = labels[0] === '*';
  const result: string[] = wildcard ? ['*'] : [];
  for (const label of wildcard ? labels.slice(1) : labels) {
    const ascii = normalizeLabel(label);
    if ('problem' in ascii) return refused(raw, ascii.problem);
    result.push(ascii.label);
  }
  const fqdn = result.join('.');
  if (fqdn.length > MAX_NAME) return refused(raw, `it has ${fqdn.length} characters, at most ${MAX_NAME} are allowed`);
  if (/^\d+$/.test(result.at(-1) ?? '')) return refused(raw, 'its last label is a number');
  return { ok: true, fqdn };
}

function normalizeLabel(label: string): { label: string } | { problem: string } {
  if (label === '') return { problem: 'a label is empty' };
  const shown = JSON.stringify(label.slice(0, 80));
  const underscored = /^_[a-z0-9_-]*$/i.test(label);
  if (label === '*') return { problem: 'a wildcard stands only in front' };
  if (label.startsWith('-') || label.endsWith('-'))
    return { problem: `the label ${shown} begins or ends with a hyphen` };
  if (underscored || /^[a-z0-9][a-z0-9_-]*_[a-z0-9_-]*$/i.test(label)) {
    return label.length > MAX_LABEL ? tooLong(shown, label.length) : { label: label.toLowerCase() };
  }
  const ascii = toASCII(label, {
    checkHyphens: !/^[a-z0-9-]+$/i.test(label) || /^xn--/i.test(label),
    checkBidi: true,
    checkJoiners: true,
    useSTD3ASCIIRules: true,
    transitionalProcessing: false,
    verifyDNSLength: false,
  });
  if (ascii === null || ascii === '') {
    return {
      problem: /^xn--/i.test(label)
        ? `the label ${shown} is not valid punycode`
        : `the label ${shown} has a character that no host name may have`,
    };
  }
  return ascii.length > MAX_LABEL ? tooLong(shown, ascii.length) : { label: ascii };
}

function tooLong(shown: string, length: number): { problem: string } {
  return { problem: `the label ${shown} has ${length} characters, at most ${MAX_LABEL} are allowed` };
}

function refused(raw: string, why: string): NameResult {
  return {
    ok: false,
    problem: { code: 'name_invalid', message: `${JSON.stringify(raw.slice(0, 260))} is not a host name: ${why}.` },
  };
}

/**
 * The key under which a row is filed: its name in normal form, or what stands in it (cut, control characters replaced), or
 * `instance/42` where nothing does. A stand-in never equals a valid name.
 */
export function rowKey(row: Pick<DesiredRow, 'fqdn' | 'consumer'>): string {
  if (row.fqdn === null || row.fqdn.trim() === '') return `${row.consumer.kind}/${row.consumer.id}`;
  const result = normalizeName(row.fqdn);
  if (result.ok) return result.fqdn;
  return row.fqdn
    .trim()
    .slice(0, MAX_NAME)
    .replace(/\p{Cc}/gu, '\ufffd');
}

/** The name in Unicode, for people; the same as given where it has none. */
export function displayName(fqdn: string): string {
  if (!fqdn.includes('xn--')) return fqdn;
  const { domain, error } = toUnicode(fqdn, {
    checkHyphens: false,
    checkBidi: true,
    checkJoiners: true,
    useSTD3ASCIIRules: false,
    transitionalProcessing: false,
  });
  return error ? fqdn : domain;
}

const SCRIPTS = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee'] as const;
const SCRIPT_TESTS = SCRIPTS.map((script) => new RegExp(`\\p{Script=${script}}`, 'u'));

/** Does a label mix scripts whose letters look alike (UTS-39, 5.1)? */
export function mixedScript(fqdn: string): boolean {
  if (!fqdn.includes('xn--')) return false;
  return displayName(fqdn)
    .split('.')
    .some((label) => SCRIPT_TESTS.filter((test) => test.test(label)).length > 1);
}
