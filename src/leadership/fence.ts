import type { Queryable } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';

/**
 * What a leader's writes pass: inside of a transaction, it holds the epoch of the leader row for as long as the transaction
 * lasts, so that nobody takes over in between, and throws `not_leader` when somebody already has. Renewing does not wait for it.
 */
export class Fence {
  readonly epoch: number;
  /**
   * Who leads in that epoch; null where it does not matter. Epochs are one holder's each, as long as the database forgets
   * nothing: after a failover to a standby that lagged behind, the next leader may be given a number that was given before.
   */
  readonly holder: string | null;

  constructor(epoch: number, holder: string | null = null) {
    this.epoch = epoch;
    this.holder = holder;
  }

  /**
   * Throws `not_leader` unless our epoch is the present one. A transaction that need not be `durable` does not wait for the
   * disk when it commits: for what is rebuilt in any case.
   */
  async hold(tx: Queryable, { durable = true } = {}): Promise<void> {
    const rows = await tx.rows(
      `SELECT set_config('synchronous_commit', CASE WHEN $2 THEN current_setting('synchronous_commit') ELSE 'off' END, true)
         FROM @.leader WHERE epoch = $1 AND holder = coalesce($3, holder) FOR KEY SHARE`,
      [this.epoch, durable, this.holder],
    );
    if (rows.length === 0) throw new ZonekeeperError('not_leader', `Epoch ${this.epoch} is over.`);
  }
}
