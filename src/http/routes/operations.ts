import { z } from 'zod';
import { ZonekeeperError } from '../../errors.ts';
import { problemSchema } from '../problem.ts';
import { operationSchema } from '../schemas.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';
import { operationView } from '../views.ts';

/** Past and running operations. */
export function operationRoutes(app: App, services: Services): void {
  app.get(
    '/api/dns/operations',
    {
      schema: {
        operationId: 'listOperations',
        tags: ['operations'],
        summary: 'Operations, the latest first, without the changes of their reports.',
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(200).default(50),
          cursor: z.string().max(64).optional(),
        }),
        response: {
          200: z.object({ operations: z.array(operationSchema), next: z.string().nullable() }),
          default: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor } = request.query;
      const operations = await services.operations.list(limit + 1, cursor ?? null);
      const page = operations.slice(0, limit);
      const next = operations.length > limit ? (page.at(-1)?.id ?? null) : null;
      if (next !== null)
        reply.header('link', `</api/dns/operations?limit=${limit}&cursor=${encodeURIComponent(next)}>; rel="next"`);
      return { operations: page.map(operationView), next };
    },
  );

  app.get(
    '/api/dns/operations/:id',
    {
      schema: {
        operationId: 'getOperation',
        tags: ['operations'],
        summary: 'One operation: progress while it runs, the report when it is done.',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: operationSchema, default: problemSchema },
      },
    },
    async (request) => {
      const operation = await services.operations.get(request.params.id);
      if (operation === null) throw new ZonekeeperError('not_found', `There is no operation ${request.params.id}.`);
      return operationView(operation);
    },
  );
}
