import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { readSecret } from './file.ts';
import type { SecretFile } from './resolve.ts';
import { describe, type SettingKey } from './schema.ts';

export interface WatchOptions {
  readonly files: readonly SecretFile[];
  /** The secret has this value now, and the value is of the right form. Whether it works is for the caller to try. */
  readonly onChange: (key: SettingKey, value: string) => void;
  /** A file cannot be read, or holds what cannot be right; the value before stays. Once per problem. No secret in it. */
  readonly onProblem: (key: SettingKey, problem: string) => void;
  /** How often files are read without being told. Milliseconds. */
  readonly pollMs?: number;
}

/** A watch over secrets. */
export interface SecretWatch {
  /** Reads all files now. */
  check(): Promise<void>;
  close(): void;
}

/** Notifications do not reach us from every file system (NFS, some volumes): then it takes this long. */
const POLL_MS = 30_000;
/** Whoever writes a file writes it in several steps. */
const SETTLE_MS = 100;

/**
 * Reads secrets again when their files change. Kubernetes changes a mounted secret by swapping a symlink beside it, and
 * others replace the file by renaming: so the directory is watched, not the file, and what counts is the content.
 */
export async function watchSecrets(options: WatchOptions): Promise<SecretWatch> {
  const watcher = new Watcher(options);
  // What is there now is what the settings were read from, or is about to be reported.
  await watcher.check(false);
  watcher.start();
  return watcher;
}

class Watcher implements SecretWatch {
  readonly #options: WatchOptions;
  readonly #values = new Map<string, string>();
  readonly #problems = new Map<string, string>();
  readonly #watchers: FSWatcher[] = [];
  #poll: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    for (const directory of new Set(this.#options.files.map(({ path }) => dirname(path)))) this.#watch(directory);
    this.#poll = setInterval(() => void this.check(), this.#options.pollMs ?? POLL_MS).unref();
  }

  check(tell = true): Promise<void> {
    // One at a time, so that an older content never comes after a newer one.
    this.#checking = this.#checking.then(async () => {
      for (const file of this.#options.files) await this.#read(file, tell);
    });
    return this.#checking;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#soon);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#checkSoon());
      // The directory is gone, or the system has no watches left: the poll goes on.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // As above.
    }
  }

  #checkSoon(): void {
    if (this.#closed) return;
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.check(), SETTLE_MS).unref();
  }

  async #read({ key, path, env }: SecretFile, tell: boolean): Promise<void> {
    const read = await readSecret(path);
    if (this.#closed) return;
    const parsed = 'value' in read ? describe(key).type.parse(read.value) : null;
    const problem = 'problem' in read ? read.problem : parsed?.ok === false ? parsed.problem : null;
    if (problem !== null) {
      if (this.#problems.get(path) !== problem) this.#options.onProblem(key, `${env}: ${path} ${problem}.`);
      this.#problems.set(path, problem);
      return;
    }
    this.#problems.delete(path);
    if (!('value' in read) || this.#values.get(path) === read.value) return;
    this.#values.set(path, read.value);
    if (tell) this.#options.onChange(key, read.value);
  }
}
