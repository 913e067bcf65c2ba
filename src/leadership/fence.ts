import type { Queryable } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';

/**
 * What a leader's writes pass: inside of a transaction, it holds the epoch of the leader row for as long as the transaction
 * lasts, so that nobody takes over in between, and throws `not_leader` when somebody already has. Renewing does not wait for it.
 */
export class Fence {
  readonly epoch: number;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /**
   * Throws `not_leader` unless our epoch is the present one. A transaction that need not be `durable` does not wait for the
   * disk when it commits: for what is rebuilt in any case.
   */
  async hold(tx: Queryable, { durable = true } = {}): Promise<void> {
    const rows = await tx.rows(
      `SELECT set_config('synchronous_commit', CASE WHEN $2 THEN current_setting('synchronous_commit') ELSE 'off' END, true)
         FROM @.leader WHERE epoch = $1 AND holder IS NOT NULL FOR KEY SHARE`,
      [this.epoch, durable],
    );
    if (rows.length === 0) throw new ZonekeeperError('not_leader', `Epoch ${this.epoch} is over.`);
  }
}
