/**
 * What we promise: Cloudflare has confirmed a change so long after its commit, a repair so long after its detection.
 * Milliseconds; a bound of the histogram of convergence.
 */
export const OBJECTIVE_MS = 5_000;

/** Has the promise been broken, and has nobody counted that yet? `wallMs`: wall-clock milliseconds now. */
export function isNewlyLate(
  { since, late = false }: { readonly since: number; readonly late?: boolean },
  wallMs: number,
): boolean {
  return !late && wallMs - since > OBJECTIVE_MS;
}
