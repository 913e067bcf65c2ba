import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock, Random } from '../controller/clock.ts';
import { withTimeout } from '../controller/deadline.ts';
import { connectionConfig, Database, type DatabaseOptions } from '../database/database.ts';
import { ZonekeeperError } from '../errors.ts';
import { buildApp } from '../http/app.ts';
import { EventHub } from '../http/event-hub.ts';
import { Election, type ElectionOptions } from '../leadership/leader.ts';
import { type Leadership, LeaseLeadership } from '../leadership/leadership.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import { Warnings } from '../observability/warnings.ts';
import type { Rules } from '../reconcile/rules.ts';
import { Listener } from '../sources/postgres/listener.ts';
import { Announcer } from './announcer.ts';
import type { Cluster } from './cluster.ts';
import { leaderInfo } from './leader-info.ts';
import { tokenRefused } from './reporting.ts';
import { rulesOf } from './rules.ts';
import { Scraper } from './scrape.ts';
import { Secrets } from './secrets.ts';
import { daemonServices } from './services.ts';
import { Terms } from './terms.ts';

export interface DaemonOptions {
  readonly config: Config<'run'>;
  readonly version: string;
  /** Unique to this process. */
  readonly instance: string;
  /** Null where nothing of Kubernetes is used. */
  readonly cluster: Cluster | null;
  /** Null where nobody traces. */
  readonly tracing: Tracing | null;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  /** A secret was read anew from its file: to be hidden from now on, too. */
  readonly onSecret?: (value: string) => void;
}

/** The page: beside the bundle, or where `npm run build:web` puts it in a checkout. */
const SITE = ['./web', '../../dist/web']
  .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
  .find((folder) => existsSync(folder));

/** One for each try, and one for what an earlier try has left behind. Nobody waits longer for the answer. */
const ELECTION_CONNECTIONS = { connections: 2, statementTimeoutMs: 10_000 };

/**
 * One process. It listens to PostgreSQL, stands for election, serves HTTP, and has a term of {@link Terms} while it leads.
 *
 *     start(): database checked ─▶ HTTP ─▶ LISTEN, election ─┬─ elected ─▶ Terms.begin()
 *                                                            └─ lost ────▶ Terms.end()
 *     stop():  not ready ─▶ term ends its writes ─▶ leadership given back ─▶ streams, HTTP, connections closed
 */
export class Daemon {
  readonly #options: DaemonOptions;
  /** The settings, with the API's token and the database's URL as they were last read. */
  #config: Config<'run'>;
  readonly #secrets: Secrets;
  readonly #rules: Rules;
  readonly #warnings: Warnings;
  readonly #db: Database;
  /** The election's own connections: a renewal must not queue behind the work of thousands of names. */
  readonly #electionDb: Database;
  readonly #hub = new EventHub();
  readonly #announcer: Announcer;
  readonly #listener: Listener;
  readonly #election: Leadership;
  readonly #terms: Terms;
  readonly #scraper: Scraper;
  readonly #app: ReturnType<typeof buildApp>;
  #stopping = false;
  #address = '';

