import type { Clock } from '../controller/clock.ts';
import { PRIORITY } from '../controller/priority.ts';
import type { WorkQueue } from '../controller/queue.ts';
import { ZonekeeperError } from '../errors.ts';
import type { OperationProgress } from '../ledger/operations.ts';
import type { Refreshed, Source } from '../sources/port.ts';
import { type Assessment, assess, emptiedIn } from './assess.ts';
import { because, type Context, type Watcher } from './context.ts';
import { deletedIds, makePlan, type Plan } from './plan.ts';
import { type Report, ReportBuilder } from './report.ts';
import { type Findings, FindingsBuilder, type SurveyOptions, survey } from './survey.ts';

export interface SyncOptions extends SurveyOptions {
  readonly source: Source;
  /** Names that are not as they were when desired was last read: each refresh tells them once. */
  readonly onRefreshed: (found: Refreshed) => void;
  readonly queue: WorkQueue<string, Context>;
  readonly clock: Clock;
}

export interface SyncRequest {
  readonly operationId: string;
  readonly actor: string;
  readonly traceparent: string | null;
  /** Names; null for all. */
  readonly fqdns: readonly string[] | null;
  readonly dryRun: boolean;
  readonly confirm: string | null;
  /** Look at Cloudflare anew, instead of relying on the last look. */
  readonly refresh: boolean;
  /** Uses the confirmation up; false when it was used before. */
  readonly useConfirmation: (hash: string) => Promise<boolean>;
  readonly onProgress: (progress: OperationProgress) => void;
}

/** Names of a plan whose facts are read at once. */
const AT_ONCE = 1_000;
/** Lists under way at once. */
const LISTS_AT_ONCE = 4;
/** A sync that takes longer is reported as it stands: the names left go on by themselves. */
const SYNC_LIMIT_MS = 3_600_000;

/** One operation over all names, or those that are named: refresh, then reconcile all that differ. */
export async function sync(options: SyncOptions, request: SyncRequest): Promise<Report> {
  // What the refresh finds is told when our own names are on the queue: then it is the sync that repairs and reports them,
  // and names that it is not about are not forgotten.
  const found: (() => void)[] = [];
  const tell = () => {
    for (const one of found.splice(0)) one();
  };
  try {
    if (request.refresh) await refresh(options, request, found);
    return await compare(options, request, tell);
  } finally {
    tell();
  }
}

async function compare(options: SyncOptions, request: SyncRequest, onQueued: () => void): Promise<Report> {
  const findings = await find(options, request.fqdns);
  const plan = await makePlan(options.guard, findings);
  if (request.dryRun || request.confirm !== null) await forgetOutdated(options, plan);
  if (request.confirm !== null) await confirm(options, request, request.confirm, plan);
  const report = new ReportBuilder();
  if (request.dryRun) {
    report.plan(plan);
    return report.build(plan.hash);
  }
  report.synced(findings.settled);
  for (const { fqdn, state, problem } of findings.standing)
    report.name(fqdn, { state, problem, changes: [], refusal: null });
  await reconcileAll(options, request, findings.differing, report, onQueued);
  return report.build(plan.hash);
}

/** Reads desired and actual anew. What one zone refuses stays as last seen: its names are reported as failed. */
async function refresh(
  { source, zones, onRefreshed }: SyncOptions,
  { fqdns, onProgress }: SyncRequest,
  found: (() => void)[],
): Promise<void> {
  const read = await source.refresh('everything');
  found.push(() => onRefreshed(read));
  const concerned =
    fqdns === null ? zones.all : [...new Set(fqdns.map((fqdn) => zones.of(fqdn)).filter((zone) => zone !== undefined))];
  let done = 0;
  onProgress({ phase: 'refreshing', done, total: concerned.length });
  const waiting = [...concerned];
  const lists = Array.from({ length: LISTS_AT_ONCE }, async () => {
    for (let zone = waiting.shift(); zone !== undefined; zone = waiting.shift()) {
      // The zone keeps the error, and its names show it.
      await zone.list({ priority: 3 }, (tell) => found.push(tell)).catch(() => undefined);
      done += 1;
      onProgress({ phase: 'refreshing', done, total: concerned.length });
    }
  });
  await Promise.all(lists);
}

async function find(options: SyncOptions, fqdns: readonly string[] | null): Promise<Findings> {
  if (fqdns === null) return survey(options, null);
  const facts = await options.ledger.facts(fqdns);
  const findings = new FindingsBuilder();
  for (const one of facts.values()) findings.add(assess(one, options.zones, options.rules));
  return findings.build(options.guard);
}

