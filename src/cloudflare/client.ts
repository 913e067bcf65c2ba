import type { Clock } from '../controller/clock.ts';
import type { ActualRecord } from '../dns/record.ts';
import { isError, toError, ZonekeeperError } from '../errors.ts';
import { type BatchLimit, type Page, recordsPage, zonesPage } from './answer.ts';
import { type Sent, sendUnits } from './batch.ts';
import { Batch } from './batch-body.ts';
import { type CallFailure, failureOf, failureOfBody, type Operation } from './errors.ts';
import { type Limiter, MAX_CALL_MS } from './limiter.ts';
import { field } from './messages.ts';
import type { CallOptions, DnsApi, ListOptions, UnitOutcome, WriteOptions, WriteUnit, Zone, ZoneList } from './port.ts';
import { type Answer, type Sdk, type SdkCall, type SdkOptions, Transport } from './transport.ts';

/** One call that was made. */
export interface CallReport {
  readonly operation: Operation;
  /** Name of the zone; undefined for `zones`. */
  readonly zone: string | undefined;
  /** HTTP status, or `timeout`, `aborted`, `connection`. */
  readonly code: string;
  /** From when it left until its body was read, seconds. */
  readonly seconds: number;
}

/** For metrics and logs. */
export interface ApiObserver {
  onCall(report: CallReport): void;
  /** A batch call leaves with so many operations. */
  onBatch(operations: number): void;
}

export interface CloudflareOptions {
  readonly token: string;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly observer: ApiObserver;
  /** API base, e.g. `http://127.0.0.1:8799/client/v4`; Cloudflare's by default. */
  readonly baseUrl?: string | undefined;
  /** ZONEKEEPER_BATCH_LIMIT; by the plan of the zone by default. */
  readonly batchLimit?: BatchLimit | undefined;
  /** Milliseconds for one call that reads, body included: 30,000 by default, and at most. */
  readonly readTimeoutMs?: number | undefined;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** What makes the calls with a token: Cloudflare's SDK by default, and in every daemon. A port, as `fetch` is one below it. */
  readonly sdk?: ((token: string) => Sdk) | undefined;
}

/** More are not given for `/zones`. */
const ZONES_PER_PAGE = 50;
/** What others found to work; a page of 5,000 records is about 2 MB. */
const RECORDS_PER_PAGE = 5_000;
/** Half a million zones, or a zone of five million records: whoever says there is more is not to be believed. */
const MAX_PAGES = 1_000;

/**
 * Cloudflare's DNS API through its SDK. Each HTTP call takes its turn at the limiter, with nothing of its time used up
 * while it waits there; none is repeated here, whoever asked tries again.
 */
export class CloudflareApi implements DnsApi {
  readonly #options: CloudflareOptions;
  readonly #transport: Transport;

