/** A rectangle of the picture, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** How a text looks; what is not said is small, light grey and starts at its place. */
export interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  /** What follows it in bold: the value after a name. */
  readonly strong?: string;
}

/** Grey of axes and of what matters less. */
export const FAINT = '#9da5b8';
/** Lines behind the data. */
export const GRID = '#2c3235';
const COLOURS = [
  '#5794f2',
  '#73bf69',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#fade2a',
  '#8ab8ff',
  '#96d98d',
  '#ffb357',
  '#ff7383',
  '#ca95e5',
  '#56a64b',
];
const BACKGROUNDS: Readonly<Record<string, string>> = {
  green: '#37872d',
  yellow: '#a37c00',
  red: '#c4162a',
  blue: '#1f60c4',
};
const STROKES: Readonly<Record<string, string>> = {
  green: '#73bf69',
  yellow: '#fade2a',
  red: '#f2495c',
  blue: '#5794f2',
};

/** Of the series at this place in a panel. */
export const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? '';

/** A colour of Grafana's as a background on which white is readable. */
export const background = (name: string): string => BACKGROUNDS[name] ?? name;

/** A colour of Grafana's as a line or text on the dark ground. */
export const stroke = (name: string): string => STROKES[name] ?? name;

/** A coordinate with no more digits than one sees: the pictures are kept in the repository. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

/** A text at a place, its content escaped. */
export function text(
  x: number,
  y: number,
  content: string,
  { size = 12, weight, fill = '#d8d9da', anchor = 'start', strong }: TextStyle = {},
): string {
  const heavy = weight === undefined ? '' : ` font-weight="${weight}"`;
  const held = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  const after = strong === undefined ? '' : ` <tspan font-weight="600" fill="#fff">${escaped(strong)}</tspan>`;
  return `<text x="${px(x)}" y="${px(y)}" font-size="${px(size)}"${heavy} fill="${fill}"${held}>${escaped(content)}${after}</text>`;
}

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** About how wide a text is: wide enough for any sans-serif that stands in for Inter. */
export const widthOf = (content: string, size: number): number => content.length * size * 0.56;

/** A text shortened to what fits into a width. */
export function fitted(content: string, width: number, size: number): string {
  if (widthOf(content, size) <= width) return content;
  return `${content.slice(0, Math.max(1, Math.floor(width / widthOf('x', size)) - 1))}…`;
}

/** A filled rectangle. */
export const rect = ({ x, y, w, h }: Box, fill: string, more = ''): string =>
  `<rect x="${px(x)}" y="${px(y)}" width="${px(w)}" height="${px(h)}" fill="${fill}"${more}/>`;

/** A thin straight line; dashed where it is a threshold. */
export function line(from: readonly [number, number], to: readonly [number, number], colour: string, dashed = false) {
  const dashes = dashed ? ' stroke-dasharray="6 4"' : '';
  return `<path d="M${px(from[0])} ${px(from[1])}L${px(to[0])} ${px(to[1])}" stroke="${colour}"${dashes}/>`;
}
