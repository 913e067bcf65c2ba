import { headers } from './api.ts';

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Splits a stream's text into events (WHATWG HTML, 9.2): give it what arrived, get what is complete. */
export class EventParser {
  #rest = '';

  push(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const field = (name: string) =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join('\n');
      const data = field('data');
      return data === '' ? [] : [{ event: field('event'), data: JSON.parse(data) as unknown }];
    });
  }
}

/**
 * One stream of events, read by `fetch` because EventSource cannot carry the token. Resolves when the stream ends, rejects
 * when it breaks or was refused.
 */
export async function readEvents(onEvent: (event: ServerEvent) => void, signal: AbortSignal): Promise<void> {
  const response = await fetch('/api/dns/events', { headers: headers(), signal });
  if (!response.ok || response.body === null) throw new Error(`The event stream was refused (${response.status}).`);
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const event of parser.push(decoder.decode(part.value, { stream: true }))) onEvent(event);
  }
}
