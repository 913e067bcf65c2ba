import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whom a process runs as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` has this number on Linux and the BSDs alike. */
const NOBODY = 65_534;

/** PostgreSQL refuses to run as root: then as whom instead. Null when we are not root and run it as ourselves. */
export function unprivileged(): User | null {
  if (process.getuid?.() !== 0) return null;
  return named('postgres') ?? named('nobody') ?? { uid: NOBODY, gid: NOBODY };
}

function named(name: string): User | null {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}

/** May the user pass through all folders down to this one and read it? Looks at the permission bits alone. */
export function mayEnter(folder: string, user: User): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    if ((bits & 0o5) !== 0o5) return false;
    if (dirname(at) === at) return true;
  }
}
