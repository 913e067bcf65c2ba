import { readFile, stat } from 'node:fs/promises';

const MAX_FILE_BYTES = 1_048_576;
const MAX_SECRET_BYTES = 65_536;
const MAX_KEYS = 1_000;

/** What a configuration file says: its top-level keys with their values as text, and what is wrong with it. */
export interface FileContent {
  readonly entries: readonly (readonly [string, string])[];
  readonly problems: readonly string[];
}

/**
 * Reads a YAML file of one mapping. Problems name keys and lines and never quote what the file holds, because it may
 * hold secrets.
 */
export async function readConfigFile(path: string): Promise<FileContent> {
  const read = await readBounded(path, MAX_FILE_BYTES);
  if ('problem' in read) return { entries: [], problems: [`The configuration file ${path} ${read.problem}.`] };
  // Loaded only here: most starts have no file.
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  // No error object may hold an excerpt of the file, whoever gets to see it.
  const document = parseDocument(read.text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const reason = error.code.toLowerCase().replaceAll('_', ' ');
    return { entries: [], problems: [`${path} is not valid YAML: ${reason} in line ${line}, column ${col}.`] };
  }
  return entriesOf(path, toPlain(document));
}

// A YAML alias can stand for a billion nodes; the library then throws.
function toPlain(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch {
    return undefined;
  }
}

function entriesOf(path: string, content: unknown): FileContent {
  if (content === null) return { entries: [], problems: [] };
  if (typeof content !== 'object' || Array.isArray(content)) {
    return { entries: [], problems: [`${path} must hold one mapping of settings, such as \`zones: [example.com]\`.`] };
  }
  const all = Object.entries(content);
  if (all.length > MAX_KEYS) return { entries: [], problems: [`${path} has more than ${MAX_KEYS} keys.`] };
  const entries: [string, string][] = [];
  const problems: string[] = [];
  for (const [key, value] of all) {
    // A key without a value counts as not set, as an empty variable does.
    if (value === null || value === '') continue;
    const text = textOf(value);
    if (text === null)
      problems.push(`${key.slice(0, 80)} (${path}) must be a text, a number, a boolean or a list of them.`);
    else entries.push([key, text]);
  }
  return { entries, problems };
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return null;
  const parts = value.map((part) => (Array.isArray(part) ? null : textOf(part)));
  return parts.every((part) => part !== null && !part.includes(',')) ? parts.join(',') : null;
}

/** A secret, or why its file gives none. */
export type SecretRead = { readonly value: string } | { readonly problem: string };

/** Reads a secret from a file, without one trailing newline. The problem continues a sentence: "FILE ...". */
export async function readSecret(path: string): Promise<SecretRead> {
  const read = await readBounded(path, MAX_SECRET_BYTES);
  if ('problem' in read) return read;
  const value = read.text.replace(/\r?\n$/, '');
  return value === '' ? { problem: 'is empty' } : { value };
}

async function readBounded(
  path: string,
  limit: number,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return { problem: 'is a directory' };
    if (facts.size > limit) return { problem: `is larger than ${limit} bytes` };
    const text = await readFile(path, 'utf8');
    // Pipes and files of /proc have no size beforehand.
    return text.length > limit ? { problem: `is larger than ${limit} bytes` } : { text };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { problem: `cannot be read (${code})` };
  }
}
