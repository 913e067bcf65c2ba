/** How long a condition may take; generous, for machines that do several things at once. Milliseconds. */
const DEFAULT_MS = 60_000;
const PAUSE_MS = 5;

/** Thrown by a condition that can never hold any more: ends the wait at once. */
export class GivenUp extends Error {}

/**
 * Waits until the condition returns something truthy, and returns that. Fails with what was waited for and the last value.
 * For conditions that another process or a connection brings about; never to let time pass.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = DEFAULT_MS,
): Promise<NonNullable<T>> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      last = await condition();
      if (last) return last as NonNullable<T>;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    if (performance.now() > until)
      throw new Error(`Waited ${timeoutMs} ms for ${what}; the last value was ${describe(last)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  return JSON.stringify(value)?.slice(0, 1_000) ?? String(value);
}
