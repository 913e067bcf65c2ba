import type { Database } from '../database/database.ts';

/** Rows that one statement removes at most, so that no statement holds its locks for long. */
const PORTION = 10_000;
/** Portions of one run; what is left is taken by the next run. */
const PORTIONS = 20;

/**
 * Removes what is too old to matter: dropped intents after a day (a record that appears later than that is foreign),
 * history after `historyDays`, operations after 30 days, the API spend after an hour, confirmations after a year.
 */
export async function pruneLedger(db: Database, historyDays: number): Promise<void> {
  await portions(db, 'intents', `state = 'dropped' AND created_at < now() - interval '1 day'`, []);
  await portions(db, 'history', `at < now() - $1 * interval '1 day'`, [historyDays]);
  await portions(db, 'operations', `state IN ('done', 'failed') AND created_at < now() - interval '30 days'`, []);
  await portions(db, 'api_spend', `reserved_at < now() - interval '1 hour'`, []);
  await portions(db, 'confirmations', `used_at < now() - interval '1 year'`, []);
}

async function portions(db: Database, table: string, where: string, values: readonly unknown[]): Promise<void> {
  for (let i = 0; i < PORTIONS; i++) {
    const gone = await db.rows(
      // The condition once more: what is written anew meanwhile (a record that is forgotten again) is not old any more, and
      // servers that do not look at a ctid again after waiting for a row would delete it all the same.
      `DELETE FROM @.${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM @.${table} WHERE ${where} LIMIT ${PORTION})) AND ${where} RETURNING 1`,
      values,
    );
    if (gone.length < PORTION) return;
  }
}
