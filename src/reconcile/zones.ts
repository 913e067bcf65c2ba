import type { DnsApi, Zone } from '../cloudflare/port.ts';
import { ZoneIndex } from '../dns/zone.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { ManagedZone } from './zone.ts';

export interface ZonesOptions {
  readonly api: DnsApi;
  /** Names of the zones that we may touch; null for all that the token sees. */
  readonly only: readonly string[] | null;
  readonly manage: (zone: Zone) => ManagedZone;
  /** The set has changed: names may belong to another zone now. */
  readonly onChanged: (added: readonly ManagedZone[], removed: readonly ManagedZone[]) => void;
}

/** The zones that the token sees and the configuration allows. */
export class Zones {
  readonly #options: ZonesOptions;
  #index: ZoneIndex<ManagedZone> = new ZoneIndex([]);
  #byId = new Map<string, ManagedZone>();
  #missing: readonly string[] = [];
  #known = false;
  #failure: ZonekeeperError | null = null;

  constructor(options: ZonesOptions) {
    this.#options = options;
  }

  get all(): readonly ManagedZone[] {
    return [...this.#byId.values()];
  }

  /** Have they been listed? Before, that no zone holds a name says nothing about the name. */
  get known(): boolean {
    return this.#known;
  }

  /** Why they could not be listed at the last try; null when they were, or nobody has tried. */
  get failure(): ZonekeeperError | null {
    return this.#failure;
  }

  /** Zones that the configuration names and Cloudflare does not show. */
  get missing(): readonly string[] {
    return this.#missing;
  }

  /** The zone that a name belongs to: the longest that it ends in. */
  of(fqdn: string): ManagedZone | undefined {
    return this.#index.find(fqdn);
  }

  byId(id: string): ManagedZone | undefined {
    return this.#byId.get(id);
  }

  /**
   * Asks Cloudflare for the zones. Throws `cloudflare_no_zones` when none is left, and what Cloudflare's answer was; the
   * set is then as it was.
   */
  async discover(signal: AbortSignal): Promise<void> {
    try {
      await this.#discover(signal);
    } catch (error) {
      this.#failure = toError(error);
      throw this.#failure;
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { api, only, manage, onChanged } = this.#options;
    const seen = await api.zones({ priority: 3, signal });
    const allowed = only === null ? seen : seen.filter(({ name }) => only.includes(name));
    this.#missing = only === null ? [] : only.filter((name) => !seen.some((zone) => zone.name === name));
    if (allowed.length === 0) throw noZones(seen.length, only);
    const added: ManagedZone[] = [];
    const byId = new Map<string, ManagedZone>();
    for (const zone of allowed) {
      const known = this.#byId.get(zone.id);
      known?.update(zone);
      const managed = known ?? manage(zone);
      if (known === undefined) added.push(managed);
      byId.set(zone.id, managed);
    }
    const removed = this.all.filter((zone) => !byId.has(zone.zone.id));
    this.#byId = byId;
    this.#index = new ZoneIndex(this.all);
    for (const zone of removed) zone.stop();
    this.#known = true;
    this.#failure = null;
    if (added.length > 0 || removed.length > 0) onChanged(added, removed);
  }

  stop(): void {
    for (const zone of this.all) zone.stop();
  }
}

function noZones(seen: number, only: readonly string[] | null): ZonekeeperError {
  const message =
    seen === 0
      ? 'The token sees no zone.'
      : `The token sees ${seen} zones, none of those that ZONEKEEPER_ZONES names (${only?.join(', ')}).`;
  return new ZonekeeperError('cloudflare_no_zones', message);
}
