import { describe, SETTING_KEYS } from './schema.ts';
import { fileKey, flagName } from './setting.ts';

/** Between these lines, docs/configuration.md holds what {@link settingsMarkdown} returns. */
export const DOCS_BEGIN = '<!-- settings: generated from src/config/schema.ts -->';
export const DOCS_END = '<!-- end of settings -->';

const HEAD = ['variable', 'flag, key', 'type', 'default', 'meaning'];

/** All settings as a Markdown table, its columns aligned as the formatter aligns them. */
export function settingsMarkdown(): string {
  const rows = SETTING_KEYS.map((key) => {
    const { env, type, doc, secret, default: value, absent, requiredBy = [] } = describe(key);
    const names = [`\`${env}\``, ...(secret ? [`\`${env}_FILE\``] : [])].join('<br>');
    const others = `\`--${flagName(env)}\`<br>\`${fileKey(env)}\``;
    const needed = requiredBy.length === 0 ? '' : ` Required by ${requiredBy.map((name) => `\`${name}\``).join(', ')}.`;
    const fallback = value === null ? (absent ?? 'none') : `\`${value}\``;
    return [names, others, type.kind, fallback, `${doc}${needed}`].map(cell);
  });
  const widths = HEAD.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** A document with the part between the markers made anew. */
export function withSettings(document: string): string {
  const begin = document.indexOf(DOCS_BEGIN);
  const end = document.indexOf(DOCS_END);
  if (begin === -1 || end < begin) return document;
  return `${document.slice(0, begin + DOCS_BEGIN.length)}\n\n${settingsMarkdown()}\n\n${document.slice(end)}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
