import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isError } from '../errors.ts';
import { embeddedError } from './error.ts';
import { asUser } from './spawning.ts';
import { barredAt, type User } from './user.ts';

const PASSWORD_FILE = 'zonekeeper-password';
/** initdb takes about a second; a slow disk that is busy besides may need this. Milliseconds. */
const INITDB_MS = 120_000;

/** Where the data of a server in this directory are. */
export function dataOf(directory: string): string {
  return join(directory, 'data');
}

/**
 * Makes the data of a server in the directory, where there are none. Returns the superuser's password. Touches nothing in
 * a directory that holds other things.
 */
export async function prepareCluster(initdb: string, directory: string, user: User | null): Promise<string> {
  const passwordFile = join(directory, PASSWORD_FILE);
  try {
    claim(directory, passwordFile, user);
    if (existsSync(dataOf(directory))) return readFileSync(passwordFile, 'utf8');
  } catch (error) {
    throw isError(error) ? error : embeddedError(`${directory} cannot be used (${(error as Error).message})`, error);
  }
  const password = randomBytes(16).toString('hex');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== null) chownSync(passwordFile, user.uid, user.gid);
  // Made beside its place, so that an initdb that was killed half way is never taken for a whole one.
  const half = `${dataOf(directory)}.new`;
  rmSync(half, { recursive: true, force: true });
  await runInitdb(initdb, half, passwordFile, user);
  renameSync(half, dataOf(directory));
  return password;
}

/** Makes the directory ours, or finds that it is. */
function claim(directory: string, passwordFile: string, user: User | null): void {
  const above = dirname(directory);
  // Separately: the folders above keep the usual mode, or else the user could not pass through them.
  mkdirSync(above, { recursive: true });
  const barred = user === null ? null : barredAt(above, user, 'pass');
  if (user !== null && barred !== null)
    throw embeddedError(
      `root has it run by user ${user.uid}, who may not enter ${barred}. Use a directory elsewhere (TMPDIR), or start it as another user than root`,
    );
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (existsSync(passwordFile)) return;
  if (readdirSync(directory).length > 0)
    throw embeddedError(`${directory} holds other things. Use a directory that is empty or does not exist`);
  if (user !== null) chownSync(directory, user.uid, user.gid);
}

async function runInitdb(initdb: string, data: string, passwordFile: string, user: User | null): Promise<void> {
  const args = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'];
  const child = spawn(initdb, [...args, '--locale=C', '--no-sync'], {
    ...asUser(user),
    cwd: dirname(data),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INITDB_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-1_000);
    });
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(String(code ?? signal)));
  });
  if (ended !== '0') throw embeddedError(`initdb ended with ${ended}: ${output.trim()}`);
}
