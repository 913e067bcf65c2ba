/**
 * `npm run build:web`: builds the page into `dist/web`, where the daemon serves it from. Runs after `npm ci`, too.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
const folder = fileURLToPath(new URL('../web', import.meta.url));
const { status, stdout, stderr } = spawnSync(process.execPath, [vite, 'build'], { cwd: folder, encoding: 'utf8' });
if (status !== 0) process.stderr.write(`${stdout}\n${stderr}\nThe page could not be built.\n`);
process.exit(status ?? 1);
