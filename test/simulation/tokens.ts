import type { MemoryCloudflare } from './memory-cloudflare.ts';
import type { Scheduler } from './scheduler.ts';

/** Cloudflare's tokens: each has a number. */
export class Tokens {
  readonly #scheduler: Scheduler;
  readonly #cloudflare: MemoryCloudflare;
  readonly #good = new Set([1]);
  #newest = 1;
  /** How often all of them are revoked at present. */
  #revoked = 0;
  #calm = false;

  constructor(scheduler: Scheduler, cloudflare: MemoryCloudflare) {
    this.#scheduler = scheduler;
    this.#cloudflare = cloudflare;
  }

  get newest(): string {
    return tokenOf(this.#newest);
  }

  /** For so long, none of them is good. */
  revoke(ms: number): void {
    this.#revoked += 1;
    this.#show();
    this.#scheduler.after(ms, null, () => {
      this.#revoked -= 1;
      this.#show();
    });
  }

  /** There is a new one, good after a third of the time. At its end, those before are not any more. */
  rotate(ms: number): void {
    this.#newest += 1;
    const newest = this.#newest;
    this.#scheduler.after(ms / 3, null, () => {
      this.#good.add(newest);
      this.#show();
    });
    this.#scheduler.after(ms, null, () => {
      for (const token of this.#good) if (token < newest) this.#good.delete(token);
      this.#show();
    });
  }

  /** From now on, every token is good. */
  calm(): void {
    this.#calm = true;
    this.#show();
  }

  #show(): void {
    const known = [...this.#good].map((token) => ({ token: tokenOf(token) }));
    this.#cloudflare.control.setTokens(this.#calm ? null : this.#revoked > 0 ? [{ token: 'another' }] : known);
  }
}

function tokenOf(number: number): string {
  return `simulation-${number}`;
}
