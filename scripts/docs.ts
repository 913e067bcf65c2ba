/** Pages of docs/ that are made from the code. `npm run docs` writes them; a test holds them to the code. */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { ERRORS } from '../src/errors.ts';
import { buildApp } from '../src/http/app.ts';
import { EventHub } from '../src/http/event-hub.ts';
import type { Services } from '../src/http/services.ts';

const RETRY = {
  never: 'when somebody has changed something',
  backoff: 'by itself, at growing pauses',
  after: 'by itself, at a known time',
};

/** docs/errors.md: every code with what it means and what to do. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { title, todo, status, retry }]) => `| \`${code}\` | ${title} | ${todo} | ${status} | ${RETRY[retry]} |`,
  );
  return `# Errors

Every error has a code that does not change. The HTTP API answers it as a problem (RFC 9457), the command line prints it, and the state of a name carries it as \`code\`. This page is made from \`src/errors.ts\` by \`npm run docs\`.

| code | what | what to do | HTTP | tried again |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
}

/** docs/http-api.md: the routes, from the same description that \`/openapi.json\` serves. */
export async function apiPage(): Promise<string> {
  const { paths } = await openapi();
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { summary = '', description = '' }]) =>
        `| \`${method.toUpperCase()} ${path}\` | ${summary} ${description} |`,
    ),
  );
  return `# HTTP API

JSON in snake_case. \`/openapi.json\` describes everything (OpenAPI 3.1); this page is made from it by \`npm run docs\`.

| route | does |
|---|---|
${rows.join('\n')}

## Access

Everything under \`/api\` and \`/sync\` needs \`Authorization: Bearer <ZONEKEEPER_API_TOKEN>\` where that is set. Without a token the daemon listens on loopback only, unless \`ZONEKEEPER_ALLOW_ANONYMOUS=read\`: then anybody may read and nobody
may write. Probes and metrics need no token. Bodies are JSON; requests of other sites' pages are refused.

## Errors

\`application/problem+json\` (RFC 9457) with \`code\`, \`title\`, \`detail\`, \`todo\` and \`request_id\`; the codes are in [errors.md](errors.md). \`Retry-After\` comes with what is worth asking again.

## Examples

\`\`\`sh
curl -s -X POST http://127.0.0.1:8080/api/dns/sync -H 'content-type: application/json' -d '{"dry_run": true}'
curl -s -X POST http://127.0.0.1:8080/api/dns/sync -H 'prefer: respond-async' -i      # 202, Location: /api/dns/operations/…
curl -s 'http://127.0.0.1:8080/api/dns/records?state=failed,conflict&limit=20'
curl -s -X DELETE http://127.0.0.1:8080/api/dns/records/old.example.com
curl -sN http://127.0.0.1:8080/api/dns/events
\`\`\`

The report of a sync: \`{ "id", "dry_run", "started_at", "finished_at", "created", "updated", "deleted", "already_synced", "conflicts", "blocked", "failed", "changes": [{ "fqdn", "action", "type", "before", "after", "reason", "result",
"error" }], "problems", "held", "hash", "release" }\`. \`release\` is the command that releases what the delete guard holds.
`;
}

/** The API's description, without a daemon behind it. */
export async function openapi(): Promise<{ paths: Record<string, Record<string, Operation>> }> {
  const services = { version: '0', events: new EventHub() } as unknown as Services;
  const access = { token: () => null, review: null, anonymousRead: false, hosts: [] };
  const app = buildApp({ services, access, logger: pino({ level: 'silent' }), onFailed: () => undefined });
  await app.ready();
  const description = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>> };
  await app.close();
  return description;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage());
  writeFileSync(new URL('../docs/http-api.md', import.meta.url), await apiPage());
}
