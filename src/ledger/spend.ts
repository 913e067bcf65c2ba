import type { Database } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';
import type { Fence } from '../leadership/fence.ts';

/** A number of API calls that somebody reserved. */
export interface SpendLot {
  readonly calls: number;
  /** Milliseconds since the reservation, by the database's clock. */
  readonly ageMs: number;
}

/**
 * The API calls of this installation, reserved in lots before they are made. Who starts anew, or takes over, reads what
 * may still count at Cloudflare.
 */
export class SpendLog {
  readonly #db: Database;
  readonly #fence: Fence;

  constructor(db: Database, fence: Fence) {
    this.#db = db;
    this.#fence = fence;
  }

  /**
   * Throws `not_leader` once the epoch is over: a successor has read what was reserved, and must not be surprised by more.
   */
  async reserve(calls: number): Promise<void> {
    const rows = await this.#db.rows(
      `WITH held AS (SELECT FROM @.leader WHERE epoch = $2 AND holder = coalesce($3, holder) FOR KEY SHARE)
       INSERT INTO @.api_spend (calls) SELECT $1 FROM held RETURNING id`,
      [calls, this.#fence.epoch, this.#fence.holder],
    );
    if (rows.length === 0) throw new ZonekeeperError('not_leader', `Epoch ${this.#fence.epoch} is over.`);
  }

  /** The lots of the last `withinMs`. */
  async outstanding(withinMs: number): Promise<readonly SpendLot[]> {
    const rows = await this.#db.rows(
      `SELECT calls, extract(epoch FROM clock_timestamp() - reserved_at)::float8 * 1000 FROM @.api_spend
        WHERE reserved_at > clock_timestamp() - $1 * interval '1 millisecond'`,
      [withinMs],
    );
    return rows.map(([calls, ageMs]) => ({ calls: calls as number, ageMs: ageMs as number }));
  }
}
