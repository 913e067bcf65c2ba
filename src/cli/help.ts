import { describe, settingsOf } from '../config/schema.ts';
import { flagName } from '../config/setting.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';

const INDENT = '  ';
/** Lines are no longer than people read well, however wide the terminal is. */
const MAX_WIDTH = 100;
const DEFAULT_WIDTH = 80;

type Entry = readonly [term: string, text: string];

/** `zonekeeper --help`. */
export function programHelp(commands: readonly Command[], width: number | null): string {
  const columns = columnsOf(width);
  return [
    'Keeps the DNS records at Cloudflare equal to what a PostgreSQL database says.\n',
    section('Usage', `${INDENT}zonekeeper <command> [flags]\n`),
    section(
      'Commands',
      entries(
        commands.map(({ name, summary }) => [name, summary] as const),
        columns,
      ),
    ),
    section(
      'Flags',
      entries(
        [
          ['-h, --help', 'Help; `zonekeeper <command> --help` for one command.'],
          ['--version', 'The version.'],
        ],
        columns,
      ),
    ),
    section('Exit codes', entries(EXIT_CODES, columns)),
    'Every setting is an environment variable, a flag and a key of the YAML file (--config FILE); `zonekeeper config` shows them.\n',
  ].join('\n');
}

const EXIT_CODES: readonly Entry[] = [
  [String(EXIT.ok), 'done; `plan`: nothing to do'],
  [String(EXIT.error), 'failed'],
  [String(EXIT.pending), '`plan`: changes are pending; `migrate --check`: migrations are'],
  [String(EXIT.usage), 'the command line is not valid'],
  [String(EXIT.config), 'the configuration is not valid'],
];

/** `zonekeeper <command> --help`. */
export function commandHelp(command: Command, width: number | null): string {
  const columns = columnsOf(width);
  const { description, positionals, examples } = command;
  const paragraphs = description.split('\n\n').map((text) => wrap(text.replaceAll('\n', ' '), columns, ''));
  const parts = [
    paragraphs.join('\n'),
    section('Usage', `${INDENT}${usageLine(command)}\n`),
    section(
      'Arguments',
      entries(
        positionals.map((each) => [`<${each.name}>`, each.doc] as const),
        columns,
      ),
    ),
    section('Flags', entries(ownFlags(command), columns)),
    section('Settings (flag, environment variable; `zonekeeper config` shows the values)', settings(command, columns)),
    section('Examples', examples.map(({ line, does }) => `${INDENT}${line}\n${INDENT}${INDENT}${does}\n`).join('')),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** `zonekeeper sync [<fqdn>...] [flags]`. */
export function usageLine({ name, positionals }: Command): string {
  const words = positionals.map(({ name: word, required, many }) => {
    const text = `<${word}>${many ? '...' : ''}`;
    return required ? text : `[${text}]`;
  });
  return ['zonekeeper', name, ...words, '[flags]'].join(' ');
}

function ownFlags(command: Command): Entry[] {
  return [
    ...command.flags.map(({ name, value, doc }) => [`--${name}${value === null ? '' : ` ${value}`}`, doc] as const),
    ...(command.json ? [['--json', 'Print JSON.'] as const] : []),
    ['--config FILE', 'Read settings from a YAML file (also ZONEKEEPER_CONFIG).'],
    ['-h, --help', 'This help.'],
  ];
}

function settings(command: Command, columns: number): string {
  const own = new Set(command.flags.map(({ name }) => name));
  const shown = settingsOf(command.name).filter((key) => !own.has(flagName(describe(key).env)));
  return shown
    .map((key) => {
      const { env, type, doc, secret, default: value, absent, requiredBy } = describe(key);
      const required = requiredBy?.includes(command.name) === true;
      const fallback = required ? 'required' : `default: ${value ?? absent}`;
      const files = secret ? `; from a file: --${flagName(env)}-file, ${env}_FILE` : '';
      const placeholder = type.bare === undefined ? ` <${type.kind}>` : '';
      const head = `${INDENT}--${flagName(env)}${placeholder}, ${env}\n`;
      return `${head}${wrap(`${doc} (${fallback}${files})`, columns, INDENT.repeat(4))}`;
    })
    .join('');
}

function section(title: string, body: string): string {
  return body === '' ? '' : `${title}:\n${body}`;
}

function entries(list: readonly Entry[], columns: number): string {
  const widest = Math.min(24, Math.max(0, ...list.map(([term]) => term.length)));
  const indent = ' '.repeat(INDENT.length * 2 + widest);
  return list
    .map(([term, text]) => {
      const body = wrap(text, columns, indent);
      const head = `${INDENT}${term}`;
      return head.length + INDENT.length <= indent.length
        ? `${head.padEnd(indent.length)}${body.slice(indent.length)}`
        : `${head}\n${body}`;
    })
    .join('');
}

function wrap(text: string, columns: number, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent;
    }
    line += `${line.length > indent.length ? ' ' : ''}${word}`;
  }
  return `${[...lines, line].join('\n')}\n`;
}

function columnsOf(width: number | null): number {
  return Math.min(MAX_WIDTH, Math.max(40, width ?? DEFAULT_WIDTH));
}
