import { LOG_LEVELS } from '../config/log-levels.ts';
import type { Clock } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import type { EventHub } from '../http/event-hub.ts';
import type { Check, Services } from '../http/services.ts';
import { leaderStatus } from '../leadership/leader.ts';
import { browseNames, countNames, readHistory, readNames } from '../ledger/browse.ts';
import { Operations } from '../ledger/operations.ts';
import { readZones } from '../ledger/zones.ts';
import type { Logger, LogLevel } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Rules } from '../reconcile/rules.ts';
import { Asking } from './asking.ts';
import { Fresh } from './fresh.ts';

/** How old the counts may be: with fifty pages open, a change counts the names once. Milliseconds. */
const SUMMARY_AGE_MS = 1_000;

export interface ServiceParts {
  readonly version: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly hub: EventHub;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** What the settings say. */
  readonly logLevel: LogLevel;
  readonly live: () => readonly Check[];
  readonly ready: () => readonly Check[];
}

/** What the routes ask for, answered from the database: any replica can. */
export function daemonServices(parts: ServiceParts): Services {
  const { version, db, clock, rules, hub, metrics, log, logLevel, live, ready } = parts;
  const operations = new Operations(db);
  const asking = new Asking(db, operations, clock);
  const summary = new Fresh(clock, SUMMARY_AGE_MS, () => countNames(db));
  return {
    version,
    operations: {
      ask: (kind, request, by) => asking.ask(kind, request, by),
      get: (id) => operations.get(id),
      list: (limit, before) => operations.list(limit, before),
      ended: (id, signal) => asking.ended(id, signal),
    },
    browse: (query) => browseNames(db, query),
    summary: () => summary.get(),
    name: async (fqdn) => (await readNames(db, [fqdn]))[0] ?? null,
    history: (fqdn, limit) => readHistory(db, fqdn, limit),
    resolve: rules.resolve,
    leader: () => leaderStatus(db),
    zones: () => readZones(db),
    events: hub,
    live,
    ready,
    log: {
      level: () => log.level as LogLevel,
      configured: logLevel,
      change: (level, actor) => {
        const less = LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(log.level as LogLevel);
        const say = () => log.info({ actor, log_level: level }, `logs from ${level} upwards from now on`);
        // While it is still heard, or as soon as it is.
        if (less) say();
        log.level = level;
        if (!less) say();
      },
    },
    metrics: () => metrics.scrape(),
  };
}
