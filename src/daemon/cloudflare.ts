import type { Logger } from 'pino';
import { ApiBudget } from '../cloudflare/budget.ts';
import { CloudflareApi } from '../cloudflare/client.ts';
import type { Settings } from '../config/schema.ts';
import type { Clock } from '../controller/clock.ts';
import type { Database } from '../database/database.ts';
import type { Fence } from '../leadership/fence.ts';
import { SpendLog } from '../ledger/spend.ts';
import type { Metrics } from '../observability/metrics.ts';
import { callReporting } from './reporting.ts';

export interface CloudflareParts {
  readonly config: Settings;
  readonly db: Database;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Before drift checks: an operator waits for it. */
const TOKEN_PRIORITY = 1;

/** Cloudflare's API with its budget, for the length of one term. */
export class Cloudflare {
  readonly api: CloudflareApi;
  readonly budget: ApiBudget;
  readonly #clock: Clock;

  constructor({ config, db, fence, clock, metrics, log }: CloudflareParts) {
    this.#clock = clock;
    this.budget = new ApiBudget({
      limit: config.apiBudget,
      clock,
      log: new SpendLog(db, fence),
      onLimited: (ms) =>
        log.warn({ retry_after_ms: ms }, `Cloudflare limits us: nothing is sent for ${Math.ceil(ms / 1000)} s`),
    });
    this.api = new CloudflareApi({
      token: config.cloudflareApiToken ?? '',
      baseUrl: config.cloudflareBaseUrl,
      clock,
      limiter: this.budget,
      batchLimit: config.batchLimit ?? 'auto',
      observer: callReporting({ metrics, log }),
    });
  }

  /** Reads what was spent of the budget before. Calls wait until then. */
  start(): Promise<void> {
    return this.budget.start();
  }

  /** Milliseconds until the gate opens that a 429 closed; 0 while it is open. */
  get gateClosedForMs(): number {
    const until = this.budget.gateClosedUntil;
    return until === null ? 0 : Math.max(0, until - this.#clock.now());
  }

  /** Uses another token from the next call on, once it is seen to work. Throws otherwise; the token before stays then. */
  changeToken(token: string): Promise<void> {
    return this.api.changeToken(token, { priority: TOKEN_PRIORITY });
  }

  stop(): void {
    this.budget.stop();
  }
}
