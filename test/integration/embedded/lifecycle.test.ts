import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedPostgres } from '../../../src/embedded/postgres.ts';
import { isError } from '../../../src/errors.ts';
import { freePort } from '../../support/free-port.ts';
import { waitFor } from '../../support/wait.ts';

const STARTER = fileURLToPath(new URL('./starter.ts', import.meta.url));

interface Started {
  readonly parent: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly directory: string;
}

function folder(): string {
  const path = join(tmpdir(), `zonekeeper-embedded-test-${randomBytes(6).toString('hex')}`);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a server as the child of a process of its own. */
async function startElsewhere(then: string, directory?: string): Promise<Started> {
  const args = [STARTER, then, ...(directory === undefined ? [] : [directory])];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let started: Omit<Started, 'parent'> | undefined;
  onTestFinished(async () => {
    parent.kill('SIGKILL');
    // It still writes to its folder, which goes next.
    await waitFor('the server to be gone', () => started === undefined || gone(started.pid));
  });
  let text = '';
  parent.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await waitFor('the server of another process', () => text.includes('\n'));
  started = JSON.parse(text) as Omit<Started, 'parent'>;
  return { parent, ...started };
}

/** Is it over? A process that init has not collected yet is. */
function gone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return existsSync('/proc') && /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

describe('a server without a directory', () => {
  test('answers, and leaves nothing behind when it is stopped', async () => {
    const server = await startEmbeddedPostgres({ durable: false });
    const asked = `SELECT current_user, getdatabaseencoding(), datcollate, current_setting('listen_addresses'),
      current_setting('unix_socket_directories') FROM pg_database WHERE datname = 'postgres'`;
    expect(await query(server.url, asked)).toEqual(['postgres', 'UTF8', 'C', '127.0.0.1', '']);
    await server.stop();
    await server.stop();
    await server.ended;
    expect(gone(server.pid)).toBe(true);
    expect(existsSync(server.directory)).toBe(false);
  });

  test('lets nobody in without the password', async () => {
    const server = await startEmbeddedPostgres({ durable: false });
    onTestFinished(() => server.stop());
    const url = new URL(server.url);
    url.password = 'postgres';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  });

  test.each(['exit', 'throw', 'return'])('goes with its process: %s', async (then) => {
    const { pid, directory } = await startElsewhere(then);
    await waitFor('the server to be gone', () => gone(pid));
    await waitFor('its data to be gone', () => !existsSync(directory));
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('goes with its process: %s', async (signal) => {
    const { parent, pid, directory } = await startElsewhere('stay');
    parent.kill(signal);
    await waitFor('the server to be gone', () => gone(pid));
    await waitFor('its data to be gone', () => !existsSync(directory));
  });
});

describe('a server with a directory', () => {
  test('keeps its data and its password, and begins quickly the second time', async () => {
    const directory = folder();
    const first = await startEmbeddedPostgres({ directory, durable: false, port: await freePort() });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await startEmbeddedPostgres({ directory, port: first.port });
    onTestFinished(() => second.stop());
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([42]);
    expect(await query(second.url, 'SHOW fsync')).toEqual(['on']);
  });

  test('keeps its data when its process is killed', async () => {
    const directory = folder();
    const { parent, pid, url } = await startElsewhere('stay', directory);
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    parent.kill('SIGKILL');
    await waitFor('the server to be gone', () => gone(pid));
    const second = await startEmbeddedPostgres({ directory });
    onTestFinished(() => second.stop());
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([42]);
  });

  test('starts anew after the server itself was killed, with sessions open', async () => {
    const directory = folder();
    const first = await startEmbeddedPostgres({ directory });
    const session = new pg.Client({ connectionString: first.url });
    session.on('error', () => undefined);
    await session.connect();
    await session.query('CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    const second = await startEmbeddedPostgres({ directory });
    onTestFinished(() => second.stop());
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([42]);
  });

  test('is not taken away from a process that still runs it', async () => {
    const directory = folder();
    const { pid, parent, url } = await startElsewhere('stay', directory);
    const refused = await startEmbeddedPostgres({ directory }).catch((error: unknown) => error);
    expect(isError(refused, 'embedded_postgres')).toBe(true);
    expect(String(refused)).toContain(`process ${parent.pid} already runs one`);
    expect(gone(pid)).toBe(false);
    expect(await query(url, 'SELECT 1')).toEqual([1]);
  });
});
