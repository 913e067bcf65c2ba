import type { Clock, Random } from '../controller/clock.ts';
import { ZonekeeperError } from '../errors.ts';
import { Api } from './api.ts';
import { type ChangeEntry, type ChangeFilter, ChangeLog } from './change-log.ts';
import type { FaultSpec, FaultStatus } from './fault.ts';
import { Faults, MAX_FAULTS } from './faults.ts';
import type { RecordInput } from './fields.ts';
import { Person, type RecordSelector } from './person.ts';
import type { PlanName } from './plan.ts';
import type { DnsRecord, StoredRecord } from './record.ts';
import { Settings, type SettingsChange } from './settings.ts';
import { MAX_TOKENS, type TokenOptions, Tokens } from './tokens.ts';
import { type Counters, type RequestEntry, Traffic } from './traffic.ts';
import { World, type ZoneSeed } from './world.ts';
import { timestamp, Writes } from './writes.ts';
import { ACCOUNT, type Zone, type ZoneStatus } from './zone.ts';

/** A zone in short. */
export interface ZoneSummary {
  readonly id: string;
  readonly name: string;
  readonly plan: PlanName;
  readonly status: ZoneStatus;
  readonly records: number;
  readonly quota: number;
}

/** Which records to show; all that fit everything that is given. */
export interface RecordFilter {
  /** Name of the zone. */
  readonly zone?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly content?: string | undefined;
  /** Part of the comment. */
  readonly comment?: string | undefined;
}

/** Part of the request log. */
export interface RequestsAnswer {
  readonly requests: readonly RequestEntry[];
  /** Older ones that the log has forgotten. */
  readonly dropped: number;
}

/** Part of the change log. */
export interface ChangesAnswer {
  readonly changes: readonly ChangeEntry[];
  /** Older ones that the log has forgotten. */
  readonly dropped: number;
  /** Sequence number of the last change of all, to ask `since`. */
  readonly last: number;
}

/** The settings, as they are shown. */
export interface SettingsState {
  readonly latency_ms: number;
  readonly rate_limit: {
    readonly requests: number;
    readonly window_ms: number;
    readonly kind: 'sliding' | 'fixed';
    readonly block_ms: number;
  } | null;
  readonly rate_limit_headers: boolean;
}

/**
 * The control side. What it refuses, it refuses with ZonekeeperError `bad_request` or `not_found`; a record that the rules
 * do not allow, with an ApiFailure that carries Cloudflare's code.
 */
export interface Simulation {
  /** Id of the account that owns all zones. */
  readonly accountId: string;
  /** Adds zones, and records to zones: quickly, past the quota, and without a trace in the logs. All or nothing per zone. */
  seed(zones: readonly ZoneSeed[]): readonly ZoneSummary[];
  zones(): readonly ZoneSummary[];
  removeZone(name: string): void;
  /** Records of one zone or all, the oldest first. */
  records(filter?: RecordFilter): readonly DnsRecord[];
  /** A person adds a record; `name` is the whole name. */
  add(record: RecordInput): DnsRecord;
  /** A person changes all records that fit, in one transaction. */
  edit(selector: RecordSelector, change: RecordInput): readonly DnsRecord[];
  /** A person deletes all records that fit, in one transaction. */
  remove(selector: RecordSelector): readonly DnsRecord[];
  addFault(spec: FaultSpec): FaultStatus;
  faults(): readonly FaultStatus[];
  /** Clears one fault, or all; requests that it holds go on. */
  clearFaults(id?: string): number;
  tokens(): readonly TokenOptions[];
  /** From now on only these; null to accept any that is not empty. */
  setTokens(tokens: readonly TokenOptions[] | null): void;
  /** Changes or adds one token, and leaves the others as they are. */
  setToken(token: TokenOptions): void;
  settings(): SettingsState;
  configure(change: SettingsChange): SettingsState;
  counters(): Counters;
  /** Counters and request log start anew. */
  resetCounters(): void;
  /** Requests after number `since`, in the order of arrival. */
  requests(since?: number): RequestsAnswer;
  changes(filter?: ChangeFilter): ChangesAnswer;
  /** As at the start: the first zones, settings and tokens, no faults, empty logs. */
  reset(): void;
}

/** What a simulation starts from. */
export interface ControlOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly requestLog: number;
  readonly changeLog: number;
  readonly settings: SettingsChange;
  readonly tokens: readonly TokenOptions[] | null;
  readonly zones: readonly ZoneSeed[];
}

/** The whole simulation without its HTTP side. */
export class Control implements Simulation {
  readonly accountId = ACCOUNT.id;
  /** For the endpoint of the API. */
  readonly parts;
  readonly #options: ControlOptions;
  readonly #changes: ChangeLog;
  readonly #person: Person;

  constructor(options: ControlOptions) {
    const { clock, random, requestLog, changeLog } = options;
    this.#options = options;
    this.#changes = new ChangeLog(changeLog);
    const world = new World();
    const changes = this.#changes;
    const writes = new Writes(clock, changes);
    this.#person = new Person(world, writes);
    this.parts = {
      clock,
      world,
      changes,
      api: new Api(world, writes),
      tokens: new Tokens(),
      traffic: new Traffic(clock, requestLog),
      faults: new Faults(random),
      settings: new Settings(options.settings),
    };
    this.setTokens(options.tokens);
    this.seed(options.zones);
  }

