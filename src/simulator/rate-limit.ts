/** A limit on requests. developers.cloudflare.com/fundamentals/api/reference/limits/ */
export interface RateLimitOptions {
  /** Requests in one window: 1,200 by default; 1 to 1,000,000. */
  readonly requests?: number | undefined;
  /** Length of the window, milliseconds: 300,000 by default. */
  readonly windowMs?: number | undefined;
  /** Cloudflare does not say which it is. `sliding` by default: any window of that length. `fixed`: one after the other. */
  readonly kind?: 'sliding' | 'fixed' | undefined;
  /**
   * For how long everything is refused once the limit was exceeded, milliseconds. By default a whole window ("all API calls
   * for the next five minutes will be blocked"); 0: until there is room again.
   */
  readonly blockMs?: number | undefined;
}

/** What the limit says of one request. */
export interface RateVerdict {
  readonly allowed: boolean;
  /** Requests that are left. */
  readonly remaining: number;
  /** Seconds until there is more room, rounded up. */
  readonly resetSeconds: number;
}

/** Upper bound of `requests`, since every one in the window is remembered. */
export const MAX_RATE = 1_000_000;

/** Counts the requests of one user. Times are those of the monotonic clock, milliseconds. */
export class RateLimit {
  readonly options: Required<{ [K in keyof RateLimitOptions]: NonNullable<RateLimitOptions[K]> }>;
  /** When the last requests came, as a circle: the oldest is at `#next` once it is full. */
  readonly #times: Float64Array;
  #next = 0;
  #count = 0;
  #windowStart = Number.NEGATIVE_INFINITY;
  #blockedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RateLimitOptions = {}) {
    const windowMs = options.windowMs ?? 300_000;
    const requests = Math.min(Math.max(1, options.requests ?? 1_200), MAX_RATE);
    this.options = { requests, windowMs, kind: options.kind ?? 'sliding', blockMs: options.blockMs ?? windowMs };
    this.#times = new Float64Array(requests);
  }

  /** One more request. A refused one does not count against the limit. */
  take(now: number): RateVerdict {
    this.#forget(now);
    const { requests, blockMs } = this.options;
    if (now < this.#blockedUntil) return this.#verdict(now, false);
    if (this.#count >= requests) {
      this.#blockedUntil = now + blockMs;
      return this.#verdict(now, false);
    }
    if (this.#count === 0 && this.options.kind === 'fixed') this.#windowStart = now;
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % requests;
    this.#count += 1;
    return this.#verdict(now, true);
  }

  #forget(now: number): void {
    const { requests, windowMs, kind } = this.options;
    if (kind === 'fixed') {
      if (now - this.#windowStart >= windowMs) this.#count = 0;
      return;
    }
    while (this.#count > 0 && now - this.#oldest() >= windowMs) this.#count -= 1;
    if (this.#count === 0) this.#next %= requests;
  }

  #oldest(): number {
    const { requests } = this.options;
    return this.#times[(this.#next - this.#count + requests) % requests] ?? 0;
  }

  #verdict(now: number, allowed: boolean): RateVerdict {
    const { requests, windowMs, kind } = this.options;
    const since = kind === 'fixed' ? this.#windowStart : this.#count > 0 ? this.#oldest() : now - windowMs;
    const until = Math.max(since + windowMs, this.#blockedUntil);
    const blocked = now < this.#blockedUntil;
    return {
      allowed,
      remaining: blocked ? 0 : requests - this.#count,
      resetSeconds: Math.max(allowed ? 0 : 1, Math.ceil((until - now) / 1000)),
    };
  }
}
