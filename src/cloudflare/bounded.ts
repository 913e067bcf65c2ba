/** An answer was longer than it may be; it was not read to its end. */
export class AnswerTooLong extends Error {
  constructor(bytes: number) {
    super(`it is longer than ${bytes} bytes`);
    this.name = 'AnswerTooLong';
  }
}

/**
 * `fetch` whose bodies end with {@link AnswerTooLong} after so many bytes, as they are once unpacked. Whatever stands between us and
 * Cloudflare can send more, within the time that a call may take, than the memory of the process holds.
 */
export function bounded(send: typeof fetch, bytes: number): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    if (response.body === null) return response;
    let left = bytes;
    const limit = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        left -= chunk.byteLength;
        if (left < 0) controller.error(new AnswerTooLong(bytes));
        else controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(limit), response);
  };
}
