import type { Queryable } from '../database/database.ts';
import type { Correction } from './port.ts';
import { forgetRecords, refreshRecords, tellDeleted, trackRecords } from './records.ts';

/** Makes corrections as if one after the other, with as few statements as that allows: mostly those of a single one. */
export async function writeCorrections(
  tx: Queryable,
  corrections: readonly Correction[],
  epoch: number,
): Promise<void> {
  for (const run of apart(corrections)) await write(tx, joined(run), epoch);
}

async function write(tx: Queryable, correction: Correction, epoch: number): Promise<void> {
  const { forget, refresh, track, deleted, drop, end } = correction;
  await forgetRecords(tx, forget, epoch);
  await refreshRecords(tx, refresh);
  await trackRecords(tx, track);
  await tellDeleted(tx, deleted);
  if (drop.length > 0) await tx.rows(`UPDATE @.intents SET state = 'dropped' WHERE id = ANY ($1)`, [drop]);
  const ended = [...end, ...track.flatMap(({ intent }) => (intent === null ? [] : [intent.id]))];
  if (ended.length > 0) await tx.rows('DELETE FROM @.intents WHERE id = ANY ($1)', [ended]);
}

/**
 * Cuts them into runs in which no two are about the same row, so that the steps of a run can be made for all of it at once.
 * Nearly always it is one run: a record is of one name, unless somebody renames it at Cloudflare.
 */
export function apart(corrections: readonly Correction[]): readonly (readonly Correction[])[] {
  const runs: Correction[][] = [];
  let known = new Set<string>();
  for (const correction of corrections) {
    const rows = rowsOf(correction);
    const run = runs.at(-1);
    if (run !== undefined && !rows.some((row) => known.has(row))) run.push(correction);
    else {
      runs.push([correction]);
      known = new Set();
    }
    for (const row of rows) known.add(row);
  }
  return runs;
}

/** What a correction is about, as ids of intents: a record is remembered by one, whose id is made from the record's. */
function rowsOf({ forget, refresh, track, deleted, drop, end }: Correction): string[] {
  const records = [...forget.map(({ recordId }) => recordId), ...[...refresh, ...track].map(({ record }) => record.id)];
  const intents = [...track, ...deleted].flatMap(({ intent }) => (intent === null ? [] : [intent.id]));
  return [...records.map((id) => `forgotten-${id}`), ...intents, ...drop, ...end];
}

function joined(corrections: readonly Correction[]): Correction {
  const all = <T>(of: (correction: Correction) => readonly T[]) => corrections.flatMap(of);
  return {
    forget: all(({ forget }) => forget),
    refresh: all(({ refresh }) => refresh),
    track: all(({ track }) => track),
    deleted: all(({ deleted }) => deleted),
    drop: all(({ drop }) => drop),
    end: all(({ end }) => end),
  };
}
