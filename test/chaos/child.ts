import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../support/wait.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MAX_OUTPUT = 500_000;
const START_MS = 60_000;

/** A `zonekeeper` command in a process of its own, which can be killed, stopped for a while, and started again. */
export class Child {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #text = '';
  #paused = false;

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#args = args;
    this.#env = env;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get running(): boolean {
    return this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** What the present process has printed. */
  get output(): string {
    return this.#text;
  }

  start(): void {
    this.#text = '';
    this.#paused = false;
    const child = spawn(process.execPath, [MAIN, ...this.#args], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#text = (this.#text + chunk.toString()).slice(-MAX_OUTPUT);
      });
    }
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    this.#process = child;
  }

  /** Waits until it has printed this. */
  async printed(what: RegExp): Promise<RegExpExecArray> {
    return waitFor(`${this.name} to print ${what}`, () => what.exec(this.#text), START_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#text.slice(-2_000)}`);
    });
  }

  /** As a crash of the process: nothing of it runs on. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#ended;
  }

  /** As asked by an operator: it ends in order. */
  async terminate(): Promise<void> {
    this.resume();
    this.#process?.kill('SIGTERM');
    await this.#ended;
  }

  pause(): void {
    if (!this.running) return;
    this.#paused = true;
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#paused = false;
    if (this.running) this.#process?.kill('SIGCONT');
  }
}
