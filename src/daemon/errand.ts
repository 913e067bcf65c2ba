import { userInfo } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock, Random } from '../controller/clock.ts';
import { Database } from '../database/database.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import { Fence } from '../leadership/fence.ts';
import { Election, leaderStatus } from '../leadership/leader.ts';
import { requireSchema } from '../ledger/migrate.ts';
import {
  type Operation,
  type OperationKind,
  type OperationProgress,
  type OperationRequest,
  Operations,
} from '../ledger/operations.ts';
import { Metrics } from '../observability/metrics.ts';
import type { Term } from '../reconcile/term.ts';
import { inspectConsumers } from '../sources/postgres/prepare.ts';
import { Announcer } from './announcer.ts';
import { Asking, newOperationId } from './asking.ts';
import { buildTerm } from './build-term.ts';
import { Cloudflare } from './cloudflare.ts';
import { reporting } from './reporting.ts';
import { rulesOf } from './rules.ts';

export interface ErrandOptions {
  readonly config: Config<'sync'>;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly onProgress: (progress: OperationProgress) => void;
  /** Told who does it: the address of the leader, or null when this process does. */
  readonly onWho: (leader: string | null) => void;
}

const PROGRESS_EVERY_MS = 500;
const ELECTION_MS = 15_000;

/**
 * What a command asks for: through the leader where there is one, otherwise by leading for as long as it takes. Either
 * way the same row, the same path, the same report. Throws what the operation failed with.
 */
export async function errand(
  options: ErrandOptions,
  kind: OperationKind,
  request: OperationRequest,
): Promise<Operation> {
  const { config, clock, log } = options;
  const db = new Database({
    url: config.databaseUrl,
    schema: config.schema,
    applicationName: 'zonekeeper-cli',
    connections: 4,
    onIdleError: (error) => log.debug({ err: error }, 'an idle database connection ended'),
  });
  try {
    await requireSchema(db, config.schema);
    const { alive, address } = await leaderStatus(db);
    if (alive) {
      options.onWho(address);
      return await ask(options, db, kind, request);
    }
    options.onWho(null);
    // Alone, nothing has been looked at yet: a plan is a sync that changes nothing.
    const own = kind === 'plan' ? 'sync' : kind;
    return await leadFor(options, db, () => ask(options, db, own, request), request.dryRun);
  } finally {
    await db.close();
  }

  async function ask(
    parts: ErrandOptions,
    database: Database,
    what: OperationKind,
    asked: OperationRequest,
  ): Promise<Operation> {
    const operations = new Operations(database);
    const asking = new Asking(database, operations, clock);
    const { id } = await operations.ask(newOperationId(), what, asked, actor());
    const watching = watch(parts, operations, id);
    try {
      const ended = await asking.ended(id);
      if (ended.error !== null)
        throw new ZonekeeperError(ended.error.code as ZonekeeperError['code'], ended.error.message, {
          facts: ended.error.facts ?? {},
        });
      return ended;
    } finally {
      watching.stop();
    }
  }
}

/** Who asked, for operations and history. */
function actor(): string {
  return `${userInfo().username} (command line)`;
}

function watch({ clock, onProgress }: ErrandOptions, operations: Operations, id: string): { stop(): void } {
  let stopped = false;
  const look = () => {
    if (stopped) return;
    operations.get(id).then(
      (operation) => {
        if (stopped) return;
        if (operation?.progress != null) onProgress(operation.progress);
        clock.after(PROGRESS_EVERY_MS, look);
      },
      // Whoever waits for the end is told of the same error.
      () => undefined,
    );
  };
  clock.after(PROGRESS_EVERY_MS, look);
  return {
    stop: () => {
      stopped = true;
    },
  };
}

async function leadFor<T>(options: ErrandOptions, db: Database, work: () => Promise<T>, dryRun: boolean): Promise<T> {
  const { config, clock, random, log, version } = options;
  if (config.cloudflareApiToken === null) {
    const problem = 'CLOUDFLARE_API_TOKEN is needed, because no daemon runs that would do it.';
    throw new ZonekeeperError('config_invalid', problem, { facts: { problems: [problem] } });
  }
  const metrics = new Metrics({ build: { version, node_version: process.version }, runtime: false });
  const rules = { ...rulesOf(config), dryRun: config.dryRun || dryRun };
  const facts = await inspectConsumers(db);
  const elected = Promise.withResolvers<number>();
  const holder = `cli-${newOperationId()}`;
  const election = new Election({
    db,
    clock,
    random,
    holder,
    address: () => 'command line',
    info: () => ({ settings: { dry_run: config.dryRun, policy: config.policy } }),
    events: {
      onElected: elected.resolve,
      onLost: (reason) => log.warn(reason),
      onError: elected.reject,
    },
  });
  const announcer = new Announcer(db, clock, (error) => log.debug({ err: error }, 'could not announce'));
  let term: Term | null = null;
  let cloudflare: Cloudflare | null = null;
  const timer = clock.after(ELECTION_MS, () =>
    elected.reject(new ZonekeeperError('no_leader', 'Another process began to lead at the same moment; try again.')),
  );
  try {
    election.start();
    const fence = new Fence(await elected.promise, holder);
    cloudflare = new Cloudflare({ config, db, fence, clock, metrics, log });
    await cloudflare.start();
    const observed = reporting({ metrics, log, clock, announcer, events: null, tracing: null });
    const failed = Promise.withResolvers<never>();
    term = buildTerm({
      config,
      rules,
      db,
      facts,
      clock,
      random,
      fence,
      api: cloudflare.api,
      passive: true,
      leadsForMs: () => election.remainingMs(),
      // A daemon tries again for ever; somebody at a terminal wants to know.
      observer: {
        ...observed,
        failed: (what, error) =>
          what === 'listing zones' || what === 'reading changes' ? failed.reject(error) : observed.failed(what, error),
      },
      onOperation: () => undefined,
      onError: (what, error) => log.debug({ err: error }, what),
    });
    term.start();
    return await Promise.race([work(), failed.promise]);
  } catch (error) {
    throw toError(error);
  } finally {
    timer.cancel();
    await term?.stop(config.shutdownGraceMs);
    announcer.stop();
    await election.stop();
    cloudflare?.stop();
  }
}
