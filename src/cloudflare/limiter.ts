import type { CallOptions } from './port.ts';

/** A call has reached Cloudflare, or never will, so long after it left: no answer is waited for any longer. */
export const MAX_CALL_MS = 30_000;

/** How one call waits. */
export interface RunOptions extends CallOptions {
  /** Asked at the moment when the call may leave. What it throws ends the call unsent, and the place is free for the next. */
  readonly admit?: () => void;
}

/** What keeps our calls within Cloudflare's limit. One `run` is one HTTP call. */
export interface Limiter {
  /**
   * Makes the call when it may leave. Rejects with what `call` or `admit` threw, with the signal's reason when that is
   * aborted before the call leaves, or with a ZonekeeperError when the call may not wait.
   */
  run<T>(call: () => Promise<T>, options?: RunOptions): Promise<T>;
  /** Resolves when a call could leave at once. Rejects like `run`. */
  ready(options?: CallOptions): Promise<void>;
  /** What an answer's headers tell of the limit. */
  learn(headers: Headers): void;
  /** Cloudflare turned a call away (429). Nothing leaves for so long, or as long as a block lasts where it did not say. */
  limited(retryAfterMs: number | undefined): void;
}
