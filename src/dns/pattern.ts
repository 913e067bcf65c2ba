import { ZonekeeperError } from '../errors.ts';
import { normalizeName } from './name.ts';
import { quoted } from './quote.ts';

/** One pattern of names: that name alone, or everything below it; with an empty name, everything. */
export interface NamePattern {
  /** In normal form. */
  readonly name: string;
  readonly below: boolean;
}

/**
 * Reads a pattern. There are three kinds: `www.example.com` is that name alone; `*.example.com` is every name below it, at
 * any depth, the wildcard record `*.example.com` included, but not `example.com` itself; `*` is every name. Case, Unicode
 * and a trailing dot do not matter. Throws `config_invalid` with a sentence for anything else.
 */
export function parsePattern(text: string): NamePattern {
  const trimmed = text.trim();
  if (trimmed === '*') return { name: '', below: true };
  const below = trimmed.startsWith('*.');
  const rest = below ? trimmed.slice(2) : trimmed;
  if (!rest.includes('*')) {
    // A pattern may stand for a top-level domain, which alone is no name for a record: it is judged with a label in front.
    const result = normalizeName(below ? `x.${rest}` : rest);
    if (result.ok) return { name: below ? result.fqdn.slice(2) : result.fqdn, below };
  }
  throw new ZonekeeperError(
    'config_invalid',
    `${quoted(text)} is no pattern: write a name (www.example.com), everything below one (*.example.com), or *.`,
  );
}

/** A set of patterns. A look-up costs one step per label of the name, however many patterns there are. */
export class PatternList {
  readonly #exact = new Set<string>();
  readonly #below = new Set<string>();

  /** Throws `config_invalid` for the first text that is no pattern; see {@link parsePattern}. */
  constructor(texts: readonly string[]) {
    for (const { name, below } of texts.map(parsePattern)) (below ? this.#below : this.#exact).add(name);
  }

  /** Does any of the patterns hold the name? It must be in normal form. */
  matches(fqdn: string): boolean {
    if (this.#exact.has(fqdn) || this.#below.has('')) return true;
    if (this.#below.size === 0) return false;
    for (let dot = fqdn.indexOf('.'); dot >= 0; dot = fqdn.indexOf('.', dot + 1)) {
      if (this.#below.has(fqdn.slice(dot + 1))) return true;
    }
    return false;
  }
}
