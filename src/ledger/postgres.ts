import { columns } from '../database/columns.ts';
import type { Database, Queryable } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';
import type { Fence } from '../leadership/fence.ts';
import { writeCorrections } from './correct.ts';
import { readFacts, readSurvey } from './facts.ts';
import type {
  Correction,
  Deletions,
  Ledger,
  NameFacts,
  NewIntent,
  SettledChange,
  StateUpdate,
  SurveyPage,
} from './port.ts';
import { pruneLedger } from './prune.ts';
import { REMEMBER } from './records.ts';
import { settleChanges } from './settle.ts';
import { writeStates } from './states.ts';

/**
 * Names of the zone $2 that lost all their records within $3 ms, neither ordered nor confirmed by a person. What one call deleted
 * of a name is settled in one transaction, and so has one time.
 */
const EMPTIED = `
  SELECT fqdn, at FROM @.history WHERE zone = $2 AND action = 'delete' AND result = 'done' AND NOT replaced
     AND at > now() - $3 * interval '1 millisecond' AND trigger <> 'delete'
     AND NOT EXISTS (SELECT FROM @.confirmations c WHERE c.operation_id = history.operation_id)`;

/** The ledger in PostgreSQL, for the length of one epoch. */
export class PostgresLedger implements Ledger {
  readonly #db: Database;
  readonly #fence: Fence;

  constructor(db: Database, fence: Fence) {
    this.#db = db;
    this.#fence = fence;
  }

  facts(fqdns: readonly string[]): Promise<ReadonlyMap<string, NameFacts>> {
    return readFacts(this.#db, fqdns);
  }

  survey(options: { zone: string | null; after: string | null; limit: number }): Promise<SurveyPage> {
    return readSurvey(this.#db, options);
  }

  async begin(
    intents: readonly NewIntent[],
    forget: readonly { zoneId: string; recordId: string }[],
    deadlineMs: number,
  ): Promise<void> {
    // One statement and one commit: this is what stands between a decision and its call.
    const rows = await this.#db.rows(
      `WITH held AS (SELECT FROM @.leader WHERE epoch = $9 AND holder = coalesce($13, holder) FOR KEY SHARE),
            forgotten AS (
              DELETE FROM @.dns_records r USING unnest($11::text[], $12::text[]) f(zone_id, record_id), held
               WHERE r.zone_id = f.zone_id AND r.record_id = f.record_id RETURNING r.*),
            remembered AS (${REMEMBER('$9')})
       INSERT INTO @.intents (id, zone_id, fqdn, action, record_id, consumer_kind, consumer_id, replaced, epoch, deadline)
       SELECT id, zone_id, fqdn, action, record_id, kind, consumer, replaced, $9, clock_timestamp() + $10 * interval '1 millisecond'
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])
                i(id, zone_id, fqdn, action, record_id, kind, consumer, replaced), held
       RETURNING 1`,
      [
        ...columns(
          intents,
          ({ id, zoneId, fqdn, action, recordId, consumer, replaced }) => [
            ...[id, zoneId, fqdn, action, recordId],
            ...[consumer?.kind ?? null, consumer?.id ?? null, replaced],
          ],
          8,
        ),
        this.#fence.epoch,
        deadlineMs,
        ...columns(forget, ({ zoneId, recordId }) => [zoneId, recordId], 2),
        this.#fence.holder,
      ],
    );
    if (rows.length < intents.length) throw new ZonekeeperError('not_leader', `Epoch ${this.#fence.epoch} is over.`);
  }

  async settle(changes: readonly SettledChange[]): Promise<void> {
    await this.#db.transaction((tx) => settleChanges(tx, changes));
  }

  async correct(corrections: readonly Correction[]): Promise<void> {
    await this.#fenced((tx) => writeCorrections(tx, corrections, this.#fence.epoch));
  }

  async setStates(updates: readonly StateUpdate[]): Promise<void> {
    // A state lost in a crash is found again by the next survey.
    await this.#fenced((tx) => writeStates(tx, updates), { durable: false });
  }

  async unsettledNames(limit: number): Promise<readonly string[]> {
    const rows = await this.#db.rows(`SELECT DISTINCT fqdn FROM @.intents WHERE state = 'open' LIMIT $1`, [limit]);
    return rows.map((row) => row[0] as string);
  }

  async deletions(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<Deletions> {
    const [row] = await this.#db.rows(
      `WITH deletions AS (SELECT fqdn, state, epoch, created_at FROM @.intents WHERE zone_id = $1 AND action = 'delete')
       SELECT EXISTS (SELECT FROM @.wanted),
              (SELECT count(DISTINCT (fqdn, at)) FROM (${EMPTIED}) emptied),
              (SELECT count(*) FROM deletions WHERE state = 'open' AND epoch <> $4),
              (SELECT coalesce(json_agg(DISTINCT fqdn), '[]') FROM deletions
                WHERE state = 'dropped' AND created_at > now() - $3 * interval '1 millisecond')`,
      [zone.id, zone.name, windowMs, this.#fence.epoch],
    );
    const [anythingWanted, done, predecessors, uncertain] = (row ?? []) as [boolean, number, number, string[]];
    return { anythingWanted, done, predecessors, uncertain };
  }

  async trackedIn(zone: { readonly id: string; readonly name: string }, windowMs: number): Promise<number> {
    const [row] = await this.#db.rows(
      `SELECT count(*) FROM (SELECT fqdn FROM @.dns_records WHERE zone_id = $1 UNION SELECT fqdn FROM (${EMPTIED}) emptied) names`,
      [zone.id, zone.name, windowMs],
    );
    return row?.[0] as number;
  }

  async prune(historyDays: number): Promise<void> {
    await pruneLedger(this.#db, historyDays);
  }

  #fenced<T>(work: (tx: Queryable) => Promise<T>, options?: { durable: boolean }): Promise<T> {
    return this.#db.transaction(async (tx) => {
      await this.#fence.hold(tx, options);
      return work(tx);
    });
  }
}
