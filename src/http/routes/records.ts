import { z } from 'zod';
import { normalizeName } from '../../dns/name.ts';
import { NAME_STATES, type NameState } from '../../dns/record.ts';
import { ZonekeeperError } from '../../errors.ts';
import { actorOf, traceOf } from '../access.ts';
import { ended } from '../ended.ts';
import { problemSchema } from '../problem.ts';
import { historySchema, nameSchema, reportSchema, summarySchema } from '../schemas.ts';
import type { Services } from '../services.ts';
import type { App } from '../typed-app.ts';
import { historyView, nameView, reportView, summaryView } from '../views.ts';

const params = z.object({ fqdn: z.string().min(1).max(255) });
const HISTORY = 100;

/** The names with their records: list, one, delete, adopt. */
export function recordRoutes(app: App, services: Services): void {
  app.get(
    '/api/dns/records',
    {
      schema: {
        operationId: 'listRecords',
        tags: ['records'],
        summary: 'Names with their desired and actual records, ordered by name.',
        querystring: z.strictObject({
          state: z
            .union([z.string(), z.array(z.string())])
            .optional()
            .meta({ description: `One or several of ${NAME_STATES.join(', ')}; separated by commas or repeated.` }),
          zone: z.string().max(255).optional(),
          q: z.string().max(255).optional().meta({ description: 'Part of the name.' }),
          order: z.enum(['asc', 'desc']).default('asc').meta({ description: 'By name.' }),
          limit: z.coerce.number().int().min(1).max(1_000).default(100),
          cursor: z.string().max(300).optional(),
        }),
        response: {
          200: z.object({ records: z.array(nameSchema), next: z.string().nullable() }),
          default: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const { state, zone, q, order, limit, cursor } = request.query;
      const { names, next } = await services.browse({
        states: statesOf(state),
        zone: zone ?? null,
        q: q ?? null,
        descending: order === 'desc',
        limit,
        cursor: cursor ?? null,
      });
      if (next !== null) {
        const query = new URLSearchParams({
          ...(zone && { zone }),
          ...(q && { q }),
          ...(order === 'desc' && { order }),
          limit: String(limit),
          cursor: next,
        });
        for (const one of statesOf(state)) query.append('state', one);
        reply.header('link', `</api/dns/records?${query}>; rel="next"`);
      }
      return { records: names.map((name) => nameView(name, services.resolve)), next };
    },
  );

  app.get(
    '/api/dns/summary',
    {
      schema: {
        operationId: 'summary',
        tags: ['records'],
        summary: 'How many names are in which state.',
        response: { 200: summarySchema, default: problemSchema },
      },
    },
    async () => summaryView(await services.summary()),
  );

  app.get(
    '/api/dns/records/:fqdn',
    {
      schema: {
        operationId: 'getRecord',
        tags: ['records'],
        summary: 'One name with its history.',
        params,
        response: { 200: nameSchema.extend({ history: z.array(historySchema) }), default: problemSchema },
      },
    },
    async (request) => {
      // A consumer without a valid name is filed under what stands in its row.
      const fqdn = normalized(request.params.fqdn) ?? request.params.fqdn;
      const [name, history] = await Promise.all([services.name(fqdn), services.history(fqdn, HISTORY)]);
      if (name === null && history.length === 0) throw new ZonekeeperError('not_found', `Nothing is known of ${fqdn}.`);
      const known = name ?? {
        facts: { fqdn, rows: [], tracked: [], intents: [], state: null },
        row: null,
        changedAt: null,
        adopted: false,
      };
      return { ...nameView(known, services.resolve), history: history.map(historyView) };
    },
  );

  app.delete(
    '/api/dns/records/:fqdn',
    {
      schema: {
        operationId: 'deleteRecord',
        tags: ['records'],
        summary: "Delete a name's records at Cloudflare and from dns_records.",
        params,
        querystring: z.strictObject({
          force: z
            .enum(['true', 'false'])
            .default('false')
            .meta({ description: 'Also when a consumer still wants the name; the record will return.' }),
        }),
        response: { 200: reportSchema, default: problemSchema },
      },
    },
    async (request) => {
      const fqdns = [required(request.params.fqdn)];
      const force = request.query.force === 'true';
      const asked = await services.operations.ask(
        'delete',
        { fqdns, dryRun: false, confirm: null, force, ...traceOf(request) },
        actorOf(request),
      );
      return reportView(await ended(services, asked.id, request));
    },
  );

  app.post(
    '/api/dns/records/:fqdn/adopt',
    {
      schema: {
        operationId: 'adoptRecord',
        tags: ['records'],
        summary: 'Take over the foreign record that holds a wanted name.',
        params,
        body: z.strictObject({}).nullish(),
        response: { 200: reportSchema, default: problemSchema },
      },
    },
    async (request) => {
      const fqdns = [required(request.params.fqdn)];
      const asked = await services.operations.ask(
        'adopt',
        { fqdns, dryRun: false, confirm: null, force: false, ...traceOf(request) },
        actorOf(request),
      );
      return reportView(await ended(services, asked.id, request));
    },
  );
}

function normalized(raw: string): string | null {
  const result = normalizeName(raw);
  return result.ok ? result.fqdn : null;
}

function required(raw: string): string {
  const result = normalizeName(raw);
  if (!result.ok) throw new ZonekeeperError('bad_request', result.problem.message);
  return result.fqdn;
}

function statesOf(state: string | string[] | undefined): NameState[] {
  const asked = [state ?? []]
    .flat()
    .flatMap((one) => one.split(','))
    .filter((one) => one !== '');
  for (const one of asked) {
    if (!(NAME_STATES as readonly string[]).includes(one)) {
      throw new ZonekeeperError(
        'bad_request',
        `There is no state ${JSON.stringify(one)}; the states are ${NAME_STATES.join(', ')}.`,
      );
    }
  }
  return asked as NameState[];
}
