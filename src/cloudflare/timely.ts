/**
 * The body of a request whose end is handed over only if `mayLeave` does not throw. Opening a connection takes a while, in which a
 * process can be paused for longer than the call may take; when it wakes up, the new connection is served before the
 * timer that would have ended the call. Of a body without its end nothing is carried out.
 *
 * `fetch` reads one piece ahead while it has no connection, and the next when it has sent that one: so the last byte is a piece of
 * its own. It is a Blob as `fetch` knows the length of those: other streams are sent in chunks.
 */
export class TimelyBody extends Blob {
  readonly #bytes: Uint8Array;
  readonly #mayLeave: () => void;

  constructor(text: string, mayLeave: () => void) {
    const bytes = new TextEncoder().encode(text);
    super([bytes]);
    this.#bytes = bytes;
    this.#mayLeave = mayLeave;
  }

  override stream(): ReturnType<Blob['stream']> {
    const pieces = [this.#bytes.subarray(0, -1), this.#bytes.subarray(-1)].filter(({ length }) => length > 0);
    const source = {
      pull: (controller: ReadableStreamDefaultController<Uint8Array>) => {
        const piece = pieces.shift();
        if (pieces.length === 0) this.#mayLeave();
        if (piece !== undefined) controller.enqueue(piece);
        if (pieces.length === 0) controller.close();
      },
    };
    return new ReadableStream(source, { highWaterMark: 0 }) as ReturnType<Blob['stream']>;
  }
}

/** What `fetch` is given beside what it knows. */
export interface TimelyInit {
  /** For a request with a body: throws when it is too late to send it. */
  readonly mayLeave?: () => void;
}

/** `fetch` that asks `mayLeave` before it sends a body. */
export function timely(send: typeof fetch): typeof fetch {
  return (input, init: (RequestInit & TimelyInit) | undefined) => {
    const { mayLeave, ...rest } = init ?? {};
    const { body } = rest;
    const guarded = mayLeave !== undefined && typeof body === 'string';
    return send(input, guarded ? { ...rest, body: new TimelyBody(body, mayLeave) } : rest);
  };
}
