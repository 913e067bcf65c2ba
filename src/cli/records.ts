import { rulesOf } from '../daemon/rules.ts';
import { Database } from '../database/database.ts';
import { displayName } from '../dns/name.ts';
import { NAME_STATES, type NameState } from '../dns/record.ts';
import { ZonekeeperError } from '../errors.ts';
import { type BrowsedName, browseNames, readHistory, readNames } from '../ledger/browse.ts';
import { requireSchema } from '../ledger/migrate.ts';
import type { Rules } from '../reconcile/rules.ts';
import { namesOf } from './ask-leader.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';
import { formatTable } from './table.ts';

/** Names read at once; the next portion is read when the last one is printed. */
const PORTION = 1_000;
const HISTORY = 50;

/** The names as the ledger has them. Asks the database alone: works without a daemon. */
export default async function records(context: CommandContext): Promise<number> {
  const config = await context.config('records');
  const rules = rulesOf(config);
  const db = new Database({
    url: config.databaseUrl,
    schema: config.schema,
    applicationName: 'zonekeeper-cli',
    connections: 2,
  });
  try {
    await requireSchema(db, config.schema);
    const [fqdn] = namesOf(context.positionals) ?? [];
    if (fqdn !== undefined) return await one(context, db, rules, fqdn);
    await all(context, db, rules);
    return EXIT.ok;
  } finally {
    await db.close();
  }
}

async function all(context: CommandContext, db: Database, rules: Rules): Promise<void> {
  const { flags, stdout, json } = context;
  const limit = limitOf(flags.text('limit'));
  const query = { states: statesOf(flags.text('state')), zone: flags.text('zone'), q: flags.text('search') };
  const rows: (string | null)[][] = [];
  let first = true;
  let printed = 0;
  if (json) stdout.write('[');
  for (let cursor: string | null = null; printed < limit; ) {
    const { names, next } = await browseNames(db, { ...query, cursor, limit: Math.min(PORTION, limit - printed) });
    for (const name of names) {
      if (json) stdout.write(`${first ? '' : ','}\n${JSON.stringify(jsonOf(name, rules))}`);
      else rows.push(rowOf(name, rules));
      first = false;
      printed += 1;
    }
    if (next === null) break;
    cursor = next;
  }
  if (json) stdout.write('\n]\n');
  else stdout.write(printed === 0 ? 'No names.\n' : formatTable({ width: stdout.width, columns: COLUMNS, rows }));
}

const COLUMNS = [
  { title: 'NAME', shrinks: true },
  { title: 'STATE' },
  { title: 'RECORD', shrinks: true },
  { title: 'CONSUMER' },
  { title: 'REASON', shrinks: true },
];

function rowOf(name: BrowsedName, rules: Rules): (string | null)[] {
  const shown = jsonOf(name, rules);
  const consumer = shown.consumer === null ? '' : `${shown.consumer.kind} ${shown.consumer.id}`;
  const content = shown.actual.length > 0 ? shown.actual : shown.desired;
  const record = content.map((spec) => `${spec.type} ${spec.content}${spec.proxied ? ' (proxied)' : ''}`).join(', ');
  return [displayName(shown.fqdn), shown.state, record, consumer, shown.reason];
}

function jsonOf({ facts, row }: BrowsedName, rules: Rules) {
  const desired = rules.resolve(facts.fqdn, facts.rows);
  return {
    fqdn: facts.fqdn,
    state: row?.state ?? 'in_sync',
    code: row?.code ?? null,
    reason: row?.reason ?? null,
    next_try: row?.nextTry == null ? null : new Date(row.nextTry).toISOString(),
    desired: desired?.records ?? [],
    actual:
      row?.actual ??
      (facts.tracked.length > 0
        ? facts.tracked.map(({ type, content, ttl, proxied }) => ({ type, content, ttl, proxied }))
        : (desired?.records ?? [])),
    consumer: desired?.consumer ?? facts.tracked[0]?.consumer ?? null,
    foreign: row === null && facts.tracked.length === 0,
  };
}

async function one(context: CommandContext, db: Database, rules: Rules, fqdn: string): Promise<number> {
  const { stdout, json } = context;
  const [name] = await readNames(db, [fqdn]);
  const history = await readHistory(db, fqdn, HISTORY);
  if (name === undefined && history.length === 0)
    throw new ZonekeeperError('not_found', `Nothing is known of ${fqdn}.`);
  if (json) {
    stdout.write(`${JSON.stringify({ ...(name === undefined ? { fqdn } : jsonOf(name, rules)), history })}\n`);
    return EXIT.ok;
  }
  if (name !== undefined)
    stdout.write(formatTable({ width: stdout.width, columns: COLUMNS, rows: [rowOf(name, rules)] }));
  stdout.write('\n');
  const rows = history.map(({ at, action, type, result, trigger, actor, reason, error }) => [
    new Date(at).toISOString(),
    action,
    type,
    result,
    actor ?? trigger,
    error ?? reason,
  ]);
  const columns = [
    { title: 'TIME' },
    { title: 'CHANGE' },
    { title: 'TYPE' },
    { title: 'RESULT' },
    { title: 'BY' },
    { title: 'WHY', shrinks: true },
  ];
  stdout.write(rows.length === 0 ? 'No history.\n' : formatTable({ width: stdout.width, columns, rows }));
  return EXIT.ok;
}

function statesOf(text: string | null): NameState[] {
  const states = (text ?? '')
    .split(',')
    .map((state) => state.trim())
    .filter((state) => state !== '');
  for (const state of states) {
    if ((NAME_STATES as readonly string[]).includes(state)) continue;
    throw new ZonekeeperError(
      'usage',
      `There is no state ${JSON.stringify(state)}; the states are ${NAME_STATES.join(', ')}.`,
      { facts: { command: 'records' } },
    );
  }
  return states as NameState[];
}

function limitOf(text: string | null): number {
  if (text === null) return Number.POSITIVE_INFINITY;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new ZonekeeperError('usage', `--limit takes a whole number above 0, not ${JSON.stringify(text)}.`, {
    facts: { command: 'records' },
  });
}
