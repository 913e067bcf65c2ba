import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { GivenUp, waitFor } from './wait.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MAX_OUTPUT = 1_000_000;

/** A `zonekeeper` of its own process. */
export interface Zonekeeper {
  readonly child: ChildProcess;
  /** All that it printed so far, on both streams. */
  output(): string;
  /** Waits until it has printed this, and returns the match. Fails at once with all that it printed when it ends before. */
  printed(what: RegExp): Promise<RegExpExecArray>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts `zonekeeper` with these arguments and nothing but this environment; killed at the end of the test at the latest.
 * `main` is the program's file: that of the sources, or of a bundle.
 */
export function zonekeeper(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main: string = MAIN,
): Zonekeeper {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-MAX_OUTPUT);
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  // A worker that ends without finishing the test leaves nothing running.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.off('exit', kill));
  onTestFinished(async () => {
    kill();
    await ended;
  });
  const printed = (what: RegExp) =>
    waitFor(`a process to print ${what}`, () => {
      const found = what.exec(text);
      const over = child.exitCode !== null || child.signalCode !== null;
      if (found === null && over) throw new GivenUp(`${args.join(' ')} ended without printing ${what}:\n${text}`);
      return found;
    });
  return { child, ended, printed, output: () => text, signal: (name) => child.kill(name) };
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main?: string,
): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const command = zonekeeper(args, env, main);
  return { code: await command.ended, output: command.output() };
}

/** Starts a daemon in a process of its own; resolves with its address once it leads and is ready. */
export async function runDaemon(
  env: Readonly<Record<string, string>>,
  main?: string,
): Promise<Zonekeeper & { readonly url: string }> {
  const daemon = zonekeeper(['run'], { ZONEKEEPER_LISTEN: '127.0.0.1:0', ZONEKEEPER_LOG_FORMAT: 'json', ...env }, main);
  const [, url = ''] = await daemon.printed(/"address":"(http:[^"]+)"/);
  await daemon.printed(/"msg":"leads"/);
  await waitFor('it to be ready', async () => (await fetch(`${url}/readyz`)).ok);
  return { ...daemon, url };
}
