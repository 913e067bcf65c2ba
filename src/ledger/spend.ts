import type { Database } from '../database/database.ts';

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

  constructor(db: Database) {
    this.#db = db;
  }

  async reserve(calls: number): Promise<void> {
    await this.#db.rows('INSERT INTO @.api_spend (calls) VALUES ($1)', [calls]);
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
