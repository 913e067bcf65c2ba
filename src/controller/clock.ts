/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time for everything below `daemon.ts`. Code that needs time takes a Clock, so that a whole run can
 * be replayed on virtual time.
 */
export interface Clock {
  /** Monotonic milliseconds since some fixed moment: for deadlines, intervals and durations. */
  now(): number;
  /** Wall-clock milliseconds since 1970: for what people read. Never compared with `now()`. */
  wall(): number;
  /** Calls `run` once, no earlier than `ms` from now. */
  after(ms: number, run: () => void): Timer;
}

/** A number in [0, 1). `Math.random` in production, a seeded generator in tests. */
export type Random = () => number;

/** Resolves `ms` from now, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** The process's real clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, run) => {
    // Node turns a delay above 2^31-1 ms into 1 ms; nothing here waits for more than 24 days.
    const handle = setTimeout(run, Math.min(Math.max(0, ms), 2 ** 31 - 1));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
