import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { SettingKey } from '../config/schema.ts';
import { type SecretWatch, watchSecrets } from '../config/watch-secrets.ts';
import type { Clock, Random } from '../controller/clock.ts';
import { connectionConfig, Database, type DatabaseOptions } from '../database/database.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import { buildApp } from '../http/app.ts';
import { EventHub } from '../http/event-hub.ts';
import { Fence } from '../leadership/fence.ts';
import { Election } from '../leadership/leader.ts';
import { requireSchema } from '../ledger/migrate.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Rules } from '../reconcile/rules.ts';
import type { Term } from '../reconcile/term.ts';
import { Listener } from '../sources/postgres/listener.ts';
import { inspectConsumers, type SourceFacts } from '../sources/postgres/prepare.ts';
import { Announcer } from './announcer.ts';
import { buildTerm } from './build-term.ts';
import { Cloudflare } from './cloudflare.ts';
import { leaderInfo } from './leader-info.ts';
import { reporting } from './reporting.ts';
import { rulesOf } from './rules.ts';
import { Scraper } from './scrape.ts';
import { daemonServices } from './services.ts';

export interface DaemonOptions {
  readonly config: Config<'run'>;
  readonly version: string;
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

/**
 * One process. It listens to PostgreSQL, stands for election, serves HTTP, and runs a {@link Term} while it leads.
 *
 *     start(): database checked ─▶ HTTP ─▶ LISTEN, election ─┬─ elected ─▶ Term.start()
 *                                                            └─ lost ────▶ Term.stop()
 *     stop():  not ready ─▶ term ends its writes ─▶ leadership given back ─▶ streams, HTTP, connections closed
 */
export class Daemon {
  readonly #options: DaemonOptions;
  /** The settings, with secrets as they were last read. */
  #config: Config<'run'>;
  #secrets: SecretWatch | null = null;
  readonly #rules: Rules;
  readonly #db: Database;
  readonly #hub = new EventHub();
  readonly #announcer: Announcer;
  readonly #listener: Listener;
  readonly #election: Election;
  readonly #scraper: Scraper;
  readonly #app: ReturnType<typeof buildApp>;
  #facts: SourceFacts | null = null;
  #term: Term | null = null;
  #cloudflare: Cloudflare | null = null;
  #turn: Promise<void> = Promise.resolve();
  #stopping = false;
  #address = '';

