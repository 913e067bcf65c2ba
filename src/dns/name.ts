import { toASCII, toUnicode } from 'tr46';
import type { DesiredRow, Problem } from './desired.ts';
import { quoted, visible } from './quote.ts';

/** A name in normal form, or why there is none; `why` is the bare clause of the problem's sentence ("it has no dot"). */
export type NameResult =
  | { readonly ok: true; readonly fqdn: string }
  | { readonly ok: false; readonly problem: Problem; readonly why: string };

/** Characters of a name without the trailing dot, and of a label (RFC 1035, 2.3.4). */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** No text beyond this can have a normal form within {@link MAX_NAME}, unless it is padded to waste our time. */
const MAX_RAW = 1_000;

/** A name that is in normal form already: nearly all are, so one expression decides for them. */
const PLAIN =
  /^(?=.{1,253}$)(?:\*\.)?(?:(?!xn--)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?!xn--)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ASCII_LABEL = /^(?!xn--)[a-z0-9_-]+$/i;
const A_LABEL = /^xn--/i;
/** The full stop and what UTS-46 (4, mapping) turns into one. */
const DOTS = /[.\u3002\uff0e\uff61]/;
const IPV4 = /^\d+(?:\.\d+){3}$/;
/** A last label that resolvers and browsers would read as part of an IPv4 address (WHATWG URL, "ends in a number"). */
const NUMBER = /^(?:\d+|0x[\da-f]*)$/;

const STRICT = {
  checkHyphens: true,
  checkBidi: true,
  checkJoiners: true,
  useSTD3ASCIIRules: true,
  transitionalProcessing: false,
  // The lengths are checked here, so that the sentence can say which label is too long.
  verifyDNSLength: false,
} as const;

/**
 * A host name in the form in which Cloudflare answers it: lower-case A-labels (RFC 5891), no trailing dot. White space
 * around it and one trailing dot are forgiven; everything else that is not a name is refused with `name_invalid` and a
 * sentence. Never throws. Doing it twice changes nothing.
 *
 * Unicode labels go through UTS-46, strict and non-transitional (`faß` keeps its ß). Three things are wider than that,
 * because names with them exist and Cloudflare takes them: plain ASCII labels may hold underscores (`_acme-challenge`,
 * RFC 8552) and hyphens in third and fourth place (`my--app`); the rules for right-to-left scripts hold for each label
 * alone, so `42` may stand below a Hebrew domain. The leftmost label may be the wildcard `*` (RFC 4592).
 */
export function normalizeName(raw: string): NameResult {
  if (PLAIN.test(raw)) return { ok: true, fqdn: raw };
  const text = raw.trim().replace(/[.\u3002\uff0e\uff61]$/, '');
  const lower = text.toLowerCase();
  if (PLAIN.test(lower)) return { ok: true, fqdn: lower };
  if (text === '') return refused(raw, 'it is empty');
  if (text.length > MAX_RAW) return refused(raw, tooLong(text.length));
  if (IPV4.test(text) || text.includes(':')) return refused(raw, 'it is an address, not a name');
  const [first = '', ...rest] = text.split(DOTS);
  if (rest.length === 0) return refused(raw, 'it has no dot');
  const result: string[] = [];
  for (const label of first === '*' ? rest : [first, ...rest]) {
    const ascii = normalizeLabel(label);
    if ('why' in ascii) return refused(raw, ascii.why);
    result.push(ascii.label);
  }
  if (NUMBER.test(result.at(-1) ?? '')) return refused(raw, 'its last label is a number');
  if (first === '*') result.unshift('*');
  const fqdn = result.join('.');
  return fqdn.length > MAX_NAME ? refused(raw, tooLong(fqdn.length)) : { ok: true, fqdn };
}

const tooLong = (length: number): string => `it has ${length} characters, at most ${MAX_NAME} are allowed`;

function refused(raw: string, why: string): NameResult {
  return { ok: false, why, problem: { code: 'name_invalid', message: `${quoted(raw)} is not a host name: ${why}.` } };
}

function normalizeLabel(label: string): { readonly label: string } | { readonly why: string } {
  if (label === '') return { why: 'a label is empty (two dots in a row, or one in front)' };
  const shown = `the label ${quoted(label)}`;
  if (label === '*') return { why: 'the wildcard * can only be the leftmost label' };
  if (/\s/.test(label)) return { why: `${shown} contains white space` };
  if (label.startsWith('-') || label.endsWith('-')) {
    return { why: `${shown} ${A_LABEL.test(label) ? 'is not valid punycode' : 'begins or ends with a hyphen'}` };
  }
  const ascii = ASCII_LABEL.test(label) ? label.toLowerCase() : toASCII(label, STRICT);
  if (ascii === null || ascii === '' || ascii.includes('.')) return { why: `${shown} ${labelFault(label)}` };
  if (ascii.length > MAX_LABEL) {
    const form = ascii === label.toLowerCase() ? '' : ` as ${quoted(ascii)}`;
    return { why: `${shown} has ${ascii.length} characters${form}, at most ${MAX_LABEL} are allowed` };
  }
  return { label: ascii };
}

/** Why UTS-46 refuses a label: the first character at fault where there is one. */
function labelFault(label: string): string {
  if (A_LABEL.test(label)) return 'is not valid punycode';
  for (const character of label) {
    if (/^[a-z0-9-]$/i.test(character)) continue;
    const alone = { ...STRICT, checkHyphens: false, checkBidi: false, checkJoiners: false };
    const mapped = toASCII(`a${character}`, alone);
    if (mapped !== null && !mapped.includes('.')) continue;
    const codePoint = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    return `has ${quoted(character)} (U+${codePoint}), which no host name may have`;
  }
  return 'breaks the rules for international names (UTS-46)';
}

/**
 * The name under which a row without valid name is reported: what stands in it, made visible and cut to 253 characters,
 * or `instance/42` where nothing does. It is never a valid name itself, so it cannot be taken for one.
 */
export function nameKey({ fqdn, consumer }: Pick<DesiredRow, 'fqdn' | 'consumer'>): string {
  const text = fqdn?.trim() ?? '';
  // Valid names have no slash, and none of the signs that a cut or a replacement leaves behind.
  return text === '' ? `${visible(consumer.kind, 100)}/${visible(consumer.id, 150)}` : visible(text, MAX_NAME);
}

/** The key under which a row is filed: its name in normal form, or its {@link nameKey} when it has none. */
export function rowKey(row: Pick<DesiredRow, 'fqdn' | 'consumer'>): string {
  const result = row.fqdn === null ? null : normalizeName(row.fqdn);
  return result?.ok === true ? result.fqdn : nameKey(row);
}

/**
 * A name in normal form with its labels in Unicode, for people. Names without A-labels, and such with labels that do not
 * stand for a valid U-label (RFC 5891, 4.4), are given back as they are.
 */
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

/** Scripts whose letters look alike. Others are commonly written together with Latin (UTS-39, 5.2). */
const ALIKE = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Cherokee', 'Coptic'].map(
  (script) => new RegExp(`\\p{Script=${script}}`, 'u'),
);

/**
 * Does a label of a name in normal form mix scripts whose letters look alike, such as a Cyrillic `а` among Latin ones? To
 * be shown as a warning: the name may imitate another.
 */
export function mixedScript(fqdn: string): boolean {
  if (!fqdn.includes('xn--')) return false;
  return displayName(fqdn)
    .split('.')
    .some((label) => ALIKE.filter((script) => script.test(label)).length > 1);
}
