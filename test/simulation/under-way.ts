import type { Departure } from './memory-cloudflare.ts';

interface Call {
  readonly departure: Departure;
  readonly epoch: number;
  /** It takes effect before, or breaks a promise that is not ours. */
  readonly until: number;
}

/** Calls that have left and have not reached Cloudflare, by name: as nobody in the simulated world can see them. */
export class UnderWay {
  readonly #calls = new Map<string, Call[]>();

  /** Returns the epoch of a call that may still change the name; null when there is none but those of this epoch. */
  earlier(fqdn: string, epoch: number, now: number): number | null {
    return this.#calls.get(fqdn)?.find((call) => call.epoch < epoch && call.until > now)?.epoch ?? null;
  }

  left(fqdn: string, call: Call): void {
    this.#calls.set(fqdn, [...(this.#calls.get(fqdn) ?? []), call]);
  }

  /** It has arrived, or its sender waits for it no longer. */
  ended(departure: Departure, fqdns: Iterable<string>): void {
    for (const fqdn of fqdns) {
      const others = this.#calls.get(fqdn)?.filter((call) => call.departure !== departure);
      if (others !== undefined) this.#calls.set(fqdn, others);
    }
  }
}
