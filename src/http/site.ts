import { existsSync } from 'node:fs';
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ZonekeeperError } from '../errors.ts';

/** The addresses that show the page; its own code looks at them to know what to show. */
const PAGES = ['/', '/dns', '/operations'] as const;
/** Only what we serve ourselves, and no script in the page; style attributes are set by the framework. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const YEAR_S = 31_536_000;

/** Serves the built page from a folder; null, or a folder that is not there: says how to build it. */
export function siteRoutes(app: FastifyInstance, folder: string | null): void {
  if (folder === null || !existsSync(`${folder}/index.html`)) {
    for (const url of PAGES) {
      app.get(url, { schema: { hide: true } }, () => {
        throw new ZonekeeperError(
          'not_found',
          'The page is not built; the API is served. From a checkout: npm run build:web',
        );
      });
    }
    return;
  }
  app.register(fastifyStatic, {
    root: folder,
    // One route for each file that is there: no path of a request ever reaches the file system.
    wildcard: false,
    index: false,
    cacheControl: false,
    preCompressed: true,
    schemaHide: true,
    setHeaders: (reply, path) => protect(reply, path.includes('/immutable/')),
  });
  for (const url of PAGES) {
    app.get(url, { schema: { hide: true } }, (_request, reply: FastifyReply) => reply.sendFile('index.html'));
  }
}

type Reply = Parameters<NonNullable<FastifyStaticOptions['setHeaders']>>[0];

function protect(reply: Reply, immutable: boolean): void {
  reply.header('content-security-policy', POLICY);
  reply.header('cache-control', immutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache');
}
