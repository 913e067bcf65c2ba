/** One limit as Cloudflare's answers report it: `"default";r=50;t=30`. */
export interface ReportedLimit {
  /** Requests that are left. */
  readonly remaining: number;
  /** Milliseconds until Cloudflare gives some back. */
  readonly resetMs: number;
}

/** Cloudflare blocks for 5 minutes at most; a longer wait that some proxy names is not believed. */
export const MAX_WAIT_MS = 600_000;
const MIN_WAIT_MS = 1_000;
/** Limits read from one header. */
const MAX_LIMITS = 8;

/**
 * The limits of a `Ratelimit` header (draft-ietf-httpapi-ratelimit-headers): items separated by commas, each with the
 * parameters `r` (left) and `t` (seconds until more). What does not look like one is left out.
 */
export function parseRatelimit(header: string | null): readonly ReportedLimit[] {
  if (header === null) return [];
  const limits: ReportedLimit[] = [];
  for (const item of header.split(',', MAX_LIMITS)) {
    const remaining = parameter(item, 'r');
    const seconds = parameter(item, 't');
    if (remaining === null || seconds === null) continue;
    limits.push({ remaining, resetMs: Math.min(seconds * 1000, MAX_WAIT_MS) });
  }
  return limits;
}

/**
 * How long a `Retry-After` header says to wait, in milliseconds between one second and ten minutes; null without a usable
 * one. A date in it is compared with `wallMs`, the wall clock.
 */
export function parseRetryAfter(header: string | null, wallMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  // Without a letter it is no date: `Date.parse` takes -5 for a day in 2001.
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : date - wallMs;
  if (!Number.isFinite(waitMs)) return null;
  return Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS);
}

function parameter(item: string, name: 'r' | 't'): number | null {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(\\d{1,9})\\s*(?:;|$)`).exec(item);
  return match === null ? null : Number(match[1]);
}
