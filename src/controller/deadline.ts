import assert from 'node:assert/strict';
import type { Clock } from './clock.ts';

/** The reason of a signal, or the error of a call, whose time is up. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  /** The time that was given, in milliseconds. */
  readonly ms: number;

  constructor(ms: number) {
    super(`not finished within ${ms} ms`);
    this.ms = ms;
  }
}

/** A signal with a time limit. `cancel` must be called when the work is over, or timer and listener stay behind. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Aborts before the time is up. */
  abort(reason: unknown): void;
  /** Releases timer and listener without aborting. Idempotent. */
  cancel(): void;
}

/**
 * A signal that is aborted with {@link DeadlineExceeded} `ms` from now (never, for Infinity), or with the reason of
 * `parent` when that is aborted. For a handful of deadlines per parent: removing one of n listeners costs O(n) in Node.
 * `onAbort` is told the reason: cheaper than a listener on the signal.
 */
export function deadline(
  clock: Clock,
  ms: number,
  parent?: AbortSignal,
  onAbort?: (reason: unknown) => void,
): Deadline {
  assert(ms >= 0, 'a deadline lies ahead');
  const controller = new AbortController();
  const cancel = () => {
    timer?.cancel();
    parent?.removeEventListener('abort', follow);
  };
  const abort = (reason: unknown) => {
    cancel();
    controller.abort(reason);
    onAbort?.(controller.signal.reason);
  };
  const follow = () => abort(parent?.reason);
  const timer = ms === Number.POSITIVE_INFINITY ? undefined : clock.after(ms, () => abort(new DeadlineExceeded(ms)));
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  return { signal: controller.signal, abort, cancel };
}

/**
 * What `work` resolves to, or a rejection with the signal's reason when the time is up or `parent` is aborted, even if
 * `work` takes no notice of its signal. What such work comes to later is ignored.
 */
export async function withTimeout<T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const limit = deadline(clock, ms, parent, reject);
  try {
    if (!limit.signal.aborted) work(limit.signal).then(resolve, reject);
    return await promise;
  } finally {
    limit.cancel();
  }
}