  constructor(options: DaemonOptions) {
    const { config, log, clock, random, metrics } = options;
    this.#options = options;
    this.#config = config;
    this.#rules = rulesOf(config);
    const warnings = new Warnings({ log, clock });
    this.#warnings = warnings;
    const database: DatabaseOptions = {
      url: config.databaseUrl,
      schema: config.schema,
      applicationName: 'zonekeeper',
      onIdleError: (error) => log.debug({ err: error }, 'an idle database connection ended'),
      onStatement: (ms) => metrics.postgresDuration.observe({}, ms / 1_000),
    };
    this.#db = new Database(database);
    this.#electionDb = new Database({ ...database, ...ELECTION_CONNECTIONS });
    this.#announcer = new Announcer(this.#db, clock, (error) => log.debug({ err: error }, 'could not announce'));
    this.#scraper = new Scraper(metrics, this.#db, clock);
    metrics.onScrape(() =>
      this.#scraper.scrape(() => this.#terms.present, {
        budget: { limit: config.apiBudget, remaining: this.#terms.cloudflare?.budget.remaining() ?? null },
        connected: this.#listener.connected,
      }),
    );
    this.#listener = new Listener({
      connection: () =>
        connectionConfig({ ...database, url: this.#config.databaseUrl, applicationName: 'zonekeeper-listen' }),
      channels: ['changes', 'operations', 'events', 'leader'].map((name) => this.#db.channel(name)),
      heartbeatChannel: this.#db.channel('heartbeat'),
      clock,
      random,
      events: {
        onConnected: () => {
          warnings.over('listening');
          log.info('listening to PostgreSQL');
          this.#terms.present?.readEverything();
        },
        onLost: (error) => warnings.failed('listening', error, `not listening to PostgreSQL: ${error.message}`),
        onNotification: (channel, payload) => this.#notified(channel, payload),
      },
    });
    const election: ElectionOptions = {
      db: this.#electionDb,
      holder: options.instance,
      address: () => this.#address,
      clock,
      random,
      info: () =>
        leaderInfo({
          config,
          term: this.#terms.present,
          cloudflare: this.#terms.cloudflare,
          facts: this.#terms.facts,
          listening: this.#listener.connected,
        }),
      events: {
        onElected: (epoch) => this.#terms.begin(epoch),
        onLost: (reason) => {
          // A term that could not begin has said why itself.
          if (this.#terms.present !== null) log.warn(`leads no more: ${reason}`);
          this.#terms.end();
        },
        onError: (error) => warnings.failed('election', error, `leader election: ${error.message}`),
      },
    };
    const leases = options.cluster?.leases ?? null;
    this.#election = leases === null ? new Election(election) : new LeaseLeadership({ ...election, store: leases });
    this.#terms = new Terms({
      config,
      instance: options.instance,
      leadership: this.#election,
      db: this.#db,
      rules: this.#rules,
      announcer: this.#announcer,
      events: options.cluster?.events ?? null,
      tracing: options.tracing,
      log,
      warnings,
      metrics,
      clock,
      random,
    });
    this.#secrets = new Secrets({
      files: config.secretFiles,
      clock,
      random,
      log,
      onSecret: (value) => options.onSecret?.(value),
      use: {
        apiToken: async (value) => this.#keep({ apiToken: value }),
        cloudflareApiToken: (value) => this.#terms.changeToken(value),
        databaseUrl: async (value) => {
          await this.#electionDb.moveTo(value);
          await this.#db.moveTo(value);
          this.#keep({ databaseUrl: value });
          // Whatever was notified in between is read when it listens again.
          this.#listener.reconnect();
        },
      },
      onRefused: (key, error) => {
        if (key === 'cloudflareApiToken') options.cluster?.events?.record(tokenRefused(error.message));
      },
    });
    this.#app = buildApp({
      logger: log,
      onFailed: (error, reqId) => warnings.failed('request', error, error.message, { reqId }),
      tracer: options.tracing,
      site: SITE ?? null,
      access: {
        token: () => this.#config.apiToken,
        review: options.cluster?.review ?? null,
        anonymousRead: config.allowAnonymous === 'read',
        hosts: config.hosts ?? [],
      },
      services: daemonServices({
        version: options.version,
        db: this.#db,
        clock,
        rules: this.#rules,
        hub: this.#hub,
        metrics,
        log,
        logLevel: config.logLevel,
        live: () => [{ name: 'ping', problem: null }],
        ready: () => this.#checks(),
      }),
    });
  }

  /** The address that HTTP is served at, e.g. `http://127.0.0.1:8080`. */
  get address(): string {
    return this.#address;
  }

  get leading(): boolean {
    return this.#terms.present !== null;
  }

  get ready(): boolean {
    return this.#checks().every(({ problem }) => problem === null);
  }

  /** Throws when the database cannot be used as it is, or the address is taken. Resolves as soon as HTTP is served. */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    const { triggers } = await this.#terms.inspect();
    if (!triggers)
      log.warn('without triggers on the consumer tables: changes are found by comparing everything every few seconds');
    const { host, port } = config.listen;
    try {
      this.#address = await this.#app.listen({ host, port });
    } catch (error) {
      throw new ZonekeeperError('config_invalid', `Cannot listen on ${host}:${port}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    log.info({ address: this.#address }, `serving ${this.#address}`);
    await this.#secrets.start();
    this.#listener.start();
    this.#election.start();
  }

  #keep(secret: Partial<Config<'run'>>): void {
    this.#config = { ...this.#config, ...secret };
  }

  /** Ends in order, and within the grace period: what has not ended by then is not waited for. Nothing that was begun is lost. */
  async stop(): Promise<void> {
    const { config, log, clock } = this.#options;
    if (this.#stopping) return;
    this.#stopping = true;
    log.info('stopping');
    const began = clock.now();
    // Behind a broken way or a lock of somebody's, a statement under way would be waited for long after the grace period.
    const by = async (share: number, what: string, step: () => Promise<unknown>) => {
      const leftMs = Math.max(0, config.shutdownGraceMs * share - (clock.now() - began));
      await withTimeout(clock, leftMs, step).catch((error) => log.warn({ err: error }, `${what} did not end`));
    };
    const ended = this.#terms.stop();
    await by(GRACE_FOR_WORK, 'the work', () => ended);
    await by(GRACE_FOR_LEADERSHIP, 'the leadership', () => this.#election.stop());
    this.#announcer.stop();
    this.#hub.close();
    this.#secrets.close();
    this.#options.cluster?.events?.stop();
    await by(1, 'the traces', async () => this.#options.tracing?.stop());
    await by(1, 'listening and serving', () => Promise.all([this.#listener.stop(), this.#app.close()]));
    await by(1, 'the database connections', () => Promise.all([this.#db.close(), this.#electionDb.close()]));
    this.#warnings.flush();
    log.info({ grace_ms: config.shutdownGraceMs }, 'stopped');
  }

  #notified(channel: string, payload: string): void {
    if (channel === this.#db.channel('changes')) this.#terms.present?.changesNoted();
    else if (channel === this.#db.channel('operations')) this.#terms.present?.operationAsked();
    else if (channel === this.#db.channel('events')) this.#hub.announce(payload);
    else if (channel === this.#db.channel('leader') && !this.#stopping) this.#election.poke();
  }

  #checks(): { name: string; problem: string | null }[] {
    const term = this.#terms.present;
    const cloudflare =
      term === null ? null : (term.failure?.message ?? (term.ready ? null : 'the zones have not been seen yet'));
    return [
      { name: 'shutdown', problem: this.#stopping ? 'the process is stopping' : null },
      { name: 'schema', problem: this.#terms.misfit },
      { name: 'postgres-listen', problem: this.#listener.connected ? null : 'not connected' },
      { name: 'leader', problem: this.#election.settled ? null : 'not known yet' },
      { name: 'cloudflare', problem: cloudflare },
    ];
  }
}

/** Share of the grace period: by then, whatever else the work has to end is not waited for. */
const GRACE_FOR_WORK = 0.8;
/** By then, the leadership is given back; the rest is for closing connections. */
const GRACE_FOR_LEADERSHIP = 0.95;
