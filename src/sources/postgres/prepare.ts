import type { Database } from '../../database/database.ts';
import { ZonekeeperError } from '../../errors.ts';
import type { ViewFacts } from './desired.ts';
import { type ConsumerTable, createMissingTables, readTables, requireTables } from './tables.ts';
import { tryInstallTriggers } from './triggers.ts';
import { installView, requireDesiredColumns, viewMode } from './view.ts';

/** What `migrate` did on the user's side. */
export interface Prepared {
  readonly created: readonly ConsumerTable[];
  readonly view: 'generated' | 'custom';
  /** Null when the triggers were installed; otherwise why not: the periodic resync then does the work alone. */
  readonly withoutTriggers: string | null;
  /** Whether other roles find `dns_records` beside the consumer tables. */
  readonly recordsView: boolean;
}

/**
 * Prepares the user's side: missing consumer tables, the view, the triggers. Throws `consumer_tables` with everything
 * that does not fit. Nothing of the user's is changed, beyond triggers on the tables.
 */
export async function prepareConsumers(db: Database): Promise<Prepared> {
  const custom = (await viewMode(db)) === 'custom';
  if (custom) {
    await requireDesiredColumns(db);
    return { created: [], view: 'custom', withoutTriggers: null, recordsView: await installRecordsView(db) };
  }
  const created = await db.transaction(async (tx) => {
    const made = await createMissingTables(tx, await readTables(tx));
    const tables = await readTables(tx);
    requireTables(tables);
    await installView(tx, tables);
    return made;
  });
  const withoutTriggers = await tryInstallTriggers(db, await readTables(db));
  return { created, view: 'generated', withoutTriggers, recordsView: await installRecordsView(db) };
}

/** A view `dns_records` beside the consumer tables, where nothing of that name is there: for applications that read it. */
async function installRecordsView(db: Database): Promise<boolean> {
  if (db.schema !== 'zonekeeper') return false;
  const [row] = await db.rows(
    `SELECT current_schema(), to_regclass(quote_ident(current_schema()) || '.dns_records') IS NULL,
            has_schema_privilege(current_schema(), 'CREATE')`,
  );
  if (row === undefined || row[1] !== true || row[2] !== true) return false;
  await db.rows('CREATE VIEW dns_records AS SELECT * FROM @.dns_records');
  return true;
}

/** How the source stands when the daemon starts. */
export interface SourceFacts {
  readonly view: ViewFacts;
  readonly triggers: boolean;
}

/** Checks the user's side without changing it. Throws `consumer_tables`, naming everything that is missing at once. */
export async function inspectConsumers(db: Database): Promise<SourceFacts> {
  const mode = await viewMode(db);
  if (mode === 'missing')
    throw new ZonekeeperError('consumer_tables', 'The view "desired" is missing: run `zonekeeper migrate`.');
  if (mode === 'custom') {
    await requireDesiredColumns(db);
    const watched = await countTriggers(db, true);
    return { view: { mode, idTypes: new Map(), settings: null }, triggers: watched > 0 };
  }
  const tables = await readTables(db);
  requireTables(tables);
  const settings = tables.find(({ table }) => table === 'settings')?.relation ?? null;
  const idTypes = new Map(tables.map(({ table, columns }) => [table, columns.get('id') ?? 'text']));
  // Four on each of the two consumer tables, one on settings.
  const triggers = (await countTriggers(db, false)) === 9;
  return { view: { mode, idTypes, settings }, triggers };
}

/** By the schema of their functions: names of one installation may begin like those of another. */
async function countTriggers(db: Database, watching: boolean): Promise<number> {
  const [row] = await db.rows(
    `SELECT count(*) FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace n ON n.oid = f.pronamespace
      WHERE n.nspname = $1 AND (t.tgname LIKE '%\\_watch') = $2 AND t.tgenabled IN ('O', 'A')`,
    [db.schema, watching],
  );
  return row?.[0] as number;
}
