import { RateLimit, type RateLimitOptions } from './rate-limit.ts';

/** What can be changed while the simulator runs. What is left out stays. */
export interface SettingsChange {
  /** Milliseconds that each answer of the API takes; half of it before the request is carried out, half after. */
  readonly latencyMs?: number | undefined;
  /** Null switches the limit off. Setting it forgets what was spent. */
  readonly rateLimit?: RateLimitOptions | null | undefined;
  /** Whether answers carry `Ratelimit` and `Ratelimit-Policy`. */
  readonly rateLimitHeaders?: boolean | undefined;
}

/** The settings as they are. */
export class Settings {
  readonly #initial: SettingsChange;
  latencyMs = 0;
  rateLimit: RateLimit | undefined = new RateLimit();
  rateLimitHeaders = true;

  constructor(initial: SettingsChange) {
    this.#initial = initial;
    this.change(initial);
  }

  change({ latencyMs, rateLimit, rateLimitHeaders }: SettingsChange): void {
    if (latencyMs !== undefined) this.latencyMs = Math.max(0, latencyMs);
    if (rateLimit !== undefined) this.rateLimit = rateLimit === null ? undefined : new RateLimit(rateLimit);
    if (rateLimitHeaders !== undefined) this.rateLimitHeaders = rateLimitHeaders;
  }

  /** As at the start. */
  reset(): void {
    this.change({ latencyMs: 0, rateLimit: {}, rateLimitHeaders: true });
    this.change(this.#initial);
  }
}
