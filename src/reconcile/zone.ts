import { ZoneMirror } from '../cloudflare/mirror.ts';
import type { CallOptions, DnsApi, Zone } from '../cloudflare/port.ts';
import { type WriterOptions, ZoneWriter } from '../cloudflare/writer.ts';
import { Batcher } from '../controller/batcher.ts';
import type { Clock } from '../controller/clock.ts';
import { toError, type ZonekeeperError } from '../errors.ts';

export interface ManagedZoneOptions extends Omit<WriterOptions, 'zone' | 'mirror'> {
  readonly zone: Zone;
  readonly api: DnsApi;
  readonly clock: Clock;
  /** Ends reads that wait or are under way. */
  readonly signal: AbortSignal;
  /** Called after every list but the first with the names whose records differ from what was known. */
  readonly onDifferences: (zone: ManagedZone, fqdns: readonly string[]) => void;
  /** Called after the first list: everything is new, so everything is to be compared. */
  readonly onFirstSeen: (zone: ManagedZone) => void;
}

/** Looks at single names that are cheaper than one list of the whole zone. */
const LOOKUPS_AT_ONCE = 3;
/** Names that may wait for a look; more than can be in flight. */
const MAX_LOOKS = 200_000;

/** A zone that we look after: what it holds as last seen, the one writer to it, and how the last look went. */
export class ManagedZone {
  readonly mirror = new ZoneMirror();
  readonly writer: ZoneWriter;
  readonly #options: ManagedZoneOptions;
  readonly #looks: Batcher<string, undefined>;
  #zone: Zone;
  #listing: Promise<void> | null = null;
  #failure: ZonekeeperError | null = null;
  #failures = 0;
  #lastCheck: number | null = null;
  #lastSuccess: number | null = null;

  constructor(options: ManagedZoneOptions) {
    this.#options = options;
    this.#zone = options.zone;
    this.writer = new ZoneWriter({ ...options, zone: () => this.#zone, mirror: this.mirror });
    this.#looks = new Batcher({
      run: (fqdns) => this.#lookAgain(fqdns),
      maxBatch: MAX_LOOKS,
      concurrency: 1,
      maxBacklog: MAX_LOOKS,
    });
  }

  get zone(): Zone {
    return this.#zone;
  }

  get name(): string {
    return this.#zone.name;
  }

  /** Why the last list failed; null when it did not. */
  get failure(): ZonekeeperError | null {
    return this.#failure;
  }

  /** Lists that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Wall-clock milliseconds of the last list that ended, and of the last that succeeded. */
  get lastCheck(): number | null {
    return this.#lastCheck;
  }

  get lastSuccess(): number | null {
    return this.#lastSuccess;
  }

  /** The zone as Cloudflare describes it now (its plan may have changed). */
  update(zone: Zone): void {
    this.#zone = zone;
  }

  /**
   * Waits for the first list, and starts it if nobody has. Throws why it failed; whoever checks the zones tries again, so
   * that names by the thousand do not.
   */
  async known(): Promise<void> {
    if (this.mirror.ready) return;
    if (this.#listing === null && this.#failure !== null) throw this.#failure;
    await (this.#listing ?? this.list({ priority: 3 }));
  }

  /**
   * Lists the whole zone. Throws the ZonekeeperError that Cloudflare's answer was; the mirror is then as it was. What the
   * list found is told at once, or by `tell`, which `later` is given.
   */
  list(call?: CallOptions, later: (tell: () => void) => void = (tell) => tell()): Promise<void> {
    const listing = this.#list(call, later).finally(() => {
      if (this.#listing === listing) this.#listing = null;
    });
    this.#listing = listing;
    return listing;
  }

  async #list(call: CallOptions | undefined, later: (tell: () => void) => void): Promise<void> {
    const listing = this.mirror.beginList();
    try {
      const { records, pages } = await this.#options.api.list(this.#zone, {
        ...call,
        signal: this.#options.signal,
        intern: (record) => this.mirror.intern(record),
      });
      const first = !this.mirror.ready;
      const differing = this.mirror.applyList(listing, records, pages);
      this.#failure = null;
      this.#failures = 0;
      this.#lastSuccess = this.#options.clock.wall();
      later(() => {
        if (first) this.#options.onFirstSeen(this);
        else this.#options.onDifferences(this, differing);
      });
    } catch (error) {
      this.mirror.abandonList(listing);
      this.#failure = toError(error);
      this.#failures += 1;
      throw this.#failure;
    } finally {
      this.#lastCheck = this.#options.clock.wall();
    }
  }

  /**
   * Looks at one name: afterwards the mirror knows what was so after this call. A few names are looked up one by one,
   * many by a list. Throws as {@link ManagedZone.list} does.
   */
  async lookAt(fqdn: string): Promise<void> {
    await this.#looks.load(fqdn);
  }

  async #lookAgain(fqdns: readonly string[]): Promise<undefined[]> {
    const names = [...new Set(fqdns)];
    if (names.length > LOOKUPS_AT_ONCE || !this.mirror.ready) {
      await this.list({ priority: 3 });
    } else {
      for (const fqdn of names) {
        const started = this.mirror.moment();
        const records = await this.#options.api.lookup(this.#zone, fqdn, { priority: 3, signal: this.#options.signal });
        this.mirror.applyLook(fqdn, started, records);
      }
    }
    return fqdns.map(() => undefined);
  }

  stop(): void {
    this.writer.stop();
  }
}
