import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** Where the workers write down what is absent, for the closing lines of the run. */
export const ABSENT_FILE = join(tmpdir(), `zonekeeper-tests-absent-${userInfo().uid}.txt`);

/**
 * `describe` for tests that need a program. Without it they are skipped, and the end of the run says so in one line; with
 * `ZONEKEEPER_TEST_REQUIRE_ALL=1` they fail instead.
 */
export function requires(
  program: string,
  args: readonly string[],
  what: string,
): typeof describe | typeof describe.skip {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return describe;
  } catch (error) {
    if (process.env.ZONEKEEPER_TEST_REQUIRE_ALL === '1')
      throw new Error(`${program} is needed for ${what}`, { cause: error });
    appendFileSync(ABSENT_FILE, `${what} (${program} is not installed)\n`);
    return describe.skip;
  }
}
