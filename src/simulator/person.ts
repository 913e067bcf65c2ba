import { ZonekeeperError } from '../errors.ts';
import { patched, type RecordInput } from './fields.ts';
import { hostName } from './name.ts';
import { type DnsRecord, replacement, type StoredRecord } from './record.ts';
import type { World } from './world.ts';
import type { Writer, Writes } from './writes.ts';
import type { Zone } from './zone.ts';

/** Which records somebody means: all that fit everything that is given. */
export interface RecordSelector {
  readonly name: string;
  readonly type?: string | undefined;
  readonly content?: string | undefined;
  readonly id?: string | undefined;
}

const PERSON: Writer = { actor: 'person', request: null };

/**
 * A person at the dashboard: no token, no rate limit, no faults, but the same rules for records. Names are whole names; the
 * zone follows from them. Throws ZonekeeperError `not_found`, ApiFailure for what the rules refuse.
 */
export class Person {
  readonly #world: World;
  readonly #writes: Writes;

  constructor(world: World, writes: Writes) {
    this.#world = world;
    this.#writes = writes;
  }

  add(input: RecordInput): DnsRecord {
    const name = String(input.name ?? '');
    return this.#writes.create(this.#zone(name), input, PERSON).data;
  }

  /** Changes every record that is meant, all at once. The fields that are not named stay. */
  edit(selector: RecordSelector, change: RecordInput): readonly DnsRecord[] {
    const { zone, records } = this.#meant(selector);
    return this.#writes.together(zone, PERSON, (now) =>
      records.map(({ data }) => {
        const record = replacement(data, patched(data, change, zone), now);
        zone.put(record);
        return record.data;
      }),
    );
  }

  /** Deletes every record that is meant, all at once. */
  remove(selector: RecordSelector): readonly DnsRecord[] {
    const { zone, records } = this.#meant(selector);
    return this.#writes.together(zone, PERSON, () => records.map(({ data }) => zone.remove(data.id).data));
  }

  #zone(name: string): Zone {
    const zone = this.#world.holding(hostName(name) ?? '');
    if (zone === undefined) throw new ZonekeeperError('not_found', `No zone holds the name ${JSON.stringify(name)}.`);
    return zone;
  }

  #meant({ name, type, content, id }: RecordSelector): { zone: Zone; records: readonly StoredRecord[] } {
    const zone = this.#zone(name);
    const records = [...zone.named(hostName(name) ?? '')].filter(
      ({ data }) =>
        (type === undefined || data.type === type.toUpperCase()) &&
        (content === undefined || data.content === content) &&
        (id === undefined || data.id === id),
    );
    if (records.length > 0) return { zone, records };
    throw new ZonekeeperError('not_found', `There is no such record of the name ${JSON.stringify(name)}.`);
  }
}
