import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ZonekeeperError } from '../errors.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { type User, unprivileged } from './user.ts';

export interface EmbeddedOptions {
  /** Where the data are. Made when it does not exist; whoever runs PostgreSQL must be able to enter its parents. */
  readonly directory?: string;
  /** 0 for a free one. */
  readonly port?: number;
  /** False: faster, and the data do not survive a crash of the machine. */
  readonly durable?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of our own. */
export interface EmbeddedPostgres {
  /** Connection string of the superuser, database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** `fast` ends it in order, `immediate` as a crash would. Idempotent. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

const READY_MS = 60_000;
const STOP_MS = 20_000;
const PASSWORD_FILE = 'zonekeeper-password';

/**
 * Starts a PostgreSQL from the programs of the npm package. The package's own start is not used: it leaves the server
 * running when its parent is killed, and makes a user on the machine. Here, a watching shell ends the server as soon as
 * this process is gone, however it went, and root starts it as an existing user. Throws ZonekeeperErrors.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const user = unprivileged();
  const binaries = await findBinaries(user);
  const directory = options.directory ?? join(tmpdir(), `zonekeeper-postgres-${randomBytes(6).toString('hex')}`);
  const data = join(directory, 'data');
  await endLeftover(data);
  const password = await prepare(binaries, directory, data, user);
  const port = options.port || (await freePort());
  const child = launch(binaries, data, port, user, options);
  const watch = watchOver(child);
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    await answering(child, url);
  } catch (error) {
    child.kill('SIGQUIT');
    throw error;
  }
  return {
    url,
    port,
    directory,
    pid: child.pid ?? 0,
    stop: async (mode = 'fast') => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        clearTimeout(late);
      }
      watch.kill('SIGKILL');
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Makes the data directory where there is none. Returns the password. */
async function prepare(binaries: Binaries, directory: string, data: string, user: User | null): Promise<string> {
  const passwordFile = join(directory, PASSWORD_FILE);
  if (existsSync(join(data, 'PG_VERSION')) && existsSync(passwordFile)) return readFileSync(passwordFile, 'utf8');
  rmSync(data, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const password = randomBytes(16).toString('hex');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== null) for (const path of [directory, passwordFile]) chownSync(path, user.uid, user.gid);
  const args = [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ];
  const { code, output } = await finished(
    spawn(binaries.initdb, args, { ...asUser(user), cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  if (code === 0) return password;
  rmSync(data, { recursive: true, force: true });
  throw failed(`initdb ended with ${code}: ${output.slice(-500)}`);
}

function launch(
  binaries: Binaries,
  data: string,
  port: number,
  user: User | null,
  options: EmbeddedOptions,
): ChildProcess {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    max_connections: '200',
    ...(options.durable === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  // A group of its own: Ctrl-C at the terminal is for us, who then end it in order.
  return spawn(binaries.postgres, args, {
    ...asUser(user),
    cwd: data,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Ends the server once our end of the pipe is closed: that is, when this process is gone. */
function watchOver(child: ChildProcess): ChildProcess {
  const script = 'cat > /dev/null; kill -INT "$0" 2> /dev/null';
  const watch = spawn('sh', ['-c', script, String(child.pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watch.unref();
  // The pipe alone must not keep this process alive.
  (watch.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  child.unref();
  (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
  return watch;
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const until = performance.now() + READY_MS;
  for (;;) {
    if (child.exitCode !== null) throw failed(`postgres ended with ${child.exitCode}: ${said}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (performance.now() > until)
        throw failed(`it does not answer after ${READY_MS / 1000} s: ${(error as Error).message}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** A server that an earlier process left behind on the same data. Only if it is one: its command line names the data. */
async function endLeftover(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !(await commandOf(pid)).includes(data)) return;
  process.kill(pid, 'SIGQUIT');
  const until = performance.now() + STOP_MS;
  while (alive(pid)) {
    if (performance.now() > until) throw failed(`an earlier server (process ${pid}) does not end`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function commandOf(pid: number): Promise<string> {
  const { output } = await finished(
    spawn('ps', ['-o', 'args=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] }),
  ).catch(() => ({ output: '' }));
  if (output !== '') return output;
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : '';
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function asUser(user: User | null) {
  // No settings of the caller's: PGDATA, PGPORT and the like would win over ours.
  const env = { PATH: process.env.PATH ?? '', TZ: 'UTC', LC_ALL: 'C' };
  return user === null ? { env } : { env, uid: user.uid, gid: user.gid };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function failed(why: string): ZonekeeperError {
  return new ZonekeeperError('database_unreachable', `The embedded PostgreSQL could not be started: ${why}`);
}
