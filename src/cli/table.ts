/** A column of a table for people. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut where the terminal is too narrow. */
  readonly shrinks?: boolean;
}

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** Characters of the terminal; null when the output goes elsewhere, and nothing is cut. */
  readonly width: number | null;
}

const GAP = '  ';
const NARROWEST = 8;
/** What a terminal would obey instead of show: controls, and marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** Letters that take two columns: the blocks of East Asian scripts and most emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /\p{Mn}|\p{Me}|\u200b|\u200d|\ufe0f/u;

/** An aligned plain-text table with a line of titles; every line ends with a newline. No rows: the empty string. */
export function formatTable({ columns, rows, width }: TableOptions): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((_, index) => printable(String(row[index] ?? ''))));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(row[index] ?? '')), displayWidth(title)),
  );
  if (width !== null) shrink(widths, columns, width);
  const line = (texts: readonly string[]): string =>
    `${texts
      .map((text, index) => pad(cut(text, widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align ?? 'left'))
      .join(GAP)
      .trimEnd()}\n`;
  return [columns.map(({ title }) => title), ...cells].map(line).join('');
}

/** The text with everything replaced that a terminal would obey. For whatever comes from a database or an API. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

/** Columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += widthOf(letter);
  return width;
}

function widthOf(letter: string): number {
  if (letter <= '\u02ff') return 1;
  if (NO_WIDTH.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}

/** Takes from the widest column that may shrink until all fit, or none can give any more. */
function shrink(widths: number[], columns: readonly Column[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, each] of widths.entries()) {
      if (columns[index]?.shrinks && each > NARROWEST && (widest === -1 || each > (widths[widest] ?? 0)))
        widest = index;
    }
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const letter of text) {
    used += widthOf(letter);
    if (used > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? `${space}${text}` : `${text}${space}`;
}
