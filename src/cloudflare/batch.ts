import { ZonekeeperError } from '../errors.ts';
import type { CallFailure } from './errors.ts';
import type { UnitOutcome, WriteUnit } from './port.ts';

/** What one batch call came to. */
export type Sent =
  | { readonly kind: 'answered' /** One for each unit sent. */; readonly outcomes: readonly UnitOutcome[] }
  | {
      readonly kind: 'failed';
      readonly failure: CallFailure;
      /** Positions, among the units sent, of those that the answer names as the cause. Mostly empty. */
      readonly named: readonly number[];
    };

/** Makes one batch call. Must not throw. */
export type Send = (units: readonly WriteUnit[]) => Promise<Sent>;

/** Calls that one {@link sendUnits} may make beyond those that find the first refused unit. */
const MORE_CALLS = 16;

/**
 * Calls that `sendUnits` makes at most for so many units: enough for the first refused unit, wherever it is, and some
 * more. What is untested then is deferred. Each try finds at least one refused unit and takes it out, so that all the others
 * get through, if slowly.
 */
export function maxCalls(units: number): number {
  return 2 * Math.ceil(Math.log2(Math.max(1, units))) + 2 + MORE_CALLS;
}

/**
 * Sends units as one batch call. Cloudflare carries out all of a batch or nothing, and mostly does not say what was
 * wrong with it; so a batch that is refused because of a record is split until the refused units are found.
 *
 * The search halves a group that is known to be bad. When the first half goes through, the second is the bad one, and is
 * not sent as a whole again; when it is refused, the second half is put aside, and all that was put aside is sent
 * together later. One bad unit among n costs about log2(n) + 3 calls. What is put aside is then sent in groups that
 * shrink with every refusal and grow with every success, so that many bad units cost little more than one call each.
 *
 * Failures that any record would meet (token, zone, rate limit, network) are not searched for a culprit: they end it. The
 * outcome of every unit is in the place of the unit.
 */
export async function sendUnits(
  send: Send,
  units: readonly WriteUnit[],
  limit: number = maxCalls(units.length),
): Promise<readonly UnitOutcome[]> {
  const search = new Search(send, units, limit);
  await search.run();
  return search.outcomes();
}

/** Positions of units, in the order in which they are sent. */
type Group = readonly number[];

class Search {
  readonly #send: Send;
  readonly #units: readonly WriteUnit[];
  readonly #outcomes: (UnitOutcome | undefined)[];
  #calls: number;
  /** Units of which nothing is known yet. */
  #untested: Group;
  /** How many of them are sent together. */
  #chunk: number;
  /** Set when the zone is full: no unit that needs room is sent any more. */
  #full: ZonekeeperError | null = null;

  constructor(send: Send, units: readonly WriteUnit[], calls: number) {
    this.#send = send;
    this.#units = units;
    this.#outcomes = units.map(() => undefined);
    this.#calls = calls;
    this.#untested = [...units.keys()];
    this.#chunk = Math.max(1, units.length);
  }

