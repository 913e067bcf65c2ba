import type { Database, Queryable } from '../../database/database.ts';
import { isError } from '../../errors.ts';
import { quote, type TableFacts } from './tables.ts';
import { KINDS } from './view.ts';

/**
 * The triggers that write the change feed. They run inside of the user's own transactions, so they do little and can do
 * no harm: ids only, statement-level (one run for 50,000 rows), one row "everything" above {@link MANY}, and an error
 * of ours becomes a warning. They run with our rights, so the user's roles need none on our schema.
 */

/** Above this number of rows in one statement, the change is noted as "everything". */
export const MANY = 5_000;

/** The columns that the generated view reads; a change of any other column is none of our business. */
const WATCHED = [
  'id',
  'subdomain',
  'domain',
  'status',
  'npm_proxy_id',
  'record_type',
  'target',
  'ttl',
  'proxied',
  'created_at',
];

const EVENTS = [
  { event: 'INSERT', tables: 'REFERENCING NEW TABLE AS new_rows' },
  { event: 'UPDATE', tables: 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' },
  { event: 'DELETE', tables: 'REFERENCING OLD TABLE AS old_rows' },
] as const;

/** The function and triggers of one consumer table. */
export function triggerStatements(facts: TableFacts, kind: string): string[] {
  const name = `note_${facts.table}`;
  const columns = WATCHED.filter((column) => facts.columns.has(column))
    .map((column) => `${quote(column)}::text`)
    .join(', ');
  const relation = facts.relation ?? '';
  const statements = [
    `CREATE OR REPLACE FUNCTION @.${name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
     SET search_path = pg_catalog, pg_temp AS $$
     DECLARE noted bigint := 0;
     BEGIN
       IF TG_OP = 'TRUNCATE' THEN
         noted := ${MANY + 1};
       ELSIF TG_OP = 'INSERT' THEN
         SELECT count(*) INTO noted FROM (SELECT FROM new_rows LIMIT ${MANY + 1}) few;
         IF noted <= ${MANY} THEN
           INSERT INTO @.changes (kind, consumer_id) SELECT DISTINCT '${kind}', id::text FROM new_rows;
         END IF;
       ELSIF TG_OP = 'DELETE' THEN
         SELECT count(*) INTO noted FROM (SELECT FROM old_rows LIMIT ${MANY + 1}) few;
         IF noted <= ${MANY} THEN
           INSERT INTO @.changes (kind, consumer_id) SELECT DISTINCT '${kind}', id::text FROM old_rows;
         END IF;
       ELSE
         SELECT count(*) INTO noted FROM (SELECT FROM new_rows LIMIT ${MANY + 1}) few;
         IF noted <= ${MANY} THEN
           INSERT INTO @.changes (kind, consumer_id)
           SELECT DISTINCT '${kind}', changed.id FROM (
             (SELECT ${columns} FROM new_rows EXCEPT ALL SELECT ${columns} FROM old_rows) UNION ALL
             (SELECT ${columns} FROM old_rows EXCEPT ALL SELECT ${columns} FROM new_rows)) changed;
           GET DIAGNOSTICS noted = ROW_COUNT;
         END IF;
       END IF;
       IF noted > ${MANY} THEN
         INSERT INTO @.changes (kind, consumer_id) VALUES ('${kind}', NULL);
       END IF;
       IF noted > 0 THEN
         PERFORM pg_notify('@channel@_changes', '');
       END IF;
       RETURN NULL;
     EXCEPTION WHEN OTHERS THEN
       RAISE WARNING 'zonekeeper: a change of % was not noted: %', TG_TABLE_NAME, SQLERRM;
       RETURN NULL;
     END $$`,
  ];
  for (const { event, tables } of EVENTS) {
    const trigger = triggerName(event);
    statements.push(
      `DROP TRIGGER IF EXISTS ${trigger} ON ${relation}`,
      `CREATE TRIGGER ${trigger} AFTER ${event} ON ${relation} ${tables} FOR EACH STATEMENT EXECUTE FUNCTION @.${name}()`,
    );
  }
  statements.push(...everythingTrigger(relation, 'TRUNCATE'));
  return statements;
}

/** For `settings`, where any change of its one row concerns every consumer. */
export function everythingTrigger(relation: string, events: string): string[] {
  const trigger = triggerName('everything');
  return [
    `DROP TRIGGER IF EXISTS ${trigger} ON ${relation}`,
    `CREATE TRIGGER ${trigger} AFTER ${events} ON ${relation} FOR EACH STATEMENT EXECUTE FUNCTION @.note_everything()`,
  ];
}

// The schema is part of the name: several installations watch the same tables.
function triggerName(event: string): string {
  return `"zonekeeper_@channel@_${event.toLowerCase()}"`;
}

/** Installs all triggers, in one transaction. Throws what PostgreSQL says. */
export async function installTriggers(db: Queryable, tables: readonly TableFacts[]): Promise<void> {
  for (const facts of tables) {
    if (facts.relation === null) continue;
    const kind = KINDS.find(({ table }) => table === facts.table)?.kind;
    const statements =
      kind === undefined
        ? everythingTrigger(facts.relation, 'INSERT OR UPDATE OR DELETE OR TRUNCATE')
        : triggerStatements(facts, kind);
    for (const statement of statements) await db.rows(statement);
  }
}

/**
 * Installs the triggers if the role may. Returns null when it could, otherwise the reason: the periodic resync then does
 * the work alone.
 */
export async function tryInstallTriggers(db: Database, tables: readonly TableFacts[]): Promise<string | null> {
  const views = tables.filter((facts) => facts.relation !== null && !facts.isTable).map((facts) => facts.table);
  if (views.length > 0) return `${views.join(', ')}: not a table`;
  try {
    await db.transaction((tx) => installTriggers(tx, tables));
    return null;
  } catch (error) {
    if (isError(error, 'database_permission')) return error.message;
    throw error;
  }
}
