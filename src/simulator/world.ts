import { ZonekeeperError } from '../errors.ts';
import { fieldsOf, type RecordInput } from './fields.ts';
import { hostName } from './name.ts';
import type { PlanName } from './plan.ts';
import { newRecord, type StoredRecord } from './record.ts';
import { newId } from './writes.ts';
import { Zone, type ZoneStatus } from './zone.ts';

/** A zone to start with. Of one that exists already only `records` are taken, and added. */
export interface ZoneSeed {
  readonly name: string;
  /** `free` by default. */
  readonly plan?: PlanName | undefined;
  /** Records that it may hold, in place of the plan's number (1000 for an old Free zone). Seeding may exceed it. */
  readonly quota?: number | undefined;
  /** `active` by default. */
  readonly status?: ZoneStatus | undefined;
  readonly paused?: boolean | undefined;
  /** 32 hexadecimal digits; made from the name by default. */
  readonly id?: string | undefined;
  /** Records as the API takes them, and an `id` where it must be a certain one. */
  readonly records?: readonly RecordInput[] | undefined;
}

/** Zones that there can be. */
export const MAX_ZONES = 10_000;

/** All zones of the simulator. */
export class World {
  readonly #byId = new Map<string, Zone>();
  readonly #byName = new Map<string, Zone>();

  zones(): readonly Zone[] {
    return [...this.#byId.values()];
  }

  byId(id: string): Zone | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): Zone | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** The zone that holds a name: the longest whose name it ends in. */
  holding(name: string): Zone | undefined {
    for (let rest = name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1)) {
      const zone = this.#byName.get(rest);
      if (zone !== undefined) return zone;
      if (!rest.includes('.')) return undefined;
    }
    return undefined;
  }

  /** Throws ZonekeeperError `bad_request`, ApiFailure for a record that could not exist. `now` is ISO 8601. */
  seed(seed: ZoneSeed, now: string): Zone {
    const name = hostName(seed.name.trim());
    if (name === null || !name.includes('.')) {
      throw new ZonekeeperError('bad_request', `${JSON.stringify(seed.name)} is not the name of a zone.`);
    }
    const zone = this.#byName.get(name) ?? this.#add(new Zone({ ...seed, name, now }));
    zone.seed((seed.records ?? []).map((record) => seeded(record, zone, now)));
    return zone;
  }

  remove(zone: Zone): void {
    this.#byId.delete(zone.id);
    this.#byName.delete(zone.name);
  }

  clear(): void {
    this.#byId.clear();
    this.#byName.clear();
  }

  #add(zone: Zone): Zone {
    if (this.#byId.size >= MAX_ZONES) throw new ZonekeeperError('bad_request', `At most ${MAX_ZONES} zones.`);
    if (this.#byId.has(zone.id)) throw new ZonekeeperError('bad_request', `There is a zone with the id ${zone.id}.`);
    this.#byId.set(zone.id, zone);
    this.#byName.set(zone.name, zone);
    return zone;
  }
}

function seeded(input: RecordInput, zone: Zone, now: string): StoredRecord {
  const id = input.id;
  const created = input.created_on;
  const date = typeof created === 'string' ? created : now;
  return newRecord(fieldsOf(input, zone), typeof id === 'string' ? id : newId(), date);
}
