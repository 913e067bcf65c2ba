import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it gets on its standard input. */
  readonly input?: string;
  /** It is killed after that. Milliseconds. */
  readonly limitMs?: number;
}

/** How a program ended. */
export interface CommandResult {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT = 20_000_000;

/** Runs a program to its end, whatever that is. */
export function attempt(
  program: string,
  args: readonly string[],
  { cwd, env, input, limitMs = 300_000 }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        texts[name] = (texts[name] + chunk).slice(-MAX_OUTPUT);
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'SIGKILL', ...texts }));
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}

/** Runs a program that must succeed; returns what it printed. Fails with all that it said otherwise. */
export async function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
  return stdout;
}
