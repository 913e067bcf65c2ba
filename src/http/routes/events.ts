import { PassThrough } from 'node:stream';
import { toError, ZonekeeperError } from '../../errors.ts';
import type { HubEvent } from '../event-hub.ts';
import { problemSchema } from '../problem.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';
import { operationView } from '../views.ts';

/** A comment line so often, so that proxies keep the stream open and a dead client is found. Milliseconds. */
const KEEP_ALIVE_MS = 15_000;
/** Bytes that may wait for a slow reader; beyond it the stream is ended, and the client reconnects and reads anew. */
const MAX_WAITING = 1_048_576;

/** Server-sent events: what changed, as hints to read it again. `onFailed`: one could not be read. */
export function eventRoutes(
  app: App,
  services: Services,
  onFailed: (error: ZonekeeperError, requestId: string) => void,
): void {
  app.get(
    '/api/dns/events',
    {
      schema: {
        operationId: 'events',
        tags: ['events'],
        summary: 'Server-sent events.',
        description:
          'Events: `hello` (connected: read everything), `names` ({"names": [...]} or null for many), `operation` (an Operation, without changes).',
        response: { '4xx': problemSchema },
      },
    },
    (request, reply) => {
      const stream = new PassThrough();
      const send = (event: string, data: unknown) => {
        if (stream.writableLength > MAX_WAITING) stream.end();
        else stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      };
      const forward = async (event: HubEvent) => {
        if ('names' in event) {
          send('names', event);
          return;
        }
        const operation = await services.operations.get(event.operation);
        if (operation === null || operation.kind === 'plan') return;
        const { report, ...rest } = operationView(operation);
        const { changes, ...counts } = report ?? {};
        send('operation', { ...rest, report: report === null ? null : { ...counts, listed: changes?.length ?? 0 } });
      };
      const end = services.events.subscribe(
        (event) => void forward(event).catch((error) => onFailed(toError(error), request.id)),
        () => stream.end(),
      );
      if (end === null)
        throw new ZonekeeperError('too_many_requests', 'Too many event streams are open.', { retryAfterMs: 10_000 });
      const timer = setInterval(() => stream.write(': alive\n\n'), KEEP_ALIVE_MS);
      stream.on('close', () => {
        clearInterval(timer);
        end();
      });
      request.raw.socket.once('close', () => stream.destroy());
      send('hello', { version: services.version });
      // The described answers are the errors; a stream is sent as it is.
      reply
        .type('text/event-stream')
        .header('x-accel-buffering', 'no')
        .send(stream as never);
    },
  );
}
