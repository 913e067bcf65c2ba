import { randomBytes } from 'node:crypto';

/** A PostgreSQL in a container. */
export interface PostgresContainer {
  readonly url: string;
  stop(): Promise<void>;
}

const START_MS = 60_000;

/** Starts the image, made by `test/containers/engine.sh postgres`. A new, empty server each time. */
export async function startPostgresContainer(image: string): Promise<PostgresContainer> {
  // Only here: whoever has no container engine need not load it.
  const { GenericContainer, Wait } = await import('testcontainers');
  const password = randomBytes(12).toString('hex');
  const started = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: password })
    // By which `engine.sh down` knows what a run that broke off has left.
    .withLabels({ 'zonekeeper-test': process.env.ENGINE_USER ?? '' })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/))
    .withStartupTimeout(START_MS)
    .start();
  return {
    url: `postgres://postgres:${password}@${started.getHost()}:${started.getMappedPort(5432)}/postgres`,
    stop: async () => {
      await started.stop();
    },
  };
}
