import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Waits for a line on its standard input. When the input ends without one, our process is gone (also by kill -9: the system
 * closes its pipes): then it ends the server, and removes its directory when nobody else will. The server's lock file goes
 * when it ends; the process may linger until the system has noticed.
 */
const SCRIPT = `
read -r released && exit
kill -s "$2" "$1" 2> /dev/null
[ -n "$3" ] || exit
tries=0
while kill -0 "$1" 2> /dev/null && [ -e "$3/data/postmaster.pid" ] && [ "$tries" -lt 200 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
rm -rf -- "$3"
`;

/** Ends a server as soon as this process is gone, however it went. */
export interface Watchdog {
  /** To be called when the server has ended: its process id may soon be somebody else's. */
  release(): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

/** Watches over the server `pid`; `temporary` is a directory to be removed after it. */
export function watchOver(pid: number, temporary: string | null): Watchdog {
  // Data that nobody will read need not be closed in order.
  const signal = temporary === null ? 'INT' : 'QUIT';
  // A session of its own, so that Ctrl-C at the terminal does not reach it.
  const child = spawn('sh', ['-c', SCRIPT, 'zonekeeper-watchdog', String(pid), signal, temporary ?? ''], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // Without a shell there is no watchdog; what is left then, the next start ends.
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  letGo(child);
  letGo(child.stdin);
  return {
    ended,
    release: () => {
      child.ref();
      child.stdin.end('released\n');
    },
  };
}

/** What we watch must not keep this process alive. Streams of a child are sockets, which their type does not tell. */
export function letGo(what: ChildProcess | NodeJS.ReadableStream | Writable): void {
  (what as { unref?: () => void }).unref?.();
}
