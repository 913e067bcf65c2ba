import { z } from 'zod';
import type { Check, Services } from '../services.ts';
import type { App } from '../typed-app.ts';

const querystring = z.object({ verbose: z.string().optional() });

/** `/livez`, `/readyz` as kube-apiserver prints them, and `/metrics`. */
export function probeRoutes(app: App, services: Services): void {
  for (const [url, checks, summary] of [
    ['/livez', () => services.live(), 'Does the process work? Asks neither PostgreSQL nor Cloudflare.'],
    ['/readyz', () => services.ready(), 'Can the process do its work? A standby is ready, too.'],
  ] as const) {
    app.get(
      url,
      { schema: { operationId: url.slice(1), tags: ['probes'], summary, security: [], querystring } },
      async (request, reply) => {
        const results = checks();
        const failed = results.some(({ problem }) => problem !== null);
        const verbose = request.query.verbose !== undefined || failed;
        return reply
          .status(failed ? 503 : 200)
          .type('text/plain; charset=utf-8')
          .send(verbose ? listing(url.slice(1), results, failed) : 'ok');
      },
    );
  }
  app.get(
    '/metrics',
    { schema: { operationId: 'metrics', tags: ['probes'], summary: 'Prometheus metrics.', security: [] } },
    async (_, reply) => {
      const { contentType, body } = await services.metrics();
      return reply.type(contentType).send(body);
    },
  );
}

function listing(name: string, checks: readonly Check[], failed: boolean): string {
  const lines = checks.map(({ name: check, problem }) =>
    problem === null ? `[+]${check} ok` : `[-]${check} failed: ${problem}`,
  );
  return `${[...lines, `${name} check ${failed ? 'failed' : 'passed'}`].join('\n')}\n`;
}
