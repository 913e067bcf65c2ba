/**
 * Finds the zone of a name: the longest zone name that it equals or ends in, label by label. A look-up costs one step per
 * label, however many zones there are. Both must be in normal form.
 */
export class ZoneIndex<Z extends { readonly name: string }> {
  readonly #byName: ReadonlyMap<string, Z>;

  constructor(zones: readonly Z[]) {
    this.#byName = new Map(zones.map((zone) => [zone.name, zone]));
  }

  /** The zone that holds the name; undefined when none does. */
  find(fqdn: string): Z | undefined {
    for (let rest = fqdn; ; ) {
      const zone = this.#byName.get(rest);
      if (zone !== undefined) return zone;
      const dot = rest.indexOf('.');
      if (dot < 0) return undefined;
      rest = rest.slice(dot + 1);
    }
  }

  /** Is the name that of a zone itself? A zone below another is an apex, too. */
  isApex(fqdn: string): boolean {
    return this.#byName.has(fqdn);
  }
}
