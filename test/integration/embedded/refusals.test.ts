import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EmbeddedOptions, startEmbeddedPostgres } from '../../../src/embedded/postgres.ts';
import { isError, type ZonekeeperError } from '../../../src/errors.ts';
import { startOwnPostgres } from '../../support/own-postgres.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'zonekeeper-embedded-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function refusal(options: EmbeddedOptions): Promise<ZonekeeperError> {
  const refused = await startEmbeddedPostgres(options).then(
    (server) => server.stop(),
    (error: unknown) => error,
  );
  if (!isError(refused, 'embedded_postgres')) throw new Error(`not refused as it should be: ${String(refused)}`);
  return refused;
}

describe('a directory', () => {
  test('that holds other things is left as it is', async () => {
    const directory = folder();
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data', 'mine'), 'precious');
    expect((await refusal({ directory })).message).toContain(`${directory} holds other things`);
    expect(readFileSync(join(directory, 'data', 'mine'), 'utf8')).toBe('precious');
  });

  test('that cannot be made is named', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    expect((await refusal({ directory: join(file, 'below') })).message).toContain(file);
  });

  test.runIf(process.getuid?.() === 0)('that the user may not enter is named, and not made', async () => {
    const shut = folder();
    const directory = join(shut, 'below');
    const { message } = await refusal({ directory });
    expect(message).toContain(`may not enter ${shut}`);
    expect(existsSync(directory)).toBe(false);
  });

  test('whose initdb was killed half way is begun anew', async () => {
    const directory = folder();
    await (await startEmbeddedPostgres({ directory, durable: false })).stop();
    renameSync(join(directory, 'data'), join(directory, 'data.new'));
    await (await startEmbeddedPostgres({ directory, durable: false })).stop();
    expect(existsSync(join(directory, 'data.new'))).toBe(false);
  });

  test('whose lock names a process that is something else is started, and that process lives on', async () => {
    const directory = folder();
    await (await startEmbeddedPostgres({ directory, durable: false })).stop();
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void bystander.kill('SIGKILL'));
    writeFileSync(join(directory, 'data', 'postmaster.pid'), `${bystander.pid}\n${directory}/data\n`);
    await (await startEmbeddedPostgres({ directory, durable: false })).stop();
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  });
});

test('a port that is taken is named', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  expect((await refusal({ port })).message).toMatch(/Address already in use/);
});

test('a setting that PostgreSQL refuses is named', async () => {
  expect((await refusal({ settings: { no_such_setting: '1' } })).message).toContain('no_such_setting');
});

test('settings of the environment do not reach the server', async () => {
  const before = { PGDATA: process.env.PGDATA, PGPORT: process.env.PGPORT };
  onTestFinished(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  Object.assign(process.env, { PGDATA: '/nowhere', PGPORT: '1' });
  const lines: string[] = [];
  const server = await startEmbeddedPostgres({ durable: false, log: (line) => void lines.push(line) });
  await server.stop('fast');
  expect(lines.join('\n')).toContain('database system is shut down');
});

test.each(['fast', 'immediate'] as const)(
  'a server of a test keeps address and data over a restart: %s',
  async (mode) => {
    const server = await startOwnPostgres();
    const pool = new pg.Pool({ connectionString: server.url, max: 1 });
    pool.on('error', () => undefined);
    onTestFinished(() => pool.end());
    await pool.query('CREATE TABLE kept AS SELECT 42 AS answer');
    const { pid } = server;
    await server.restart(mode);
    expect(server.pid).not.toBe(pid);
    const again = new pg.Pool({ connectionString: server.url, max: 1 });
    onTestFinished(() => again.end());
    expect((await again.query('SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }]);
  },
);
