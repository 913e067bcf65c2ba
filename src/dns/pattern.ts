import { normalizeName } from './name.ts';

/** One pattern of names: an exact name, or `*.example.com` for everything below it, at any depth. */
export interface NamePattern {
  readonly name: string;
  readonly below: boolean;
}

/** Throws an Error with a sentence when the text is no pattern. `*` alone stands for every name. */
export function parsePattern(text: string): NamePattern {
  const trimmed = text.trim();
  if (trimmed === '*') return { name: '', below: true };
  const below = trimmed.startsWith('*.');
  const result = normalizeName(below ? trimmed.slice(2) : trimmed);
  // A pattern may name a top-level domain, which alone is no host name for a record.
  if (!result.ok && below && /^[a-z]{2,63}$/i.test(trimmed.slice(2)))
    return { name: trimmed.slice(2).toLowerCase(), below };
  if (!result.ok) throw new Error(`${JSON.stringify(text)} is neither a name nor a pattern like *.example.com.`);
  return { name: result.fqdn, below };
}

export function matchesPattern(pattern: NamePattern, fqdn: string): boolean {
  if (!pattern.below) return fqdn === pattern.name;
  return pattern.name === '' || fqdn.endsWith(`.${pattern.name}`);
}

/** Does any of the patterns hold the name? */
export function matchesAny(patterns: readonly NamePattern[], fqdn: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, fqdn));
}
