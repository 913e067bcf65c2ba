import { z } from 'zod';
import { LOG_LEVELS } from '../config/log-levels.ts';
import { NAME_STATES } from '../dns/record.ts';

/** The shapes of the API, in the words of the glossary. `openapi.json` is made from these, and answers are held to them. */

const time = z.iso.datetime().meta({ description: 'UTC, RFC 3339.' });

export const stateSchema = z.enum(NAME_STATES).meta({ id: 'NameState' });

export const specSchema = z
  .object({
    type: z.string(),
    content: z.string(),
    ttl: z.int().meta({ description: 'Seconds; 1 is automatic.' }),
    proxied: z.boolean(),
  })
  .meta({ id: 'RecordSpec', description: 'What one record says.' });

export const consumerSchema = z
  .object({ kind: z.string(), id: z.string() })
  .meta({ id: 'Consumer', description: 'What needs the name.' });

const problemLine = z.object({ code: z.string(), message: z.string() });

export const reportChangeSchema = z
  .object({
    fqdn: z.string(),
    action: z.enum(['create', 'update', 'delete']),
    type: z.string(),
    before: specSchema.nullable(),
    after: specSchema.nullable(),
    reason: z.string(),
    result: z.enum(['planned', 'done', 'held', 'refused', 'unknown', 'deferred']),
    error: problemLine.nullable(),
  })
  .meta({ id: 'ReportChange' });

export const reportSchema = z
  .object({
    id: z.string(),
    dry_run: z.boolean(),
    started_at: time,
    finished_at: time,
    created: z.int(),
    updated: z.int(),
    deleted: z.int(),
    already_synced: z.int(),
    conflicts: z.int(),
    blocked: z.int(),
    failed: z.int(),
    changes: z.array(reportChangeSchema),
    changes_omitted: z.int().meta({ description: 'Changes beyond those listed; the history has them all.' }),
    problems: z.array(z.object({ fqdn: z.string(), state: z.string(), code: z.string(), reason: z.string() })),
    hash: z.string().meta({ description: 'Binds a confirmation to the deletions of this plan.' }),
    held: z.int().meta({ description: 'Changes that a guard or the policy holds.' }),
    release: z.string().nullable().meta({ description: 'The command that releases what the delete guard holds.' }),
  })
  .meta({ id: 'Report', description: 'Counts of changes: created, updated, deleted. Counts of names: the others.' });

export const operationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['sync', 'plan', 'delete', 'adopt']),
    state: z.enum(['queued', 'running', 'done', 'failed']),
    dry_run: z.boolean(),
    fqdns: z.array(z.string()).nullable(),
    requested_by: z.string(),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    progress: z.object({ phase: z.enum(['refreshing', 'changing']), done: z.int(), total: z.int() }).nullable(),
    report: reportSchema.partial({ changes: true }).nullable(),
    error: z
      .object({ code: z.string(), message: z.string(), facts: z.record(z.string(), z.unknown()).optional() })
      .nullable(),
  })
  .meta({ id: 'Operation' });

export const syncRequestSchema = z
  .strictObject({
    dry_run: z.boolean().default(false).meta({ description: 'Report what would be done, and do nothing.' }),
    fqdns: z.array(z.string().min(1).max(255)).min(1).max(10_000).optional().meta({ description: 'Only these names.' }),
    confirm: z.string().max(64).optional().meta({ description: 'The hash of the plan whose deletions may be made.' }),
  })
  .meta({ id: 'SyncRequest' });

export const nameSchema = z
  .object({
    fqdn: z
      .string()
      .meta({ description: 'Lower-case A-labels. For a consumer without a valid name, what stands in its row.' }),
    display_name: z.string().meta({ description: 'The same in Unicode.' }),
    mixed_script: z.boolean().meta({ description: 'A label mixes scripts: look twice.' }),
    zone: z.string().nullable(),
    state: stateSchema,
    code: z.string().nullable(),
    reason: z.string().nullable(),
    todo: z.string().nullable(),
    since: time.nullable().meta({ description: 'Since when the state holds, where it is not `in_sync`.' }),
    next_try: time.nullable(),
    desired: z.array(specSchema),
    actual: z.array(specSchema).meta({ description: 'What Cloudflare holds, as last seen.' }),
    tracked: z.array(specSchema.extend({ record_id: z.string(), zone_id: z.string() })),
    foreign: z
      .boolean()
      .meta({ description: 'In sync by a record that is not ours: it stays when the consumer goes.' }),
    adopted: z.boolean(),
    consumer: consumerSchema.nullable(),
    rivals: z
      .array(consumerSchema)
      .meta({ description: 'Consumers that want the name, too, and something else of it.' }),
    changed_at: time.nullable(),
  })
  .meta({ id: 'Name', description: 'A FQDN with its desired, tracked and actual records.' });

export const historySchema = z
  .object({
    id: z.int(),
    at: time,
    action: z.string(),
    type: z.string(),
    before: specSchema.nullable(),
    after: specSchema.nullable(),
    reason: z.string().nullable(),
    trigger: z.string(),
    operation_id: z.string().nullable(),
    actor: z.string().nullable(),
    result: z.string(),
    error: z.string().nullable(),
  })
  .meta({ id: 'HistoryEntry' });

export const statusSchema = z
  .object({
    version: z.string(),
    leader: z.object({
      holder: z.string().nullable(),
      address: z.string().nullable(),
      epoch: z.int(),
      alive: z.boolean(),
      renewed_ms_ago: z.number().nullable(),
    }),
    budget: z.object({ limit: z.int(), remaining: z.int(), gate_closed_for_ms: z.number() }).nullable(),
    queue: z.object({ waiting: z.int(), delayed: z.int(), processing: z.int() }).nullable(),
    source: z
      .object({ connected: z.boolean(), triggers: z.boolean(), view: z.string(), error: z.string().nullable() })
      .nullable(),
    settings: z.object({ dry_run: z.boolean(), policy: z.string() }),
    zones: z.array(
      z.object({
        name: z.string(),
        id: z.string(),
        records: z.int(),
        last_check: time.nullable(),
        last_success: time.nullable(),
        interval_ms: z.int().nullable(),
        error: problemLine.nullable(),
        held: z.int().meta({ description: 'Names that await a deletion.' }),
      }),
    ),
  })
  .meta({ id: 'Status' });

export const summarySchema = z
  .object({
    total: z.int(),
    states: z.record(stateSchema, z.int()).meta({ description: 'Names in each state.' }),
    oldest: time.nullable().meta({ description: 'Since when the name that is longest out of sync is.' }),
  })
  .meta({ id: 'Summary' });

/** Wall-clock milliseconds as the API writes them. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

export const logLevelSchema = z
  .object({
    level: z.enum(LOG_LEVELS),
    configured: z.enum(LOG_LEVELS).meta({ description: 'What the settings say, and what it begins with.' }),
  })
  .meta({ id: 'LogLevel', description: 'Least severity that is logged.' });
