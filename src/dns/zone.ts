/** Finds the zone of a name: the longest zone name that it equals or ends in. One look-up per label. */
export class ZoneIndex<Z extends { readonly name: string }> {
  readonly #byName: ReadonlyMap<string, Z>;

  constructor(zones: readonly Z[]) {
    this.#byName = new Map(zones.map((zone) => [zone.name, zone]));
  }

  find(fqdn: string): Z | undefined {
    for (let rest = fqdn; ; ) {
      const zone = this.#byName.get(rest);
      if (zone !== undefined) return zone;
      const dot = rest.indexOf('.');
      if (dot < 0) return undefined;
      rest = rest.slice(dot + 1);
    }
  }
}
