import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedError } from './error.ts';

/** How long a server may take to end in order, and then to end at all. Milliseconds. */
const END_MS = 15_000;
const PAUSE_MS = 20;

/** The setting that tells whose child a server is: in its command line, where it cannot outlive it. */
export function ownerSetting(pid: number): string {
  return `zonekeeper-${pid}`;
}

interface Process {
  readonly parent: number;
  readonly command: string;
}

/**
 * Ends a server that an earlier process left behind on the same data, which its watchdog normally does. One whose process
 * still lives is not left behind: throws `embedded_postgres`.
 */
export async function endLeftover(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n', 1)[0]);
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    const until = performance.now() + END_MS;
    for (let signalled = false; ; signalled = true) {
      const server = serverOn(data, pid);
      if (server === null) {
        // The number may be another process's by now, which PostgreSQL would take for its server. In doubt it decides.
        if (processOf(pid)?.command.includes('postgres') !== true) rmSync(lock, { force: true });
        return;
      }
      if (server.command.includes(ownerSetting(server.parent)))
        throw embeddedError(`process ${server.parent} already runs one on ${data}. End that, or use another directory`);
      if (!signalled) send(pid, signal);
      if (performance.now() > until) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  throw embeddedError(`process ${pid}, which an earlier run left behind on ${data}, does not end. Kill it`);
}

/** The process, if it is a server on these data: not one that merely got its number. */
function serverOn(data: string, pid: number): Process | null {
  if (!Number.isInteger(pid) || pid <= 1) return null;
  const found = processOf(pid);
  return found?.command.includes(` -D ${data} `) ? found : null;
}

function processOf(pid: number): Process | null {
  try {
    if (existsSync('/proc/self/stat')) {
      // Not by `ps`, which small images lack. The second field, the name in parentheses, may hold anything.
      const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return { parent: Number(parent), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') };
    }
    const line = execFileSync('ps', ['-ww', '-o', 'ppid=,args=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: END_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [, parent, command = ''] = /^\s*(\d+)\s(.*)/s.exec(line) ?? [];
    return { parent: Number(parent), command };
  } catch {
    return null;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile; or it is not ours to end, which the time limit will say.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH' && (error as NodeJS.ErrnoException).code !== 'EPERM')
      throw error;
  }
}
