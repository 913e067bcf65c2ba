import { parseArgs } from 'node:util';

/** A mistake on a command line: its message says what to write instead. Exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was written on a command line, by flag. */
export type Words = Readonly<Record<string, string | boolean | undefined>>;

/** Reads flags. Throws {@link UsageError} for one that is not known, and for words that belong to none. */
export function readWords(
  argv: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>>,
): Words {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values as Words;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message.split('. ', 1)[0] : error}.`);
  }
}

/** A whole number of a flag; null where it is not given. Throws {@link UsageError} for anything else, and outside of the limits. */
export function wholeNumber(words: Words, flag: string, least: number, most = Number.MAX_SAFE_INTEGER): number | null {
  const word = words[flag];
  if (word === undefined) return null;
  const value = typeof word === 'string' && /^\d+$/.test(word) ? Number(word) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const limits = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
    throw new UsageError(`--${flag} takes a whole number, ${limits}; not ${JSON.stringify(word)}.`);
  }
  return value;
}
