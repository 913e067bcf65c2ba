import type { z } from 'zod';
import { displayName, mixedScript } from '../dns/name.ts';
import { NAME_STATES, type NameState, specOf } from '../dns/record.ts';
import { ERRORS } from '../errors.ts';
import type { BrowsedName, HistoryRow, NameCount } from '../ledger/browse.ts';
import type { Operation } from '../ledger/operations.ts';
import {
  type historySchema,
  isoTime,
  isoTimeOrNull,
  type nameSchema,
  type operationSchema,
  type reportSchema,
  type summarySchema,
} from './schemas.ts';
import type { Services } from './services.ts';

/** A name as the API shows it. */
export function nameView(name: BrowsedName, resolve: Services['resolve']): z.input<typeof nameSchema> {
  const { facts, row, changedAt, adopted } = name;
  const desired = resolve(facts.fqdn, facts.rows);
  const tracked = facts.tracked.map((record) => ({
    ...specOf(record),
    record_id: record.recordId,
    zone_id: record.zoneId,
  }));
  const state = row?.state ?? 'in_sync';
  // Without a row, all is as it should be: Cloudflare holds what is tracked, or a foreign record that says the same.
  const foreign = row === null && tracked.length === 0;
  const actual = row?.actual ?? (foreign ? (desired?.records ?? []) : facts.tracked.map(specOf));
  return {
    fqdn: facts.fqdn,
    display_name: displayName(facts.fqdn),
    mixed_script: mixedScript(facts.fqdn),
    zone: row?.zone ?? null,
    state,
    code: row?.code ?? null,
    reason: row?.reason ?? null,
    todo: todoOf(row?.code ?? null),
    since: isoTimeOrNull(row?.since ?? null),
    next_try: isoTimeOrNull(row?.nextTry ?? null),
    desired: desired?.records.map(specOf) ?? [],
    actual: [...actual],
    tracked,
    foreign,
    adopted,
    consumer: desired?.consumer ?? facts.tracked[0]?.consumer ?? row?.consumer ?? null,
    rivals: [...(desired?.rivals ?? [])],
    changed_at: isoTimeOrNull(changedAt),
  };
}

const todoOf = (code: string | null): string | null =>
  code !== null && code in ERRORS ? ERRORS[code as keyof typeof ERRORS].todo : null;

/** The counts of all zones together. */
export function summaryView(counts: readonly NameCount[]): z.input<typeof summarySchema> {
  const states = Object.fromEntries(NAME_STATES.map((state) => [state, 0])) as Record<NameState, number>;
  let oldest: number | null = null;
  for (const count of counts) {
    states[count.state] += count.names;
    if (count.oldest !== null) oldest = Math.min(oldest ?? count.oldest, count.oldest);
  }
  const total = Object.values(states).reduce((sum, names) => sum + names, 0);
  return { total, states, oldest: isoTimeOrNull(oldest) };
}

/** A line of history as the API shows it. */
export function historyView(row: HistoryRow): z.input<typeof historySchema> {
  const { operationId, at, ...rest } = row;
  return { ...rest, at: isoTime(at), operation_id: operationId };
}

/** An operation as the API shows it. */
export function operationView(operation: Operation): z.input<typeof operationSchema> {
  return {
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    dry_run: operation.request.dryRun || operation.kind === 'plan',
    fqdns: operation.request.fqdns === null ? null : [...operation.request.fqdns],
    requested_by: operation.requestedBy,
    created_at: isoTime(operation.createdAt),
    started_at: isoTimeOrNull(operation.startedAt),
    finished_at: isoTimeOrNull(operation.finishedAt),
    progress: operation.progress,
    report: operation.report === null ? null : reportView(operation),
    error: operation.error === null ? null : { ...operation.error, facts: { ...operation.error.facts } },
  };
}

/** The report of an operation that is done. */
export function reportView(operation: Operation): z.input<typeof reportSchema> {
  return {
    ...(operation.report as Omit<z.input<typeof reportSchema>, 'id' | 'dry_run' | 'started_at' | 'finished_at'>),
    id: operation.id,
    dry_run: operation.request.dryRun || operation.kind === 'plan',
    started_at: isoTime(operation.startedAt ?? operation.createdAt),
    finished_at: isoTime(operation.finishedAt ?? operation.createdAt),
  };
}
