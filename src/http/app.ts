import swagger from '@fastify/swagger';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaValidationError,
  LogController,
} from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { nearest } from '../config/nearest.ts';
import { isError, toError, ZonekeeperError } from '../errors.ts';
import { authorize, requireSameSite } from './access.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { eventRoutes } from './routes/events.ts';
import { logLevelRoutes } from './routes/log-level.ts';
import { operationRoutes } from './routes/operations.ts';
import { probeRoutes } from './routes/probes.ts';
import { recordRoutes } from './routes/records.ts';
import { statusRoutes } from './routes/status.ts';
import { syncRoutes } from './routes/sync.ts';
import type { Access, RequestTracer, Services } from './services.ts';
import { siteRoutes } from './site.ts';
import type { App } from './typed-app.ts';

export interface AppOptions {
  readonly services: Services;
  readonly access: Access;
  readonly logger: FastifyBaseLogger;
  /** A request could not be served, and not by its own fault. */
  readonly onFailed: (error: ZonekeeperError, requestId: string) => void;
  /** Null where nobody traces. */
  readonly tracer?: RequestTracer | null;
  /** The folder of the built page; null where it is not served. */
  readonly site?: string | null;
  /** Bytes that a body may have. */
  readonly bodyLimit?: number;
}

const BODY_LIMIT = 1_048_576;
/** For the whole request to arrive; answers may take longer (a sync, an event stream). Milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP side of the daemon: routes, their description, access, and errors as problems. */
export function buildApp(options: AppOptions) {
  const { services, access, logger, onFailed, tracer = null, site = null, bodyLimit = BODY_LIMIT } = options;
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: 'x-request-id',
    genReqId: () => crypto.randomUUID(),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();
  // Fastify takes text by itself; we take JSON only, so that no form of another site can ask for anything.
  app.decorateRequest('user', null);
  app.decorateRequest('traced', null);
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  describe(app, services.version);

  app.addHook('onRequest', async (request, reply) => {
    reply
      .header('x-request-id', request.id)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer');
    const path = request.url.split('?', 1)[0] ?? '';
    // Metrics tell no names: they are open but where Kubernetes knows who may read.
    if (path === '/metrics' && access.review !== null) await authorize(request, access);
    if (!path.startsWith('/api/') && path !== '/sync') return;
    reply.header('cache-control', 'no-store');
    requireSameSite(request, access);
    await authorize(request, access);
  });
  if (tracer !== null) traceRequests(app, tracer);
  app.setErrorHandler((thrown: FastifyError | ZonekeeperError, request, reply) => {
    const error = describeError(thrown, bodyLimit);
    if (error.spec.status >= 500) onFailed(error, request.id);
    return answer(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => answer(notFound(request, app.hasRoute.bind(app)), request, reply));

  app.register(async (scope) => {
    const routes = scope.withTypeProvider<ZodTypeProvider>();
    syncRoutes(routes, services);
    operationRoutes(routes, services);
    recordRoutes(routes, services);
    eventRoutes(routes, services, onFailed);
    statusRoutes(routes, services);
    logLevelRoutes(routes, services);
    probeRoutes(routes, services);
    routes.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  });
  siteRoutes(app, site);
  return app;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The request as it is traced; null where nobody does. */
    traced: ReturnType<RequestTracer['request']> | null;
  }
}

function traceRequests(app: App, tracer: RequestTracer): void {
  app.addHook('onRequest', async (request: FastifyRequest) => {
    const { traceparent, tracestate } = request.headers;
    const { method, routeOptions } = request;
    // The route and not the path: names stand in paths.
    const route = routeOptions.url ?? 'unknown';
    request.traced = tracer.request(
      `${method} ${route}`,
      { traceparent, tracestate },
      {
        'http.request.method': method,
        'http.route': route,
      },
    );
  });
  app.addHook('onResponse', async (request: FastifyRequest, reply: FastifyReply) =>
    request.traced?.end(reply.statusCode),
  );
}

function describe(app: ReturnType<ReturnType<typeof Fastify>['withTypeProvider']>, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Zonekeeper',
        version,
        description: 'Keeps DNS records at Cloudflare equal to what a PostgreSQL database says should exist.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
}

function answer(error: ZonekeeperError, request: FastifyRequest, reply: FastifyReply) {
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer');
  return reply
    .status(error.spec.status)
    .type(PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id));
}

/** What Fastify and zod throw, as errors of the registry. */
function describeError(error: FastifyError | ZonekeeperError, bodyLimit: number): ZonekeeperError {
  if (isError(error)) return error;
  const { code, validation, statusCode } = error as FastifyError;
  if (validation !== undefined) {
    const problems = validation.map(validationProblem);
    return new ZonekeeperError('bad_request', problems.join('; '), { facts: { problems } });
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ZonekeeperError('body_too_large', `A body may have ${bodyLimit} bytes.`);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ZonekeeperError('unsupported_media_type', error.message);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ZonekeeperError('bad_request', error.message);
  return toError(error);
}

/** Everything that a request may say, to name what was probably meant. */
const FIELDS = ['dry_run', 'fqdns', 'confirm', 'force', 'state', 'zone', 'q', 'order', 'limit', 'cursor', 'fqdn'];

function validationProblem({ instancePath, message, params }: FastifySchemaValidationError): string {
  const place = instancePath.slice(1).replaceAll('/', '.');
  const { keys } = params as { keys?: readonly string[] };
  if (keys === undefined) return place === '' ? String(message) : `${place}: ${message}`;
  return keys
    .map((key) => {
      const meant = nearest(key, FIELDS);
      return `${JSON.stringify(key.slice(0, 80))} is not known${meant === null ? '' : ` (did you mean ${JSON.stringify(meant)}?)`}`;
    })
    .join('; ');
}

const METHODS = ['GET', 'POST', 'DELETE'] as const;

function notFound(
  request: FastifyRequest,
  hasRoute: (route: { url: string; method: string }) => boolean,
): ZonekeeperError {
  const url = request.url.split('?', 1)[0] ?? '/';
  const allowed = METHODS.filter((method) => hasRoute({ url, method }));
  if (allowed.length > 0)
    return new ZonekeeperError('method_not_allowed', `${request.method} is not allowed for ${url}.`, {
      facts: { allowed },
    });
  return new ZonekeeperError('not_found', `There is nothing at ${url.slice(0, 200)}.`);
}
