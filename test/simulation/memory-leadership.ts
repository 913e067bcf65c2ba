import type { SpendLog, SpendLot } from '../../src/cloudflare/lots.ts';
import type { Row } from '../../src/database/database.ts';
import { ZonekeeperError } from '../../src/errors.ts';
import type { ElectionOptions } from '../../src/leadership/leader.ts';
import type { Operation } from '../../src/ledger/operations.ts';
import type { OperationsPort } from '../../src/reconcile/executor.ts';
import type { Reach } from './memory-ledger.ts';
import type { Tables } from './tables.ts';

/** The leader row in memory: what the statements of the election do, by their words. Throws for any other. */
export function leaderRow(tables: Tables, reach: Reach, notify: () => void): ElectionOptions['db'] {
  const { leader } = tables;
  const rows = (sql: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const [first, second, third] = values;
    if (sql.includes('epoch = epoch + 1')) {
      return reach('leader.acquire', () => {
        if (leader.holder !== null && leader.renewed >= tables.now() - leader.ttlMs) return [];
        Object.assign(leader, { holder: first, epoch: leader.epoch + 1, renewed: tables.now(), ttlMs: third });
        tables.durable();
        return [[leader.epoch]];
      });
    }
    const ours = () => leader.epoch === first && leader.holder === second;
    if (sql.includes('SET renewed = clock_timestamp(), info = $3')) {
      return reach('leader.renew', () => {
        if (!ours()) return [];
        leader.renewed = tables.now();
        tables.durable();
        return [[leader.epoch]];
      });
    }
    if (sql.includes('SET holder = NULL')) {
      return reach('leader.release', () => {
        if (ours()) leader.holder = null;
        tables.durable();
        return [];
      });
    }
    if (sql.includes('pg_notify')) {
      return reach('leader.notify', () => {
        notify();
        return [];
      });
    }
    throw new Error(`The simulation does not know this statement of the election: ${sql}`);
  };
  return { rows, channel: (name) => name };
}

/** Reserved API calls in memory. */
export function spendLog(tables: Tables, epoch: number, reach: Reach): SpendLog {
  return {
    reserve: (calls) =>
      reach('spend.reserve', () => {
        if (tables.leader.epoch !== epoch || tables.leader.holder === null) {
          throw new ZonekeeperError('not_leader', `Epoch ${epoch} is over.`);
        }
        tables.spend.push({ calls, at: tables.now() });
        tables.durable();
      }),
    outstanding: (withinMs) =>
      reach('spend.outstanding', (): readonly SpendLot[] => {
        const now = tables.now();
        return tables.spend
          .filter(({ at }) => at > now - withinMs)
          .map(({ calls, at }) => ({ calls, ageMs: now - at }));
      }),
  };
}

/** The operations in memory, as the leader sees them. */
export function operationsOf(tables: Tables, reach: Reach): OperationsPort {
  const hold = (epoch: number) => {
    const { leader } = tables;
    if (leader.epoch !== epoch || leader.holder === null) {
      throw new ZonekeeperError('not_leader', `Epoch ${epoch} is over.`);
    }
  };
  return {
    take: ({ epoch }, limit, known) =>
      reach('operations.take', (): readonly Operation[] => {
        hold(epoch);
        const waiting = [...tables.operations.values()]
          .filter(
            ({ id, state, epoch: its }) =>
              state === 'queued' || (state === 'running' && ((its ?? 0) < epoch || !known.includes(id))),
          )
          .slice(0, limit);
        for (const row of waiting)
          Object.assign(row, { state: 'running', epoch, startedAt: row.startedAt ?? tables.now() });
        tables.durable();
        return waiting.map((row) => ({ ...row }));
      }),
    progress: ({ epoch }, id, progress) =>
      reach('operations.progress', () => {
        const row = tables.operations.get(id);
        if (row?.epoch === epoch && row.state === 'running') row.progress = progress;
      }),
    finish: ({ epoch }, id, report, error) =>
      reach('operations.finish', () => {
        const row = tables.operations.get(id);
        if (row?.epoch !== epoch) return false;
        if (row.state !== 'running') return true;
        Object.assign(row, { state: error === null ? 'done' : 'failed', finishedAt: tables.now(), report, error });
        tables.durable();
        return true;
      }),
    useConfirmation: ({ epoch }, hash, operationId) =>
      reach('operations.useConfirmation', () => {
        hold(epoch);
        const used = tables.confirmations.get(hash);
        if (used !== undefined && used !== operationId) return false;
        tables.confirmations.set(hash, operationId);
        tables.durable();
        return true;
      }),
  };
}
