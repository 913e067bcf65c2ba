import { randomBytes } from 'node:crypto';
import type { TestDatabase } from './database.ts';

/** A login of its own, without any right that not everybody has. */
export interface TestRole {
  readonly name: string;
  /** The database of the test, as this role. */
  readonly url: string;
  /** Drops the role with all that it owns in the database. Idempotent; to be called before the database goes. */
  drop(): Promise<void>;
}

/**
 * Makes a role that may log in to the database. Roles belong to the whole server, so it gets a name that no other test has.
 * `options` are those of CREATE ROLE, e.g. `CONNECTION LIMIT 1`.
 */
export async function createRole(database: TestDatabase, options = ''): Promise<TestRole> {
  const [name, password] = [`role_${randomBytes(8).toString('hex')}`, randomBytes(8).toString('hex')];
  await database.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}' ${options}`);
  const url = new URL(database.url);
  [url.username, url.password] = [name, password];
  return {
    name,
    url: url.href,
    drop: async () => {
      const [found] = await database.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
      if (found === undefined) return;
      await database.query(`DROP OWNED BY ${name} CASCADE`);
      await database.query(`DROP ROLE ${name}`);
    },
  };
}
