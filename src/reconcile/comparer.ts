import { type Findings, type SurveyOptions, strayNames, survey } from './survey.ts';
import type { ManagedZone } from './zone.ts';

export interface ComparerOptions extends SurveyOptions {
  /** Names that are being worked on. */
  readonly inProcess: () => readonly string[];
  /** Nothing is planned for the name, and nobody works on it. */
  readonly isIdle: (fqdn: string) => boolean;
  /** Names that are not as they should be, of one zone or of all; and those being worked on. */
  readonly onDiffering: (fqdns: readonly string[], zone: ManagedZone | null) => void;
}

/**
 * Compares zones as a whole, one after the other: when they are seen for the first time, and all names when zones come or
 * go. What could not be compared stays asked for.
 */
export class Comparer {
  readonly #options: ComparerOptions;
  /** Null stands for all names. */
  readonly #asked = new Set<ManagedZone | null>();

  constructor(options: ComparerOptions) {
    this.#options = options;
  }

  ask(zone: ManagedZone | null): void {
    this.#asked.add(zone);
  }

  /** Works off what was asked for. Throws what the ledger threw; the rest is done the next time. */
  async run(): Promise<void> {
    for (const zone of [...this.#asked]) {
      this.#asked.delete(zone);
      try {
        await this.#compare(zone);
      } catch (error) {
        this.#asked.add(zone);
        throw error;
      }
    }
  }

  async #compare(zone: ManagedZone | null): Promise<void> {
    const { zones, guard, inProcess } = this.#options;
    const compared = (zone === null ? zones.all : [zone]).filter(({ mirror }) => mirror.ready);
    const expected = compared.map(({ name }) => [name, guard.awaitingIn(name)] as const);
    // Who is being worked on may have read its facts before us, and act or store a state by what is no longer so. It may have
    // done so before our answer is here, too: then what we read was not yet what it made.
    const working = inProcess();
    const tracked = new Set<string>();
    const { differing }: Findings = await survey(this.#options, zone, (facts) => {
      if (zone !== null) for (const { recordId } of facts.tracked) tracked.add(recordId);
    });
    const names = differing.map(({ facts }) => facts.fqdn);
    // A record with our mark that no row tracks: an answer was lost. Looking at its name settles it.
    if (zone !== null) names.push(...strayNames(zone, this.#options.rules.ownerId, tracked));
    for (const fqdn of working) if (zone === null || zones.of(fqdn) === zone) names.push(fqdn);
    const differ = new Set(names);
    for (const [name, awaiting] of expected) this.#forget(name, awaiting, differ);
    this.#options.onDiffering(names, zone);
  }

  /**
   * Names that the guard expects to be deleted, and that nobody has to look at: they vanished before their zone was seen, and
   * had no record. Nobody would ever tell the guard, and it would hold others for their sake.
   */
  #forget(zone: string, awaiting: readonly string[], differing: ReadonlySet<string>): void {
    const { guard, isIdle } = this.#options;
    for (const fqdn of awaiting) if (!differing.has(fqdn) && isIdle(fqdn)) guard.settled(zone, fqdn);
  }
}
