import { nearest } from './nearest.ts';
import { bad, good, type ValueType } from './value.ts';

/** Entries that a list may have, and characters that one of them may have. */
const MAX_ENTRIES = 10_000;
const MAX_ENTRY = 300;
const YES = new Set(['true', 'yes', 'on', '1']);
const NO = new Set(['false', 'no', 'off', '0']);

/** A switch. As a flag it may stand alone. */
export const boolean: ValueType<boolean> = {
  kind: 'boolean',
  bare: 'true',
  parse: (text) => {
    const word = text.toLowerCase();
    if (YES.has(word)) return good(true);
    return NO.has(word) ? good(false) : bad('is neither true nor false');
  },
};

/** One word of a set. */
export function choice<const W extends string>(words: readonly W[]): ValueType<W> {
  return {
    kind: words.join('|'),
    parse: (text) => {
      const word = words.find((known) => known === text);
      if (word !== undefined) return good(word);
      const guess = nearest(text, words);
      return bad(`must be ${listed(words)}${guess === null ? '' : ` (did you mean ${guess}?)`}`);
    },
  };
}

/** Text of a form that a regular expression describes; `what` ends the sentence "NAME must be ...". */
export function text(form: RegExp, what: string, kind = 'text'): ValueType<string> {
  return { kind, parse: (value) => (form.test(value) ? good(value) : bad(`must be ${what}`)) };
}

/** Any text that fits on a line and has no white space: tokens. */
export function token(maxLength: number): ValueType<string> {
  return {
    kind: 'secret',
    parse: (value) => {
      if (value.length > maxLength) return bad(`is longer than ${maxLength} characters`);
      return /^[\x21-\x7e]+$/.test(value) ? good(value) : bad('contains white space or characters that no token has');
    },
  };
}

/** Words separated by commas or, in the file, a list. What they mean is judged by whoever uses them. */
export const list: ValueType<readonly string[]> = {
  kind: 'list',
  many: true,
  parse: (value) => {
    const entries = value
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    if (entries.length === 0) return bad('is an empty list; leave it out for the default');
    if (entries.length > MAX_ENTRIES) return bad(`has more than ${MAX_ENTRIES} entries`);
    if (entries.some((entry) => entry.length > MAX_ENTRY)) {
      return bad(`has an entry of more than ${MAX_ENTRY} characters`);
    }
    return entries.some((entry) => /\s/.test(entry))
      ? bad('has an entry with white space; separate entries by commas')
      : good([...new Set(entries)]);
  },
};

function listed(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
