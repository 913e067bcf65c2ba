import type { Clock } from '../controller/clock.ts';
import type { Zones } from './zones.ts';

/** Until the zones have not been listed for so long, names stay as they are: mostly it is over in a moment. */
const UNLISTED_MS = 30_000;

export interface DiscoveryOptions {
  readonly zones: Pick<Zones, 'discover' | 'known'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onListed: () => void;
  /** They could not be listed for so long that names have to say so. Told once. */
  readonly onUnlisted: () => void;
}

/**
 * Has the zones listed. Where that cannot be done, names have to say why they are not looked after, but not for a moment's sake:
 * that would be two writes for each of them.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  /** When the zones could not be listed for the first time, on our clock. */
  #unlistedSince: number | null = null;
  #toldUnlisted = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Have names been told that the zones cannot be listed? */
  get toldUnlisted(): boolean {
    return this.#toldUnlisted;
  }

  /** Lists them. Throws why they cannot be listed. */
  async run(): Promise<void> {
    const { zones, signal, onListed } = this.#options;
    try {
      await zones.discover(signal);
    } catch (error) {
      this.#failed();
      throw error;
    }
    onListed();
  }

  #failed(): void {
    const { zones, clock, onUnlisted } = this.#options;
    const now = clock.now();
    this.#unlistedSince ??= now;
    if (zones.known || this.#toldUnlisted || now - this.#unlistedSince < UNLISTED_MS) return;
    this.#toldUnlisted = true;
    onUnlisted();
  }
}
