import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import type { Logger } from 'pino';

/** The signal: Node keeps SIGUSR1 for its debugger. */
export const SNAPSHOT_SIGNAL = 'SIGUSR2';

/** The part of `process` that is needed. */
export interface SnapshotSource {
  on(signal: typeof SNAPSHOT_SIGNAL, listener: () => void): unknown;
  off(signal: typeof SNAPSHOT_SIGNAL, listener: () => void): unknown;
}

export interface SnapshotOptions {
  readonly source: SnapshotSource;
  /** Where snapshots go; null: none is written, and the signal is answered with how to have one. */
  readonly folder: string | null;
  readonly log: Logger;
  /** Wall-clock milliseconds. */
  readonly wall?: () => number;
}

/**
 * Writes what is in memory into a file at each SIGUSR2, for the memory tab of a browser's developer tools. Off unless a folder
 * is named: the file holds everything that the process knows, secrets included, is about as large as the heap, and the process
 * stands still while it is written. Without a listener the signal would end the process. Returns how to stop listening.
 */
export function snapshotOnSignal({ source, folder, log, wall = Date.now }: SnapshotOptions): () => void {
  const listener = (): void => {
    if (folder === null) {
      log.warn('no heap snapshot is written: ZONEKEEPER_HEAP_SNAPSHOTS names no folder');
      return;
    }
    const file = join(folder, `zonekeeper-${process.pid}-${wall()}.heapsnapshot`);
    try {
      // Ours alone, and made anew: not through a link that somebody else has put there.
      closeSync(openSync(file, 'wx', 0o600));
      writeHeapSnapshot(file);
      log.warn({ file }, `wrote a heap snapshot; it holds secrets: ${file}`);
    } catch (error) {
      log.error({ file }, `could not write a heap snapshot: ${(error as Error).message}`);
    }
  };
  source.on(SNAPSHOT_SIGNAL, listener);
  return () => {
    source.off(SNAPSHOT_SIGNAL, listener);
  };
}
