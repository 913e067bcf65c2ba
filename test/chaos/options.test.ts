import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { UsageError } from '../support/words.ts';
import { askedFor } from './options.ts';

test('what is not said has its usual value', () => {
  expect(askedFor([])).toEqual({ kills: 200, changes: 5_000, daemons: 2, seed: null });
  expect(askedFor(['--kills', '0', '--seed', '7'])).toMatchObject({ kills: 0, seed: 7 });
  expect(askedFor(['-h'])).toBeNull();
});

test.each([
  ['--kills -1', "Option '--kills'"],
  ['--kills x', '--kills takes a whole number, from 0 to 1000000; not "x".'],
  ['--daemons 0', '--daemons takes a whole number, from 1 to 16'],
  ['--changes 0', '--changes takes a whole number'],
  ['--seed 1e3', '--seed takes a whole number, 0 or more'],
  ['--blows 3', "Unknown option '--blows'"],
])('%s is refused', (line, words) => {
  expect(() => askedFor(line.split(' '))).toThrow(UsageError);
  expect(() => askedFor(line.split(' '))).toThrow(words);
});

test.each([
  ['--help', 0, 'npm run chaos -- --kills 10', ''],
  ['--daemons=none', 64, '', 'not "none"'],
])('the process with %s ends with %i, and starts nothing', (flag, code, said, complained) => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, flag], { encoding: 'utf8' });
  expect(status).toBe(code);
  expect(stdout).toContain(said);
  expect(stderr).toContain(complained);
  expect(stderr).not.toContain('    at ');
});
