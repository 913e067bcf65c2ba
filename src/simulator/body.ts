import type { IncomingMessage } from 'node:http';

/** More than this is not read of a request to the API: a batch of 3,500 records has about 1 MB. */
export const MAX_API_BODY = 32 * 2 ** 20;
/** The same for a control request: 100,000 records to seed have about 15 MB. */
export const MAX_CONTROL_BODY = 256 * 2 ** 20;

/** The body of a request as text; null when it is larger than `limit` bytes. Rejects when the connection breaks. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The connection must outlive a body that is too large, for the answer that says so.
  const stream: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

/** Text as JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
