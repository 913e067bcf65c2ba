import { Batcher } from '../controller/batcher.ts';
import { toError, type ZonekeeperError } from '../errors.ts';
import type { Correction, Ledger } from '../ledger/port.ts';

/** Corrections that one transaction makes. */
const AT_ONCE = 1_000;
/** Transactions at once: one that waits for a lock does not hold up all others. */
const TRANSACTIONS = 2;
/** More than names can be in flight, of which each has one. */
const BACKLOG = 200_000;

/**
 * Makes the corrections of many names in few transactions. Whoever has one waits while its name's place among the workers is
 * free, so thousands may wait, each of which would need a connection, and its commit the disk.
 */
export class Corrector {
  readonly #batcher: Batcher<Correction, undefined>;

  constructor({
    ledger,
    defer,
  }: { readonly ledger: Pick<Ledger, 'correct'>; readonly defer: (run: () => void) => void }) {
    this.#batcher = new Batcher<Correction, undefined>({
      run: (corrections) => makeAll(ledger, corrections),
      maxBatch: AT_ONCE,
      concurrency: TRANSACTIONS,
      maxBacklog: BACKLOG,
      defer,
    });
  }

  /** Resolves once it is made. Rejects with what the ledger threw, of this correction alone where that lies in it. */
  async correct(correction: Correction): Promise<void> {
    await this.#batcher.load(correction);
  }
}

/**
 * Where they cannot be made together because of one of them, that one is found by halving, and the others are made. Ends after
 * fewer than two transactions for each.
 */
async function makeAll(
  ledger: Pick<Ledger, 'correct'>,
  corrections: readonly Correction[],
): Promise<readonly (undefined | ZonekeeperError)[]> {
  const answers: (undefined | ZonekeeperError)[] = [];
  const parts = [corrections];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const failed = await ledger.correct(part).then(() => undefined, toError);
    // The connection, the fence, the server: what is left would fail like this.
    if (failed !== undefined && !failed.lasts)
      return [...answers, ...corrections.slice(answers.length).map(() => failed)];
    if (failed === undefined || part.length === 1) answers.push(...part.map(() => failed));
    else {
      const middle = Math.ceil(part.length / 2);
      parts.push(part.slice(middle), part.slice(0, middle));
    }
  }
  return answers;
}