  /** Throws `config_invalid` for a token that cannot be one. */
  constructor(options: CloudflareOptions) {
    const { clock, token, baseUrl, fetch, sdk, limiter } = options;
    this.#options = options;
    this.#transport = new Transport({
      clock,
      token,
      baseUrl,
      fetch,
      sdk,
      onHeaders: (headers) => limiter.learn(headers),
    });
  }

  /**
   * Uses another token from the next call on, once it has seen a zone. Throws what Cloudflare says of it otherwise, or
   * `config_invalid` for what cannot be one: then the token before stays.
   */
  async changeToken(token: string, options: CallOptions = {}): Promise<void> {
    const zones = await new CloudflareApi({ ...this.#options, token }).zones(options);
    if (zones.length === 0) throw new ZonekeeperError('cloudflare_no_zones', 'The new token sees no zone.');
    this.#transport.setToken(token);
  }

  ready(options: CallOptions = {}): Promise<void> {
    return this.#options.limiter.ready(options);
  }

  async zones(options: CallOptions = {}): Promise<readonly Zone[]> {
    const limit = this.#options.batchLimit ?? 'auto';
    const { items } = await this.#pages(
      'zones',
      undefined,
      (page) => (client, sdk) => client.zones.list({ page, per_page: ZONES_PER_PAGE, order: 'name' }, sdk),
      (body) => zonesPage(body, ZONES_PER_PAGE, limit),
      options,
    );
    // Pages are offsets: when a zone is added meanwhile, another stands on two of them.
    return [...new Map(items.map((zone) => [zone.id, zone])).values()];
  }

  async list(zone: Zone, options: ListOptions = {}): Promise<ZoneList> {
    const { intern } = options;
    const { items, pages } = await this.#pages(
      'list',
      zone,
      (page) => (client, sdk) => client.dns.records.list({ zone_id: zone.id, page, per_page: RECORDS_PER_PAGE }, sdk),
      (body) => {
        const page = recordsPage(body, RECORDS_PER_PAGE);
        return page === null || intern === undefined ? page : { ...page, items: page.items.map(intern) };
      },
      options,
    );
    return { records: items, pages };
  }

  async lookup(zone: Zone, fqdn: string, options: CallOptions = {}): Promise<readonly ActualRecord[]> {
    const page = await this.#page(
      'lookup',
      zone,
      (client, sdk) =>
        client.dns.records.list({ zone_id: zone.id, name: { exact: fqdn }, per_page: RECORDS_PER_PAGE }, sdk),
      (body) => {
        const page = recordsPage(body, RECORDS_PER_PAGE);
        // Were the filter not understood, the whole zone would come, and the name might stand on a later page.
        return page?.last === true ? page : null;
      },
      options,
    );
    return page.items.filter((record) => record.fqdn === fqdn);
  }

  async write(zone: Zone, units: readonly WriteUnit[], options: WriteOptions): Promise<readonly UnitOutcome[]> {
    return units.length === 0 ? [] : sendUnits((group) => this.#batch(zone, group, options), units);
  }

  async #batch(zone: Zone, units: readonly WriteUnit[], options: WriteOptions): Promise<Sent> {
    const batch = new Batch(units);
    let timeoutMs = 0;
    const admit = () => {
      const remaining = options.remaining();
      if (remaining === null) throw expired();
      timeoutMs = remaining;
      this.#options.observer.onBatch(batch.size);
    };
    const failed = (failure: CallFailure): Sent => ({
      kind: 'failed',
      failure,
      named: batch.unitsOf(failure.elements),
    });
    const answer = await this.#call(
      'batch',
      zone,
      (client, sdk) => client.dns.records.batch({ zone_id: zone.id, ...batch.body() } as BatchParams, sdk),
      { ...options, admit, timeoutMs: () => timeoutMs },
    );
    if (!answer.ok) return failed(answer.failure);
    const result = field(answer.body, 'result');
    if (typeof result === 'object' && result !== null) return { kind: 'answered', outcomes: batch.outcomes(result) };
    return failed(failureOfBody('no "result"', Number(answer.status), this.#context('batch', zone)));
  }

  async #pages<T>(
    operation: Operation,
    zone: Zone | undefined,
    send: (page: number) => (client: Sdk, sdk: SdkOptions) => SdkCall,
    read: (body: unknown) => Page<T> | null,
    options: CallOptions,
  ): Promise<{ items: readonly T[]; pages: number }> {
    const lists: (readonly T[])[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const { items, last } = await this.#page(operation, zone, send(page), read, options);
      lists.push(items);
      if (last) return { items: lists.length === 1 ? items : lists.flat(), pages: page };
    }
    throw failureOfBody(`more than ${MAX_PAGES} pages`, 200, this.#context(operation, zone)).error;
  }

  async #page<T>(
    operation: Operation,
    zone: Zone | undefined,
    send: (client: Sdk, sdk: SdkOptions) => SdkCall,
    read: (body: unknown) => Page<T> | null,
    options: CallOptions,
  ): Promise<Page<T>> {
    const answer = await this.#call(operation, zone, send, options);
    if (!answer.ok) throw answer.failure.error;
    const page = read(answer.body);
    if (page !== null) return page;
    throw failureOfBody('not a list of what was asked for', Number(answer.status), this.#context(operation, zone))
      .error;
  }

  /** One HTTP call. Never throws. */
  async #call(
    operation: Operation,
    zone: Zone | undefined,
    send: (client: Sdk, sdk: SdkOptions) => SdkCall,
    options: CallOptions & { readonly admit?: () => void; readonly timeoutMs?: () => number },
  ): Promise<Answer> {
    const { limiter, readTimeoutMs } = this.#options;
    const { signal } = options;
    const make = () =>
      this.#observed(operation, zone, {
        signal,
        timeoutMs: Math.min(options.timeoutMs?.() ?? readTimeoutMs ?? MAX_CALL_MS, MAX_CALL_MS),
        send,
      });
    try {
      return await limiter.run(make, options);
    } catch (thrown) {
      // It did not leave: a call that did never throws.
      const gaveUp = signal?.aborted === true && !isError(thrown);
      const reason = gaveUp ? givenUp(thrown) : toError(thrown);
      return { ok: false, failure: failureOf(reason, this.#context(operation, zone)) };
    }
  }

  async #observed(
    operation: Operation,
    zone: Zone | undefined,
    call: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly send: (client: Sdk, sdk: SdkOptions) => SdkCall;
    },
  ): Promise<Answer> {
    const { clock, limiter, observer } = this.#options;
    const start = clock.now();
    const answer = await this.#transport.call({ operation, zone: zone?.name, ...call });
    const code = answer.ok ? answer.status : answer.failure.status;
    observer.onCall({ operation, zone: zone?.name, code, seconds: (clock.now() - start) / 1000 });
    if (!answer.ok && answer.failure.error.code === 'cloudflare_limited') {
      limiter.limited(answer.failure.error.retryAfterMs);
    }
    return answer;
  }

  #context(operation: Operation, zone: Zone | undefined) {
    // Nothing of what was sent stands in what is said with this.
    return { operation, zone: zone?.name, hide: (text: string) => text, wallMs: this.#options.clock.wall() };
  }
}

type BatchParams = Parameters<Sdk['dns']['records']['batch']>[0];

function expired(): ZonekeeperError {
  return new ZonekeeperError(
    'write_expired',
    'The write was not sent: its time was up, or this process leads no more.',
  );
}

function givenUp(reason: unknown): ZonekeeperError {
  return new ZonekeeperError('cloudflare_unavailable', 'The call was given up before it left.', { cause: reason });
}