  /** What became of each unit; those that were not tested are deferred. */
  outcomes(): readonly UnitOutcome[] {
    const message =
      'It was not sent: too many calls were needed to find out which records of the batch Cloudflare refuses.';
    return this.#outcomes.map(
      (outcome) => outcome ?? { kind: 'deferred', error: new ZonekeeperError('write_expired', message) },
    );
  }

  async run(): Promise<void> {
    while (this.#untested.length > 0 && this.#calls > 0) {
      const group = this.#untested.slice(0, this.#chunk);
      this.#untested = this.#untested.slice(this.#chunk);
      const tried = await this.#try(group);
      if (tried === 'through') this.#chunk *= 2;
      else this.#chunk = Math.max(1, Math.floor(this.#chunk / 2));
      if (typeof tried === 'object') await this.#isolate(tried);
    }
  }

  /** Finds one unit that is refused in a group that was refused as a whole. */
  async #isolate(refusal: Refusal): Promise<void> {
    let { group, failure } = refusal;
    while (group.length > 1) {
      if (this.#calls === 0) return;
      const middle = Math.ceil(group.length / 2);
      const [first, second] = [group.slice(0, middle), group.slice(middle)];
      const tried = await this.#try(first);
      if (tried === 'through') {
        // So what Cloudflare said of the whole is true of the rest.
        group = second;
        continue;
      }
      this.#putAside(second);
      if (tried === 'sorted') return;
      ({ group, failure } = tried);
    }
    this.#refuse(group, failure);
  }

  /**
   * Sends a group. `through`: Cloudflare carried it out. `sorted`: it did not, and each unit has its outcome or was put
   * aside. Else how it was refused, with the cause still to be found in it.
   */
  async #try(group: Group): Promise<'through' | 'sorted' | Refusal> {
    this.#calls -= 1;
    const sent = await this.#send(group.map((position) => this.#unit(position)));
    if (sent.kind === 'answered') {
      for (const [index, position] of group.entries()) this.#outcomes[position] = sent.outcomes[index];
      return 'through';
    }
    const { failure } = sent;
    if (failure.about === 'call') {
      this.#end(group, failure);
      return 'sorted';
    }
    // Where the zone is full, the element named is only the first that did not fit.
    const named = failure.about === 'record' ? sent.named.flatMap((index) => group[index] ?? []) : [];
    if (named.length > 0) {
      for (const position of named) this.#refuse([position], failure);
      this.#putAside(group.filter((position) => !named.includes(position)));
      return 'sorted';
    }
    return { group: failure.about === 'quota' ? this.#roomLast(group) : group, failure };
  }

  /** One unit is refused (a group of one). */
  #refuse(group: Group, failure: CallFailure): void {
    for (const position of group) {
      const { operations } = this.#unit(position);
      const gone = failure.error.code === 'cloudflare_gone';
      this.#outcomes[position] =
        gone && operations.length === 1 && operations[0]?.action === 'delete'
          ? { kind: 'applied', records: [null] }
          : { kind: 'refused', error: failure.error };
    }
    if (failure.about === 'quota') this.#fill(failure.error);
  }

  /** The zone is full: what needs room is refused without a call. */
  #fill(error: ZonekeeperError): void {
    this.#full = error;
    this.#putAside([]);
  }

  #putAside(group: Group): void {
    const full = this.#full;
    // In front, so that the order stays as it was.
    this.#untested = [...group, ...this.#untested].filter((position) => {
      if (full === null || !needsRoom(this.#unit(position))) return true;
      this.#outcomes[position] = { kind: 'refused', error: full };
      return false;
    });
  }

  /** Whatever is sent meets the same: nothing more is sent. */
  #end(group: Group, { effect, error }: CallFailure): void {
    const kind = effect === 'unsent' ? 'deferred' : effect;
    for (const position of group) this.#outcomes[position] = { kind, error };
    for (const [position, outcome] of this.#outcomes.entries()) {
      // What was refused with the whole batch, or not sent at all, is not unknown.
      this.#outcomes[position] = outcome ?? { kind: kind === 'refused' ? 'refused' : 'deferred', error };
    }
    this.#calls = 0;
  }

  /** Units that make room or need none go first: they may be what the others need. */
  #roomLast(group: Group): Group {
    const needs = (position: number) => needsRoom(this.#unit(position));
    return [...group.filter((position) => !needs(position)), ...group.filter(needs)];
  }

  #unit(position: number): WriteUnit {
    const unit = this.#units[position];
    if (unit === undefined) throw new Error(`There is no unit ${position}.`);
    return unit;
  }
}

interface Refusal {
  readonly group: Group;
  readonly failure: CallFailure;
}

/** Does the zone hold more records after it than before? */
function needsRoom({ operations }: WriteUnit): boolean {
  const count = (action: string) => operations.filter((operation) => operation.action === action).length;
  return count('create') > count('delete');
}
