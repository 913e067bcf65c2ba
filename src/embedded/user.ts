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

/** What a user may do in a folder: pass through it, or list it too. */
const BITS = { pass: 0o1, read: 0o5 } as const;

/**
 * PostgreSQL refuses to run as root: then as whom instead. Who owns the data goes on with them; a new server gets a user
 * whom every machine has. Null when we are not root and run it as ourselves.
 */
export function serverUser(data: string): User | null {
  if (process.getuid?.() !== 0) return null;
  const owner = statSync(data, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return named('postgres') ?? named('nobody') ?? { uid: NOBODY, gid: NOBODY };
}

function named(name: string): User | null {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}

/**
 * The first of the folders down to this one that shuts the user out; null when none does. Looks at the permission bits
 * alone: a user let in by other means is at worst taken for shut out.
 */
export function barredAt(folder: string, user: User, want: keyof typeof BITS): string | null {
  const above = dirname(folder);
  const barred = above === folder ? null : barredAt(above, user, 'pass');
  if (barred !== null) return barred;
  const { mode, uid, gid } = statSync(folder);
  const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
  return (bits & BITS[want]) === BITS[want] ? null : folder;
}
