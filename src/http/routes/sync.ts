import { z } from 'zod';
import { actorOf, traceOf } from '../access.ts';
import { ended } from '../ended.ts';
import { problemSchema } from '../problem.ts';
import { operationSchema, reportSchema, syncRequestSchema } from '../schemas.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';
import { operationView, reportView } from '../views.ts';

/** Ask for a sync, and for what a sync would do. */
export function syncRoutes(app: App, services: Services): void {
  for (const url of ['/api/dns/sync', '/sync']) {
    app.post(
      url,
      {
        schema: {
          operationId: url === '/sync' ? 'syncShort' : 'sync',
          tags: ['sync'],
          summary: 'Make Cloudflare equal to what the database says.',
          description:
            'Answers with the report when it is done; with `Prefer: respond-async`, at once with the operation. A second equal call joins the running one.',
          // A request without a body has null here.
          body: syncRequestSchema.nullish(),
          headers: z.object({ prefer: z.string().optional() }),
          response: { 200: reportSchema, 202: operationSchema, default: problemSchema },
        },
      },
      async (request, reply) => {
        const { dry_run = false, fqdns, confirm } = request.body ?? {};
        const asked = await services.operations.ask(
          'sync',
          { fqdns: fqdns ?? null, dryRun: dry_run, confirm: confirm ?? null, force: false, ...traceOf(request) },
          actorOf(request),
        );
        reply.header('location', `/api/dns/operations/${asked.id}`);
        if (/(^|[,\s])respond-async([,;\s]|$)/i.test(request.headers.prefer ?? '')) {
          return reply.status(202).header('preference-applied', 'respond-async').send(operationView(asked));
        }
        return reply.status(200).send(reportView(await ended(services, asked.id, request)));
      },
    );
  }

  app.get(
    '/api/dns/plan',
    {
      schema: {
        operationId: 'plan',
        tags: ['sync'],
        summary: 'What a sync would do now, by the last look at Cloudflare.',
        querystring: z.strictObject({ fqdn: z.union([z.string(), z.array(z.string())]).optional() }),
        response: { 200: reportSchema, default: problemSchema },
      },
    },
    async (request) => {
      const { fqdn } = request.query;
      const fqdns = fqdn === undefined ? null : [fqdn].flat();
      const asked = await services.operations.ask(
        'plan',
        { fqdns, dryRun: true, confirm: null, force: false, ...traceOf(request) },
        actorOf(request),
      );
      return reportView(await ended(services, asked.id, request));
    },
  );
}