  seed(zones: readonly ZoneSeed[]): readonly ZoneSummary[] {
    const now = timestamp(this.#options.clock.wall());
    return zones.map((zone) => summary(this.parts.world.seed(zone, now)));
  }

  zones(): readonly ZoneSummary[] {
    return this.parts.world.zones().map(summary);
  }

  removeZone(name: string): void {
    this.parts.world.remove(this.#zone(name));
  }

  records(filter: RecordFilter = {}): readonly DnsRecord[] {
    return [...this.stored(filter)].map(({ record }) => record.data);
  }

  /** The same one by one, for answers that are too large to be held at once. */
  *stored(filter: RecordFilter): Generator<{ readonly zone: Zone; readonly record: StoredRecord }> {
    const zones = filter.zone === undefined ? this.parts.world.zones() : [this.#zone(filter.zone)];
    const name = filter.name?.toLowerCase();
    for (const zone of zones) {
      for (const record of name === undefined ? zone.list() : zone.named(name)) {
        if (fits(record.data, filter)) yield { zone, record };
      }
    }
  }

  add(record: RecordInput): DnsRecord {
    return this.#person.add(record);
  }

  edit(selector: RecordSelector, change: RecordInput): readonly DnsRecord[] {
    return this.#person.edit(selector, change);
  }

  remove(selector: RecordSelector): readonly DnsRecord[] {
    return this.#person.remove(selector);
  }

  addFault(spec: FaultSpec): FaultStatus {
    if (this.parts.faults.size >= MAX_FAULTS) {
      throw new ZonekeeperError('bad_request', `At most ${MAX_FAULTS} faults can be set.`);
    }
    try {
      return this.parts.faults.add(spec);
    } catch (error) {
      throw new ZonekeeperError('bad_request', `The path is no regular expression: ${spec.path}`, { cause: error });
    }
  }

  faults(): readonly FaultStatus[] {
    return this.parts.faults.list();
  }

  clearFaults(id?: string): number {
    const cleared = this.parts.faults.clear(id);
    if (cleared === 0 && id !== undefined) throw new ZonekeeperError('not_found', `There is no fault ${id}.`);
    return cleared;
  }

  tokens(): readonly TokenOptions[] {
    return this.parts.tokens.list();
  }

  setTokens(tokens: readonly TokenOptions[] | null): void {
    if (tokens !== null && tokens.length > MAX_TOKENS) {
      throw new ZonekeeperError('bad_request', `At most ${MAX_TOKENS} tokens can be named.`);
    }
    this.parts.tokens.set(tokens);
  }

  setToken(token: TokenOptions): void {
    if (this.tokens().length >= MAX_TOKENS) {
      throw new ZonekeeperError('bad_request', `At most ${MAX_TOKENS} tokens can be named.`);
    }
    this.parts.tokens.put(token);
  }

  settings(): SettingsState {
    const { latencyMs, rateLimit, rateLimitHeaders } = this.parts.settings;
    const limit = rateLimit?.options;
    return {
      latency_ms: latencyMs,
      rate_limit:
        limit === undefined
          ? null
          : { requests: limit.requests, window_ms: limit.windowMs, kind: limit.kind, block_ms: limit.blockMs },
      rate_limit_headers: rateLimitHeaders,
    };
  }

  configure(change: SettingsChange): SettingsState {
    this.parts.settings.change(change);
    return this.settings();
  }

  counters(): Counters {
    return this.parts.traffic.counters();
  }

  resetCounters(): void {
    this.parts.traffic.reset();
  }

  requests(since = 0): RequestsAnswer {
    return { requests: this.parts.traffic.requests(since), dropped: this.parts.traffic.dropped };
  }

  changes(filter: ChangeFilter = {}): ChangesAnswer {
    return { changes: this.#changes.entries(filter), dropped: this.#changes.dropped, last: this.#changes.last };
  }

  reset(): void {
    this.parts.faults.clear();
    this.parts.world.clear();
    this.parts.settings.reset();
    this.setTokens(this.#options.tokens);
    this.#changes.clear();
    this.resetCounters();
    this.seed(this.#options.zones);
  }

  /** Drops what is held. */
  end(): void {
    this.parts.faults.clear(undefined, false);
  }

  #zone(name: string): Zone {
    const zone = this.parts.world.byName(name);
    if (zone === undefined) throw new ZonekeeperError('not_found', `There is no zone ${JSON.stringify(name)}.`);
    return zone;
  }
}

function summary(zone: Zone): ZoneSummary {
  const { id, name, plan, status, size, quota } = zone;
  return { id, name, plan: plan.legacyId, status, records: size, quota };
}

function fits(record: DnsRecord, { type, content, comment }: RecordFilter): boolean {
  if (type !== undefined && record.type !== type.toUpperCase()) return false;
  if (content !== undefined && record.content !== content) return false;
  return comment === undefined || (record.comment ?? '').includes(comment);
}
