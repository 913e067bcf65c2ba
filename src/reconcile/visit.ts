import type { DesiredName } from '../dns/desired.ts';
import type { NameFacts } from '../ledger/port.ts';
import type { Context } from './context.ts';
import { homeless, unlisted } from './homeless.ts';
import { Part, type PartOptions } from './part.ts';
import type { Stay } from './stay.ts';
import { combine, type Ended, type VisitResult, zoneGone } from './visit-result.ts';
import type { ManagedZone } from './zone.ts';
import type { Zones } from './zones.ts';

export interface VisitOptions extends PartOptions {
  readonly zones: Zones;
}

/** One look at one name, from its facts to its state, zone by zone. */
export class Visit {
  readonly #options: VisitOptions;
  readonly #facts: NameFacts;
  readonly #context: Context;
  readonly #stay: Stay;
  readonly #desired: DesiredName | null;

  constructor(options: VisitOptions, facts: NameFacts, context: Context, stay: Stay) {
    this.#options = options;
    this.#facts = facts;
    this.#context = context;
    this.#stay = stay;
    this.#desired = options.rules.resolve(facts.fqdn, facts.rows);
  }

  /** `look again`: Cloudflare refused a change because the name is not as we knew it. It was looked at; now all begins anew. */
  async run(): Promise<VisitResult | 'look again'> {
    const { zones } = this.#options;
    const { fqdn, tracked } = this.#facts;
    const home = zones.of(fqdn);
    const ended: Ended[] = [];
    if (!zones.known && (this.#desired !== null || tracked.length > 0)) {
      const next = { againIf: () => zones.known };
      return combine(fqdn, home, this.#desired, [{ state: 'failed', problem: unlisted(zones), next }]);
    }
    if (home !== undefined) {
      const part = await this.#part(home, true);
      if (part === 'look again') return part;
      ended.push(part);
    } else if (this.#desired !== null) {
      const next = { againIf: () => zones.of(fqdn) !== undefined };
      ended.push({ state: 'failed', problem: this.#desired.problem ?? homeless(fqdn, zones), next });
    }
    // The name may belong to another zone since a zone below or above was added: what stands there is ours to remove.
    for (const zoneId of new Set(tracked.map((record) => record.zoneId))) {
      if (zoneId === home?.zone.id) continue;
      const other = zones.byId(zoneId);
      if (other === undefined) {
        const next = { againIf: () => zones.byId(zoneId) !== undefined };
        ended.push({ state: 'failed', problem: zoneGone(fqdn, zoneId), next });
        continue;
      }
      const part = await this.#part(other, false);
      if (part === 'look again') return part;
      ended.push(part);
    }
    return combine(fqdn, home, this.#desired, ended);
  }

  #part(zone: ManagedZone, home: boolean): Promise<Ended | 'look again'> {
    const [facts, context, stay, wanted] = [this.#facts, this.#context, this.#stay, this.#desired];
    return new Part(this.#options, { facts, context, stay, wanted, home }, zone).run();
  }
}