  constructor(options: DaemonOptions) {
    const { config, log, clock, random, metrics } = options;
    this.#options = options;
    this.#config = config;
    this.#rules = rulesOf(config);
    const database: DatabaseOptions = {
      url: config.databaseUrl,
      schema: config.schema,
      applicationName: 'zonekeeper',
      onIdleError: (error) => log.debug({ err: error }, 'an idle database connection ended'),
    };
    this.#db = new Database(database);
    this.#announcer = new Announcer(this.#db, clock, (error) => log.debug({ err: error }, 'could not announce'));
    this.#scraper = new Scraper(metrics, this.#db, clock);
    metrics.onScrape(() =>
      this.#scraper.scrape(this.#term, this.#cloudflare?.budget.remaining() ?? null, this.#listener.connected),
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
          log.info('listening to PostgreSQL');
          this.#term?.readEverything();
        },
        onLost: (error) => log.warn({ code: error.code }, `not listening to PostgreSQL: ${error.message}`),
        onNotification: (channel, payload) => this.#notified(channel, payload),
      },
    });
    this.#election = new Election({
      db: this.#db,
      // Unique also for two processes of one number in two containers of one name.
      holder: `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
      address: () => this.#address,
      clock,
      random,
      info: () =>
        leaderInfo({
          config,
          term: this.#term,
          cloudflare: this.#cloudflare,
          facts: this.#facts,
          listening: this.#listener.connected,
        }),
      events: {
        onElected: (epoch) => this.#then(() => this.#lead(epoch)),
        onLost: (reason) => {
          log.warn(`leads no more: ${reason}`);
          this.#then(() => this.#follow());
        },
        onError: (error) => log.warn({ code: error.code }, `leader election: ${error.message}`),
      },
    });
    this.#app = buildApp({
      logger: log,
      site: SITE ?? null,
      access: {
        token: () => this.#config.apiToken,
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
    return this.#term !== null;
  }

  get ready(): boolean {
    return this.#checks().every(({ problem }) => problem === null);
  }

  /** Throws when the database cannot be used as it is, or the address is taken. Resolves as soon as HTTP is served. */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    await requireSchema(this.#db, config.schema);
    this.#facts = await inspectConsumers(this.#db);
    if (!this.#facts.triggers)
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
    this.#secrets = await watchSecrets({
      files: config.secretFiles,
      onChange: (key, value) => this.#rotate(key, value),
      onProblem: (_, problem) => log.warn(problem),
    });
    this.#listener.start();
    this.#election.start();
  }

  /** A secret has a new value since now. */
  #rotate(key: SettingKey, value: string): void {
    const { log, onSecret } = this.#options;
    onSecret?.(value);
    this.#config = { ...this.#config, [key]: value };
    log.info({ setting: key }, 'a secret was read anew');
    if (key === 'cloudflareApiToken') this.#useToken(value);
    if (key !== 'databaseUrl') return;
    this.#db.moveTo(value).catch((error) => log.warn({ err: error }, 'the old database connections did not end'));
    this.#listener.reconnect();
  }

  /** Ends in order; resolves within about the grace period. Nothing that was begun is lost. */
  async stop(): Promise<void> {
    const { config, log } = this.#options;
    if (this.#stopping) return;
    this.#stopping = true;
    log.info('stopping');
    this.#then(() => this.#follow());
    await this.#turn;
    await this.#election.stop();
    this.#announcer.stop();
    this.#hub.close();
    await this.#secrets?.close();
    await this.#listener.stop();
    await this.#app.close();
    await this.#db.close();
    log.info({ grace_ms: config.shutdownGraceMs }, 'stopped');
  }

  #useToken(token: string): void {
    try {
      this.#cloudflare?.setToken(token);
    } catch (error) {
      this.#options.log.error({ code: toError(error).code }, `the new token is not used: ${toError(error).message}`);
    }
  }

  /** One after the other: a term has ended before the next one begins. */
  #then(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(step).catch((error) => {
      this.#options.log.error({ err: error }, `could not change the leadership: ${toError(error).message}`);
    });
  }

  async #lead(epoch: number): Promise<void> {
    const { clock, random, log, metrics } = this.#options;
    const config = this.#config;
    if (this.#stopping || this.#election.epoch !== epoch) return;
    const fence = new Fence(epoch);
    const cloudflare = new Cloudflare({ config, db: this.#db, fence, clock, metrics, log });
    try {
      // The view or the tables may have changed since the process began.
      this.#facts = await inspectConsumers(this.#db);
      await cloudflare.start();
    } catch (error) {
      log.error({ code: toError(error).code }, `cannot lead: ${toError(error).message}`);
      cloudflare.stop();
      this.#election.resign('It cannot do the work.');
      return;
    }
    log.info({ epoch }, 'leads');
    this.#cloudflare = cloudflare;
    this.#term = buildTerm({
      config,
      clock,
      random,
      fence,
      rules: this.#rules,
      db: this.#db,
      facts: this.#facts,
      api: cloudflare.api,
      passive: false,
      leadsForMs: () => (this.#election.epoch === epoch ? this.#election.remainingMs() : 0),
      observer: reporting({ metrics, log, clock, announcer: this.#announcer }),
      queueObserver: metrics.queue.queueObserver,
      poolObserver: metrics.queue.poolObserver,
      onOperation: (operation, error) => {
        metrics.syncs.inc({ trigger: operation.kind, result: error === null ? 'done' : 'failed' });
        if (operation.kind === 'plan') return;
        const line = {
          operation_id: operation.id,
          actor: operation.requestedBy,
          ...(error !== null && { code: error.code }),
        };
        log.info(line, error === null ? `${operation.kind} finished` : `${operation.kind} failed: ${error.message}`);
      },
      onZones: (zones, gone) => {
        for (const { name } of zones) metrics.addZone(name);
        for (const { name } of gone) metrics.removeZone(name);
      },
      onError: (what, error) => log.debug({ err: error }, what),
    });
    metrics.setLeading(true);
    this.#term.start();
  }

  async #follow(): Promise<void> {
    const term = this.#term;
    const cloudflare = this.#cloudflare;
    if (term === null) return;
    const { metrics, config } = this.#options;
    this.#term = null;
    this.#cloudflare = null;
    metrics.setLeading(false);
    await term.stop(config.shutdownGraceMs * GRACE_FOR_WRITES);
    for (const { name } of term.zones.all) metrics.removeZone(name);
    cloudflare?.stop();
  }

  #notified(channel: string, payload: string): void {
    if (channel === this.#db.channel('changes')) this.#term?.changesNoted();
    else if (channel === this.#db.channel('operations')) this.#term?.operationAsked();
    else if (channel === this.#db.channel('events')) this.#hub.announce(payload);
    else if (channel === this.#db.channel('leader') && !this.#stopping) this.#election.poke();
  }

  #checks(): { name: string; problem: string | null }[] {
    const term = this.#term;
    const cloudflare =
      term === null ? null : (term.failure?.message ?? (term.ready ? null : 'the zones have not been seen yet'));
    return [
      { name: 'shutdown', problem: this.#stopping ? 'the process is stopping' : null },
      { name: 'postgres-listen', problem: this.#listener.connected ? null : 'not connected' },
      { name: 'leader', problem: this.#election.settled ? null : 'not known yet' },
      { name: 'cloudflare', problem: cloudflare },
    ];
  }
}

/** Share of the grace period for writes in flight; the rest is for giving back the leadership and closing connections. */
const GRACE_FOR_WRITES = 0.7;
