import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mistake } from './planted/mistakes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** For one mistake at most. Seconds. */
const LIMIT_S = 600;

/** After how many seeds a planted mistake was caught, and how; `seeds` is null when it was not. */
export interface Caught {
  readonly mistake: Mistake;
  readonly seeds: number | null;
  readonly how: string;
}

/** Plants a mistake in a copy of the sources and runs seeds until one of them breaks a promise. */
export async function plant(mistake: Mistake, seeds: number, signal: AbortSignal): Promise<Caught> {
  const directory = mkdtempSync(join(tmpdir(), 'zonekeeper-planted-'));
  try {
    for (const part of ['src', 'test/simulation', 'test/support', 'package.json']) {
      cpSync(join(ROOT, part), join(directory, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const { file, text, instead } of [mistake, ...mistake.also]) {
      const path = join(directory, file);
      const [before, after, ...more] = readFileSync(path, 'utf8').split(text);
      if (before === undefined || after === undefined || more.length > 0) {
        return { mistake, seeds: null, how: `its place is not found once in ${file}` };
      }
      writeFileSync(path, before + instead + after);
    }
    const output = await run(directory, seeds, signal);
    const [, seed, how] = /^seed (\d+): (.*)$/m.exec(output) ?? [];
    return seed === undefined
      ? { mistake, seeds: null, how: output.trim() }
      : { mistake, seeds: Number(seed), how: how ?? '' };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(directory: string, seeds: number, signal: AbortSignal): Promise<string> {
  const args = [join(directory, 'test/simulation/worker.ts'), '1', String(seeds), '1', String(LIMIT_S), 'first'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      signal.removeEventListener('abort', kill);
      resolve(text);
    });
  });
}
