import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { freePort } from './free-port.ts';

/** A whole server for one test, which may do to it what would disturb the others. Always the embedded one. */
export interface OwnPostgres {
  /** Stays the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now. */
  readonly pid: number;
  /** `fast` in order, `immediate` as after a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** On the same port, with the same data; stops it first where it runs. */
  start(): Promise<void>;
  restart(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** Starts a server; ended and removed at the end of the test. */
export async function startOwnPostgres(settings: EmbeddedOptions['settings'] = {}): Promise<OwnPostgres> {
  const directory = join(tmpdir(), `zonekeeper-own-pg-${randomBytes(6).toString('hex')}`);
  const options: EmbeddedOptions = { directory, durable: false, settings };
  let server: EmbeddedPostgres | undefined;
  onTestFinished(async () => {
    await server?.stop('immediate');
    rmSync(directory, { recursive: true, force: true });
  });
  // Not one of those that the system gives away while the server is down.
  const port = await freePort();
  server = await startEmbeddedPostgres({ ...options, port });
  const { url } = server;
  const stop = async (mode: 'fast' | 'immediate' = 'fast') => {
    await server?.stop(mode);
  };
  const start = async () => {
    await stop();
    server = await startEmbeddedPostgres({ ...options, port });
  };
  return {
    url,
    port,
    get pid() {
      return server?.pid ?? 0;
    },
    stop,
    start,
    restart: async (mode) => {
      await stop(mode);
      await start();
    },
  };
}
