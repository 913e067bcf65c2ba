import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '../controller/clock.ts';
import type { Answer } from './answer.ts';
import type { FaultEffect } from './fault.ts';

/** Pieces in which a slow body is sent. */
const PIECES = 10;

/** Sends an answer, whole or as a fault spoils it. Rejects when `ended` is aborted in the middle of a slow body. */
export async function send(
  response: ServerResponse,
  answer: Answer,
  effect: FaultEffect | undefined,
  { clock, ended }: { readonly clock: Clock; readonly ended: AbortSignal },
): Promise<void> {
  const body = Buffer.from(answer.body);
  response.statusCode = answer.status;
  response.setHeader('content-type', answer.type ?? 'application/json');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (effect?.kind === 'truncated') {
    const half = body.subarray(0, Math.floor(body.length / 2));
    response.setHeader('content-length', effect.aborted === true ? body.length : half.length);
    if (effect.aborted === true) response.write(half, () => drop(response));
    else response.end(half);
    return;
  }
  response.setHeader('content-length', body.length);
  if (effect?.kind !== 'slow') {
    response.end(body);
    return;
  }
  const size = Math.max(1, Math.ceil(body.length / PIECES));
  response.flushHeaders();
  for (let start = 0; start < body.length && !response.destroyed; start += size) {
    await sleep(clock, effect.ms / PIECES, ended);
    response.write(body.subarray(start, start + size));
  }
  response.end();
}

/** Ends the connection as if the answer was lost. */
export function drop(response: ServerResponse): void {
  response.socket?.destroy();
}

/** Ends the connection with a RST. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
