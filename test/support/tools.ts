import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where test/tools/install.sh puts what it made. */
export const TOOLS =
  process.env.ZONEKEEPER_TEST_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zonekeeper-test');

/** One of its programs, by path. */
export const tool = (name: string): string => join(TOOLS, 'bin', name);
