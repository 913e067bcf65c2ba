import { type Answer, pageAnswer, success } from './answer.ts';
import { FAILURES } from './failure.ts';
import { listRecords } from './list.ts';
import type { StoredRecord } from './record.ts';
import type { Route } from './route.ts';
import type { Grant } from './tokens.ts';
import type { World } from './world.ts';
import { BATCH_LISTS, batchOf, objectOf, type WriteCheck, type Writes } from './writes.ts';
import { ACCOUNT, type Zone } from './zone.ts';
import { listZones } from './zone-list.ts';

/** One request, let in and read. */
export interface ApiRequest {
  readonly route: Route;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly grant: Grant;
  /** Number of the request in the request log. */
  readonly sequence: number;
  /** A list shows the zone as it was so many writes ago. */
  readonly staleWrites: number;
  readonly check: WriteCheck;
}

/** What each operation of the API does. Nothing in here waits, so each is carried out as a whole. Throws ApiFailure. */
export class Api {
  readonly #world: World;
  readonly #writes: Writes;

  constructor(world: World, writes: Writes) {
    this.#world = world;
    this.#writes = writes;
  }

  execute(request: ApiRequest): Answer {
    const { route, query, grant, path } = request;
    switch (route.operation) {
      case 'list_zones': {
        const seen = this.#world.zones().filter((zone) => grant.sees(zone));
        return pageAnswer(listZones(seen, query));
      }
      case 'get_zone':
        return success(this.#zone(request).json);
      case 'list_records':
        return pageAnswer(listRecords(this.#zone(request), query, request.staleWrites));
      case 'get':
        return success(existing(this.#zone(request), route).json);
      case 'usage':
        return success(usage(this.#zone(request)));
      case 'create':
      case 'update':
      case 'overwrite':
      case 'delete':
      case 'batch':
        if (!grant.mayWrite) throw FAILURES.notPermitted();
        return this.#write(request, this.#zone(request));
      default:
        throw route.wrongMethod === true ? FAILURES.method() : FAILURES.noRoute(path);
    }
  }

  /** The zone that the path names. One that the token does not see cannot be told from one that it may not touch. */
  #zone({ route, grant, path }: ApiRequest): Zone {
    const zone = this.#world.byId(route.zoneId ?? '');
    if (zone === undefined) throw FAILURES.noZone(path);
    if (!grant.sees(zone)) throw FAILURES.notPermitted();
    return zone;
  }

  #write({ route, body, check, sequence }: ApiRequest, zone: Zone): Answer {
    const writer = { actor: 'api', request: sequence, check } as const;
    const id = route.recordId ?? '';
    if (route.operation === 'create') return success(this.#writes.create(zone, objectOf(body), writer).json);
    if (route.operation === 'update') return success(this.#writes.update(zone, id, objectOf(body), writer).json);
    if (route.operation === 'overwrite') return success(this.#writes.overwrite(zone, id, objectOf(body), writer).json);
    if (route.operation === 'delete') {
      return success(JSON.stringify({ id: this.#writes.delete(zone, id, writer).data.id }));
    }
    const result = this.#writes.batch(zone, batchOf(body), writer);
    return success(`{${BATCH_LISTS.map((list) => `"${list}":${jsonOf(result[list])}`).join(',')}}`);
  }
}

/** developers.cloudflare.com/api/resources/dns/subresources/usage/: null where the account's quota counts. */
function usage(zone: Zone): string {
  const quota = zone.plan.legacyId === 'enterprise' ? null : zone.quota;
  return JSON.stringify({ record_quota: quota, record_usage: zone.size });
}

function existing(zone: Zone, route: Route): StoredRecord {
  const record = zone.get(route.recordId ?? '');
  if (record === undefined) throw FAILURES.noRecord();
  return record;
}

function jsonOf(records: readonly StoredRecord[]): string {
  return `[${records.map(({ json }) => json).join(',')}]`;
}

/** Is this the account whose tokens can be verified? */
export function isAccount(id: string): boolean {
  return id === ACCOUNT.id;
}
