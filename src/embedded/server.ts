import { type ChildProcess, spawn } from 'node:child_process';
import { asUser } from './spawning.ts';
import type { User } from './user.ts';
import { letGo } from './watchdog.ts';

/** A server process's last words are kept up to this size. */
const SAID_MAX = 4_000;
/** How long a server may take to end as asked, before it is asked more firmly. Milliseconds. */
const END_MS = 15_000;

/**
 * How to ask, mildest first. `fast` ends the sessions and writes everything out; `immediate` leaves the data as a crash
 * would; the last resort is not graceful to the sessions' processes either.
 */
const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const;

/** How a server is ended. */
export type StopMode = 'fast' | 'immediate';

/** A process of the program `postgres`, from its start to its end. */
export class ServerProcess {
  readonly #child: ChildProcess;
  #said = '';
  #end: string | null = null;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;

  constructor(program: string, args: readonly string[], cwd: string, user: User | null, log: (line: string) => void) {
    // A session of its own: Ctrl-C at the terminal is for us, who then end it in order.
    const child = spawn(program, args, { ...asUser(user), cwd, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    this.ended = new Promise((resolve) => {
      const over = (how: string) => {
        this.#end ??= how;
        resolve();
      };
      child.once('error', (error) => over(error.message));
      // Not at 'exit': its last words come after.
      child.once('close', (code, signal) => over(`it ended with ${code ?? signal}`));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      this.#said = (this.#said + text).slice(-SAID_MAX);
      for (const line of text.split('\n')) if (line !== '') log(line);
    });
    letGo(child);
    letGo(child.stderr);
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended; null while it runs. */
  get end(): string | null {
    return this.#end;
  }

  /** The last of what it has written to its log. */
  get said(): string {
    return this.#said.trim();
  }

  /** Ends it, the harder the longer it takes. */
  async stop(mode: StopMode): Promise<void> {
    this.#child.ref();
    for (const signal of mode === 'fast' ? SIGNALS : SIGNALS.slice(1)) {
      if (this.#end !== null) return;
      this.#child.kill(signal);
      let late: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        late = setTimeout(resolve, END_MS);
      });
      await Promise.race([this.ended, limit]);
      clearTimeout(late);
    }
  }
}
