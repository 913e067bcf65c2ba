import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock, Random } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import { toError } from '../errors.ts';
import { Fence } from '../leadership/fence.ts';
import type { Leadership } from '../leadership/leadership.ts';
import { requireSchema } from '../ledger/migrate.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import type { Warnings } from '../observability/warnings.ts';
import type { Rules } from '../reconcile/rules.ts';
import type { Term } from '../reconcile/term.ts';
import { inspectConsumers, type SourceFacts } from '../sources/postgres/prepare.ts';
import type { Announcer } from './announcer.ts';
import { buildTerm } from './build-term.ts';
import { Cloudflare } from './cloudflare.ts';
import { type Events, operationReporting, reporting } from './reporting.ts';

export interface TermsOptions {
  readonly config: Config<'run'>;
  /** Unique to this process. */
  readonly instance: string;
  readonly leadership: Pick<Leadership, 'epoch' | 'remainingMs' | 'resign'>;
  readonly db: Database;
  readonly rules: Rules;
  readonly announcer: Announcer;
  readonly events: Events;
  readonly tracing: Tracing | null;
  readonly log: Logger;
  readonly warnings: Warnings;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
}

/** Share of the grace period for writes in flight. */
const GRACE_FOR_WRITES = 0.7;

/**
 * The terms of this process, one after the other: one has ended before the next one begins.
 *
 *     begin(epoch): database inspected ─▶ Cloudflare.start() ─┬─ leads still ─▶ Term.start()
 *                                                             └─ cannot do the work ─▶ resigns
 *     end(), stop(): Term.stop() ─▶ Cloudflare.stop()
 *
 * A beginning takes its time: meanwhile the leadership may end, the process stop, or the token change.
 */
export class Terms {
  readonly #options: TermsOptions;
  /** The settings, with the token for Cloudflare as it was last read. */
  #config: Config<'run'>;
  #facts: SourceFacts | null = null;
  #present: Term | null = null;
  /** From when it is made, with the token as it is then: before the term, which it has to be ready for. */
  #cloudflare: Cloudflare | null = null;
  #turn: Promise<void> = Promise.resolve();
  #misfit: string | null = null;
  #stopping = false;

  constructor(options: TermsOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Null while this process does not lead. */
  get present(): Term | null {
    return this.#present;
  }

  /** Of the present term. */
  get cloudflare(): Cloudflare | null {
    return this.#present === null ? null : this.#cloudflare;
  }

  /** What the database was like when it was last inspected. */
  get facts(): SourceFacts | null {
    return this.#facts;
  }

  /** Why this version cannot work on the schema any more: a newer one has been here since the start. */
  get misfit(): string | null {
    return this.#misfit;
  }

  /** Throws when the database cannot be used as it is. */
  async inspect(): Promise<SourceFacts> {
    const { db, config } = this.#options;
    await requireSchema(db, config.schema);
    this.#misfit = null;
    this.#facts = await inspectConsumers(db);
    return this.#facts;
  }

  /** Begins the term of this epoch, unless that is over by then. */
  begin(epoch: number): void {
    this.#then(() => this.#begin(epoch));
  }

  /** Ends the present term, or the one that is about to begin. */
  end(): void {
    this.#then(() => this.#end());
  }

  /** As {@link end}, and no other one begins. Resolves once all of that has come to its end. Never rejects. */
  stop(): Promise<void> {
    this.#stopping = true;
    this.end();
    return this.#turn;
  }

  /** Uses another token for Cloudflare from now on. Throws when it does not work; the one before stays then. */
  async changeToken(value: string): Promise<void> {
    let told: Cloudflare | null = null;
    // Another term may have begun meanwhile, with the token before.
    while (this.#cloudflare !== told) {
      told = this.#cloudflare;
      await told?.changeToken(value);
    }
    this.#config = { ...this.#config, cloudflareApiToken: value };
  }

  #then(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(step).catch((error) => {
      this.#options.log.error({ err: error }, `could not change the leadership: ${toError(error).message}`);
    });
  }

  async #begin(epoch: number): Promise<void> {
    const { instance, leadership, db, clock, log, warnings, metrics, events } = this.#options;
    if (this.#over(epoch)) return;
    const fence = new Fence(epoch, instance);
    const cloudflare = new Cloudflare({ config: this.#config, db, fence, clock, metrics, log });
    this.#cloudflare = cloudflare;
    const giveUp = () => {
      this.#cloudflare = null;
      cloudflare.stop();
    };
    let facts: SourceFacts;
    try {
      // The schema, the view or the tables may have changed since the process began.
      facts = await this.inspect();
      await cloudflare.start();
    } catch (error) {
      giveUp();
      const failed = toError(error);
      if (failed.code === 'schema_too_new') this.#misfit = failed.message;
      if (this.#over(epoch)) return;
      // It is tried again every few seconds, for as long as nobody else leads.
      warnings.failed('leading', failed, `cannot lead: ${failed.message}`);
      leadership.resign('It cannot do the work.');
      return;
    }
    // All that took its time.
    if (this.#over(epoch)) {
      giveUp();
      return;
    }
    warnings.over('leading');
    log.info({ epoch }, 'leads');
    const term = this.#build(fence, facts, cloudflare);
    this.#present = term;
    metrics.setLeading(true);
    events?.record({
      type: 'Normal',
      reason: 'BecameLeader',
      action: 'Elect',
      note: `${instance} leads since epoch ${epoch}.`,
    });
    term.start();
  }

  #over(epoch: number): boolean {
    return this.#stopping || this.#options.leadership.epoch !== epoch;
  }

  #build(fence: Fence, facts: SourceFacts, { api }: Cloudflare): Term {
    const { leadership, log, metrics, events } = this.#options;
    return buildTerm({
      ...this.#options,
      fence,
      facts,
      api,
      passive: false,
      leadsForMs: () => (leadership.epoch === fence.epoch ? leadership.remainingMs() : 0),
      observer: reporting(this.#options),
      queueObserver: metrics.queue.queueObserver,
      poolObserver: metrics.queue.poolObserver,
      onOperation: operationReporting({ metrics, log, events }),
      onZones: (zones, gone) => {
        for (const { name } of zones) metrics.addZone(name);
        for (const { name } of gone) metrics.removeZone(name);
      },
      onError: (what, error) => log.debug({ err: error }, what),
    });
  }

  async #end(): Promise<void> {
    const [term, cloudflare] = [this.#present, this.#cloudflare];
    if (term === null) return;
    const { metrics, config } = this.#options;
    this.#present = null;
    this.#cloudflare = null;
    metrics.setLeading(false);
    await term.stop(config.shutdownGraceMs * GRACE_FOR_WRITES);
    metrics.removeZones();
    cloudflare?.stop();
  }
}