/**
 * Nobody looks at the names of a dry run, nor at those of a plan that was not the confirmed one. Those whose deletion was made
 * while they were read, or that are wanted again, would be expected by the guard for good, and others held for their sake.
 */
async function forgetOutdated({ ledger, zones, rules, guard }: SyncOptions, { changes }: Plan): Promise<void> {
  const deletions = changes.filter(({ change }) => change.action === 'delete' && !change.replaced);
  for (let from = 0; from < deletions.length; from += AT_ONCE) {
    const some = deletions.slice(from, from + AT_ONCE);
    const facts = await ledger.facts([...new Set(some.map(({ change }) => change.fqdn))]);
    for (const { change, zone } of some) {
      const now = facts.get(change.fqdn);
      if (now !== undefined && !emptiedIn(assess(now, zones, rules)).includes(zone)) guard.settled(zone, change.fqdn);
    }
  }
}

async function confirm({ guard }: SyncOptions, request: SyncRequest, hash: string, plan: Plan): Promise<void> {
  if (hash !== plan.hash) {
    throw new ZonekeeperError('plan_changed', `The plan now has the hash ${plan.hash}, not ${hash}.`, {
      facts: { hash: plan.hash },
    });
  }
  const released = deletedIds(plan);
  // All plans that delete nothing have the same hash: there is nothing to use up.
  if (request.dryRun || released.length === 0) return;
  if (!(await request.useConfirmation(hash))) {
    throw new ZonekeeperError('plan_changed', `The plan ${hash} was confirmed before.`, { facts: { hash: plan.hash } });
  }
  guard.release(released);
}

/** Queues the names and waits until each has been looked at once. */
async function reconcileAll(
  options: SyncOptions,
  request: SyncRequest,
  differing: readonly Assessment[],
  report: ReportBuilder,
  onQueued: () => void,
): Promise<void> {
  const { queue, clock } = options;
  const open = new Set(differing.map(({ facts }) => facts.fqdn));
  const total = open.size;
  if (total === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher: Watcher = {
    settled: (fqdn, outcome) => {
      if (!open.delete(fqdn)) return;
      report.name(fqdn, outcome);
      if (open.size % 100 === 0) request.onProgress({ phase: 'changing', done: total - open.size, total });
      if (open.size === 0) resolve();
    },
  };
  const context: Context = {
    ...because('sync', clock.wall()),
    operationId: request.operationId,
    confirmed: request.confirm !== null,
    actor: request.actor,
    traceparent: request.traceparent,
    watchers: [watcher],
  };
  request.onProgress({ phase: 'changing', done: 0, total });
  for (const fqdn of [...open]) {
    if (queue.add(fqdn, { priority: PRIORITY.person, context })) continue;
    const problem = {
      code: 'too_many_requests',
      message: 'The work queue is full; the name is looked at later.',
    } as const;
    watcher.settled(fqdn, { state: 'failed', problem, changes: [], refusal: null });
  }
  onQueued();
  const timer = clock.after(SYNC_LIMIT_MS, resolve);
  await promise;
  timer.cancel();
  for (const fqdn of open) {
    report.name(fqdn, {
      state: 'failed',
      problem: { code: 'timeout', message: 'Not finished within an hour; it goes on.' },
      refusal: null,
      changes: [],
    });
  }
}

/** Carries out a person's order for one name, and tells what became of it. */
export function carryOut(
  options: Pick<SyncOptions, 'queue' | 'clock'>,
  fqdn: string,
  order: { kind: 'delete' | 'adopt'; force: boolean; operationId: string; actor: string; traceparent: string | null },
): Promise<Report> {
  const { promise, resolve, reject } = Promise.withResolvers<Report>();
  const report = new ReportBuilder();
  const watcher: Watcher = {
    settled: (name, outcome) => {
      report.name(name, outcome);
      if (outcome.refusal === null) resolve(report.build(''));
      else reject(new ZonekeeperError(outcome.refusal.code, outcome.refusal.message));
    },
  };
  const context: Context = {
    ...because(order.kind, options.clock.wall()),
    operationId: order.operationId,
    actor: order.actor,
    traceparent: order.traceparent,
    watchers: [watcher],
    order: { kind: order.kind, force: order.force },
  };
  if (!options.queue.add(fqdn, { priority: PRIORITY.person, context })) {
    reject(new ZonekeeperError('too_many_requests', 'The work queue is full.', { retryAfterMs: 5_000 }));
  }
  return promise;
}
