import { Database } from '../database/database.ts';
import { migrateSchema, requireSchema, requireUtf8, schemaStatus } from '../ledger/migrate.ts';
import { prepareConsumers } from '../sources/postgres/prepare.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';

/** Prepares the database: our tables, the view, the triggers. */
export default async function migrate(context: CommandContext): Promise<number> {
  const config = await context.config('migrate');
  const { stdout, json } = context;
  const db = new Database({
    url: config.databaseUrl,
    schema: config.schema,
    applicationName: 'zonekeeper-migrate',
    connections: 2,
    // A large table takes its time to get an index.
    statementTimeoutMs: 600_000,
  });
  try {
    if (context.flags.on('check')) {
      await requireUtf8(db);
      const { current, known, pending } = await schemaStatus(db);
      if (current > known) await requireSchema(db, config.schema);
      const files = pending.map(({ name }) => name);
      const text = files.length === 0 ? 'Nothing to do.' : `To be applied: ${files.join(', ')}.`;
      stdout.write(
        json
          ? `${JSON.stringify({ current, known, pending: files })}\n`
          : `Schema ${config.schema}: version ${current} of ${known}. ${text}\n`,
      );
      return files.length === 0 ? EXIT.ok : EXIT.pending;
    }
    const applied = (await migrateSchema(db)).map(({ name }) => name);
    const { current, known } = await schemaStatus(db);
    if (current > known) {
      // View and triggers are those of the newer version, too: they stay.
      stdout.write(
        json
          ? `${JSON.stringify({ applied, current, known })}\n`
          : `Schema ${config.schema} is at version ${current}, as a newer Zonekeeper left it. This one (${known}) works on it: nothing to do.\n`,
      );
      return EXIT.ok;
    }
    const { created, view, withoutTriggers, recordsView } = await prepareConsumers(db);
    if (json) {
      stdout.write(
        `${JSON.stringify({ applied, created_tables: created, view, triggers: withoutTriggers === null, reason: withoutTriggers })}\n`,
      );
      return EXIT.ok;
    }
    stdout.write(
      applied.length === 0
        ? `Schema ${config.schema} is up to date.\n`
        : `Applied ${applied.join(', ')} to schema ${config.schema}.\n`,
    );
    if (created.length > 0) stdout.write(`Created ${created.join(', ')}.\n`);
    stdout.write(
      view === 'custom'
        ? `The view ${config.schema}.desired is yours and was left as it is.\n`
        : `The view ${config.schema}.desired says which records should exist.\n`,
    );
    if (recordsView) stdout.write(`The view dns_records shows what is tracked.\n`);
    if (withoutTriggers !== null)
      stdout.write(
        `No triggers could be installed (${withoutTriggers}): changes are found by comparing everything every few seconds.\n`,
      );
    return EXIT.ok;
  } finally {
    await db.close();
  }
}
