/** One element of the `errors` of Cloudflare's envelope. */
export interface ApiMessage {
  readonly code: number;
  readonly message: string;
  /** JSON pointer to what the error is about, where Cloudflare tells. */
  readonly pointer: string | null;
  /** `error_chain`: what is behind it. */
  readonly chain: readonly ApiMessage[];
}

/** Which element of a batch an error is about. */
export interface ElementRef {
  readonly list: 'deletes' | 'patches' | 'puts' | 'posts';
  readonly index: number;
}

const MAX_MESSAGES = 20;
const MAX_DEPTH = 3;
const MAX_TEXT = 300;

/** The `errors` of an answer's body, whatever the body is; empty when there are none. */
export function messagesOf(body: unknown, depth = 0): readonly ApiMessage[] {
  const list = field(body, depth === 0 ? 'errors' : 'error_chain');
  if (!Array.isArray(list) || depth > MAX_DEPTH) return [];
  return list.slice(0, MAX_MESSAGES).flatMap((item: unknown) => {
    const code = Number(field(item, 'code'));
    if (!Number.isInteger(code)) return [];
    const message = field(item, 'message');
    const pointer = field(field(item, 'source'), 'pointer');
    return {
      code,
      message: typeof message === 'string' ? tidy(message) : '',
      pointer: typeof pointer === 'string' ? tidy(pointer) : null,
      chain: messagesOf(item, depth + 1),
    };
  });
}

/** Every message, each before what is behind it. */
export function flatten(messages: readonly ApiMessage[]): readonly ApiMessage[] {
  return messages.flatMap((message) => [message, ...flatten(message.chain)]);
}

/** `DNS Validation Error (1004): Content for A record must be a valid IPv4 address (9005)`. */
export function describe(messages: readonly ApiMessage[]): string {
  return messages
    .map(({ code, message, chain }) => {
      const behind = describe(chain);
      return `${message || 'error'} (${code})${behind === '' ? '' : `: ${behind}`}`;
    })
    .join('; ');
}

/** The elements of a batch that the pointers of these messages name. */
export function elementsOf(messages: readonly ApiMessage[]): readonly ElementRef[] {
  return flatten(messages).flatMap(({ pointer }) => {
    const match = /(?:^|\/)(deletes|patches|puts|posts)\/(\d{1,6})(?:\/|$)/.exec(pointer ?? '');
    return match === null ? [] : { list: match[1] as ElementRef['list'], index: Number(match[2]) };
  });
}

/** What a body that is not Cloudflare's JSON says, in a few words. */
export function describeText(text: string): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  if (title !== undefined) return `an HTML page, "${tidy(title)}"`;
  if (/^\s*</.test(text)) return 'an HTML page';
  const words = tidy(text);
  return words === '' ? 'an empty body' : JSON.stringify(words);
}

/** On one line, without control characters, and not long. */
export function tidy(text: string): string {
  const line = text
    .slice(0, 4 * MAX_TEXT)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT - 1)}…` : line;
}

/** A field of something that may be anything. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
