import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { command } from './command.ts';

/**
 * Copies what belongs to the repository into a folder, with the installed packages behind a link: for tests that build,
 * which would otherwise replace what other tests are using at that moment.
 */
export async function copyCheckout(to: string): Promise<string> {
  const files = await command('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  for (const file of files.trim().split('\n')) if (existsSync(file)) cpSync(file, join(to, file));
  symlinkSync(resolve('node_modules'), join(to, 'node_modules'));
  return to;
}
