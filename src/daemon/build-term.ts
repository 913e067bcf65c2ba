import { randomUUID } from 'node:crypto';
import type { DnsApi } from '../cloudflare/port.ts';
import type { Settings } from '../config/schema.ts';
import type { Clock, Random } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { rowKey } from '../dns/name.ts';
import type { ZonekeeperError } from '../errors.ts';
import type { Fence } from '../leadership/fence.ts';
import { Operations } from '../ledger/operations.ts';
import { PostgresLedger } from '../ledger/postgres.ts';
import { writeZones } from '../ledger/zones.ts';
import type { CoreObserver } from '../reconcile/observer.ts';
import type { Rules } from '../reconcile/rules.ts';
import { Term } from '../reconcile/term.ts';
import type { TermOptions } from '../reconcile/term-options.ts';
import type { ManagedZone } from '../reconcile/zone.ts';
import type { SourceFacts } from '../sources/postgres/prepare.ts';
import { PostgresSource } from '../sources/postgres/source.ts';

/** What a term is built from. */
export interface TermParts {
  readonly config: Settings;
  readonly rules: Rules;
  readonly db: Database;
  readonly facts: SourceFacts;
  readonly api: DnsApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly fence: Fence;
  readonly leadsForMs: () => number;
  readonly observer: CoreObserver;
  readonly onOperation: TermOptions['onOperation'];
  readonly onZones?: (zones: readonly ManagedZone[], gone: readonly ManagedZone[]) => void;
  readonly onError: (what: string, error: unknown) => void;
  readonly passive: boolean;
  readonly queueObserver?: TermOptions['queueObserver'];
  readonly poolObserver?: TermOptions['poolObserver'];
}

/** Without triggers, nothing but a full comparison finds a change: it is made this often. Milliseconds. */
const RESYNC_WITHOUT_TRIGGERS_MS = 10_000;

/** Builds the core for one epoch on the real ports. */
export function buildTerm(parts: TermParts): Term {
  const { config, db, facts, fence, clock, rules } = parts;
  const { view, triggers } = facts;
  const term: Term = new Term({
    ledger: new PostgresLedger(db, fence),
    source: new PostgresSource({ db, fence, view, triggers, keyOf: rowKey }),
    api: parts.api,
    operations: new Operations(db),
    fence,
    clock,
    random: parts.random,
    defer: (run) => void setImmediate(run),
    newId: () => randomUUID().replaceAll('-', ''),
    leadsForMs: parts.leadsForMs,
    rules,
    onlyZones: config.zones,
    deleteLimit: config.deleteGuard,
    concurrency: config.concurrency,
    passive: parts.passive,
    resyncMs: triggers ? config.resyncMs : Math.min(config.resyncMs, RESYNC_WITHOUT_TRIGGERS_MS),
    driftMinMs: config.driftCheckMinMs,
    driftMaxMs: config.driftCheckMaxMs,
    driftCallsPer5Min: () => config.driftShare * config.apiBudget,
    historyDays: config.historyDays,
    observer: parts.observer,
    ...(parts.queueObserver === undefined ? {} : { queueObserver: parts.queueObserver }),
    ...(parts.poolObserver === undefined ? {} : { poolObserver: parts.poolObserver }),
    onOperation: parts.onOperation,
    onZones: (zones, gone) => {
      parts.onZones?.(zones, gone);
      // Shown to people; a look that could not be written down is written with the next one.
      writeZones(
        db,
        zones.map((zone) => zoneRow(zone, term)),
        gone.map(({ zone }) => zone.id),
      ).catch((error: ZonekeeperError) => parts.onError('writing the zones', error));
    },
  });
  return term;
}

function zoneRow(zone: ManagedZone, term: Term) {
  const { failure } = zone;
  return {
    id: zone.zone.id,
    name: zone.name,
    records: zone.mirror.size,
    pages: zone.mirror.pages,
    batchLimit: zone.zone.batchLimit,
    lastCheck: zone.lastCheck,
    lastSuccess: zone.lastSuccess,
    intervalMs: term.checkIntervalMs,
    error: failure === null ? null : { code: failure.code, message: failure.message },
    held: term.guard.awaiting(zone.name),
  };
}
