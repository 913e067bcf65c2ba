/** Names of which something is on its way, by zone. A name can be on its way in two zones; nearly always it is in none. */
export class OnTheWay {
  readonly #byZone = new Map<string, Set<string>>();
  readonly #zonesOf = new Map<string, Set<string>>();

  add(zone: string, fqdn: string): void {
    put(this.#byZone, zone, fqdn);
    put(this.#zonesOf, fqdn, zone);
  }

  remove(zone: string, fqdn: string): void {
    take(this.#byZone, zone, fqdn);
    take(this.#zonesOf, fqdn, zone);
  }

  /** In every zone. Costs nothing for a name that is in none. */
  removeAll(fqdn: string): void {
    for (const zone of [...(this.#zonesOf.get(fqdn) ?? [])]) this.remove(zone, fqdn);
  }

  /** The names of a zone. */
  in(zone: string): Iterable<string> {
    return this.#byZone.get(zone) ?? [];
  }
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set();
  map.set(key, values.add(value));
}

function take(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  if (values?.delete(value) && values.size === 0) map.delete(key);
}
