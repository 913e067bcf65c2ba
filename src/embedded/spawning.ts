import type { User } from './user.ts';

/** How to start a program of PostgreSQL's as this user. */
export function asUser(user: User | null): { env: NodeJS.ProcessEnv; uid?: number; gid?: number } {
  // No settings of the caller's: PGDATA, PGPORT and the like would win over ours. Messages in English: we read some.
  const env = { PATH: process.env.PATH ?? '', TZ: 'UTC', LC_ALL: 'C' };
  return user === null ? { env } : { env, uid: user.uid, gid: user.gid };
}
