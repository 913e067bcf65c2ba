import { chmodSync, cpSync, lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { embeddedError } from './error.ts';
import { barredAt, type User } from './user.ts';

/**
 * A copy of the programs that the user may read, made once per version. Its place is known to everybody, so what is there
 * is used only when it is ours and nobody else may write to it; and it appears in one step, whole.
 */
export function copyOf(home: string, user: User | null, complete: (home: string) => boolean): string {
  const above = tmpdir();
  const barred = user === null ? null : barredAt(above, user, 'pass');
  if (barred !== null)
    throw embeddedError(
      `root has it run by user ${user?.uid}, who may not enter ${barred}. Set TMPDIR to a folder that everybody may enter`,
    );
  const { version } = JSON.parse(readFileSync(join(dirname(home), 'package.json'), 'utf8')) as { version: string };
  const place = join(above, `zonekeeper-postgres-${version}-${process.getuid?.()}`);
  if (ours(place)) return place;
  const fresh = mkdtempSync(`${place}-`);
  cpSync(home, fresh, { recursive: true, verbatimSymlinks: true });
  readable(fresh);
  complete(fresh);
  try {
    renameSync(fresh, place);
  } catch {
    // Another process was faster, or somebody else sits in the place.
    if (!ours(place)) return fresh;
    rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}

function ours(place: string): boolean {
  const found = lstatSync(place, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

/** Everybody may read and execute, only we may write: whatever the modes were where it was installed. */
function readable(root: string): void {
  chmodSync(root, 0o755);
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink())
      chmodSync(path, entry.isDirectory() || (lstatSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
