import type { Zone } from '../cloudflare/port.ts';
import { Gather } from '../controller/gather.ts';
import { PRIORITY } from '../controller/priority.ts';
import { WorkQueue } from '../controller/queue.ts';
import { Ticker } from '../controller/ticker.ts';
import { WorkerPool } from '../controller/workers.ts';
import { toError, ZonekeeperError } from '../errors.ts';
import type { Refreshed, RefreshScope } from '../sources/port.ts';
import { DriftChecker } from './checker.ts';
import { Comparer } from './comparer.ts';
import { type Context, mergeContexts } from './context.ts';
import { Discovery } from './discovery.ts';
import { Executor } from './executor.ts';
import { Feed } from './feed.ts';
import { Guard } from './guard.ts';
import { Intake } from './intake.ts';
import { Reconciler } from './reconciler.ts';
import type { TermOptions } from './term-options.ts';
import { ManagedZone } from './zone.ts';
import { Zones } from './zones.ts';

/** Keys that the queue holds at most; beyond it, everything is compared once there is room. */
const MAX_KEYS = 500_000;
const NAME_BACKOFF = { baseMs: 1_000, factor: 2, maxMs: 900_000 };
/** The database was away, mostly. */
const THROW_BACKOFF_MS = 60_000;
const LOOP_BACKOFF = { baseMs: 200, factor: 2, maxMs: 30_000 };
/** A name may have to wait for the budget; longer than a closed gate lasts. */
const NAME_TIMEOUT_MS = 900_000;
const DISCOVER_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 3_600_000;
/** Operations are announced; this is for an announcement that was lost. */
const POLL_EVERY_MS = 2_000;
/** Changes are announced, too. Nothing is noted, mostly, and then a look costs one small statement. */
const FEED_EVERY_MS = 15_000;

/**
 * Everything that a leader runs for as long as it leads. Built anew for every term and rebuilt from nothing in seconds:
 * only the mirrors and the queue live here, the truth lives in PostgreSQL and at Cloudflare.
 */
export class Term {
  readonly queue: WorkQueue<string, Context>;
  readonly zones: Zones;
  readonly guard: Guard;
  readonly pool: WorkerPool<string, Context>;
  readonly #options: TermOptions;
  readonly #intake: Intake;
  readonly #checker: DriftChecker;
  readonly #executor: Executor;
  readonly #feed: Feed;
  readonly #reading: Ticker;
  readonly #loops: readonly Ticker[];
  readonly #operations: Ticker;
  readonly #discovery: Discovery;
  readonly #listing: Ticker;
  readonly #prune: Ticker;
  readonly #surveys: Ticker;
  readonly #comparer: Comparer;
  readonly #abort = new AbortController();
  /** Open intents are to be settled, of whatever name: surveys do not see them. */
  #unsettled = false;

  constructor(options: TermOptions) {
    this.#options = options;
    const { clock, random, ledger, source } = options;
    const gather = new Gather();
    this.queue = new WorkQueue({
      clock,
      random,
      backoff: NAME_BACKOFF,
      maxKeys: MAX_KEYS,
      merge: mergeContexts,
      ...(options.queueObserver === undefined ? {} : { observer: options.queueObserver }),
    });
    this.guard = new Guard({ ledger, source, limit: options.deleteLimit, clock });
    this.zones = new Zones({
      api: options.api,
      only: options.onlyZones,
      manage: (zone) => this.#manage(zone, gather),
      onChanged: (added, removed) => this.#zonesChanged(added, removed),
    });
    this.#discovery = new Discovery({
      zones: this.zones,
      clock,
      signal: this.#abort.signal,
      onListed: () => this.#operations.poke(),
      onUnlisted: () => this.#compare(null),
    });
    this.#intake = new Intake({
      ...options,
      queue: this.queue,
      zones: this.zones,
      toldUnlisted: () => this.#discovery.toldUnlisted,
    });
    const reconciler = new Reconciler({
      ...options,
      zones: this.zones,
      guard: this.guard,
      gather,
      epoch: options.fence.epoch,
      nextBackoffMs: (fqdn) => this.queue.nextBackoffMs(fqdn),
    });
    this.pool = new WorkerPool({
      queue: this.queue,
      clock,
      concurrency: options.concurrency,
      timeoutMs: NAME_TIMEOUT_MS,
      throwBackoffMs: THROW_BACKOFF_MS,
      process: (fqdn, context) => reconciler.process(fqdn, context),
      onError: (fqdn, error) => options.observer.failed(fqdn, toError(error)),
      ...(options.poolObserver === undefined ? {} : { observer: options.poolObserver }),
    });
    this.#checker = new DriftChecker({
      clock,
      random,
      minMs: options.driftMinMs,
      maxMs: options.driftMaxMs,
      callsPer5Min: options.driftCallsPer5Min,
      onChecked: (zone, error) => {
        options.observer.zoneChecked(zone.name, error);
        options.onZones([zone], []);
        // A zone that was never seen: its names have to say why they are not looked after.
        if (error !== null && !zone.mirror.ready && zone.failures === 1) this.#compare(zone);
      },
    });
    this.#feed = new Feed({
      ...options,
      onRefreshed: (found) => this.#refreshed(found),
      onMissed: () => this.#compare(null),
    });
    this.#executor = new Executor({
      ...options,
      queue: this.queue,
      zones: this.zones,
      guard: this.guard,
      source: { refresh: (scope) => this.#readFor(scope), stillWanted: (fqdns) => source.stillWanted(fqdns) },
      onRefreshed: (found) => this.#refreshed(found),
      onFinished: options.onOperation,
    });
    this.#reading = this.#ticker(
      'reading changes',
      () => Math.min(FEED_EVERY_MS, options.resyncMs),
      () => this.#feed.read(),
    );
    // An operation needs the zones; until they are known, it waits.
    this.#operations = this.#ticker(
      'taking operations',
      () => POLL_EVERY_MS,
      async () => {
        if (this.zones.known) await this.#executor.poll();
      },
    );
    this.#listing = this.#ticker(
      'listing zones',
      () => DISCOVER_EVERY_MS,
      () => this.#discovery.run(),
    );
    this.#comparer = new Comparer({
      ledger,
      zones: this.zones,
      guard: this.guard,
      rules: options.rules,
      inProcess: () => this.queue.inProcess(),
      isIdle: (fqdn) => this.queue.stateOf(fqdn) === 'idle',
      onDiffering: (fqdns, zone) => this.#intake.addCompared(fqdns, zone),
    });
    this.#surveys = this.#ticker(
      'comparing names',
      () => options.resyncMs,
      () => this.#compareAsked(),
    );
    const prune = this.#ticker(
      'pruning',
      () => PRUNE_EVERY_MS,
      async () => {
        this.guard.prune();
        await ledger.prune(options.historyDays);
      },
    );
    this.#prune = prune;
    this.#loops = [this.#reading, this.#operations, this.#listing, this.#surveys, prune];
  }

  /** True once the zones are known and those that answer have been seen. */
  get ready(): boolean {
    if (this.#options.passive) return this.zones.known;
    return this.zones.known && this.zones.all.every((zone) => zone.mirror.ready || zone.failure !== null);
  }

  /** The present pause between two looks at one zone. Milliseconds. */
  get checkIntervalMs(): number {
    return this.#checker.intervalMs();
  }

  start(): void {
    this.pool.start();
    this.#reading.start();
    this.#listing.start();
    this.#operations.start();
    if (this.#options.passive) return;
    this.#surveys.start(this.#options.resyncMs);
    this.#prune.start(PRUNE_EVERY_MS / 60);
  }

  /** Something was noted in the change feed. */
  changesNoted(): void {
    this.#reading.poke();
  }

  /**
   * Notifications may have been lost, and notes too (the triggers were off): the whole view is read once more. And a database
   * that was away may have crashed, and forgotten the last states: all names are compared.
   */
  readEverything(): void {
    this.#feed.readEverything();
    this.#reading.poke();
    this.#compare(null);
  }

  /** An operation was asked for. */
  operationAsked(): void {
    this.#operations.poke();
  }

  /**
   * Takes up nothing new, lets what is in flight end within `graceMs`, and stops. What does not end in time is in the
   * ledger as an open intent, and settled by whoever leads next.
   */
  async stop(graceMs: number): Promise<void> {
    this.#executor.stop();
    this.queue.stop();
    // The call that is under way goes on; what waits for the next one is left to whoever leads next.
    this.zones.stop();
    this.#abort.abort(new ZonekeeperError('shutting_down', 'The process stops leading.'));
    // Whoever waits for the first reading would be waited for below.
    this.#feed.stop();
    const loops = Promise.all(this.#loops.map((loop) => loop.stop()));
    if (!(await this.pool.drain(graceMs))) this.pool.stop();
    await Promise.all([loops, this.#checker.stop()]);
  }

  #ticker(what: string, interval: () => number, run: () => Promise<void>): Ticker {
    const { clock, random, observer } = this.#options;
    return new Ticker({
      clock,
      random,
      interval,
      backoff: LOOP_BACKOFF,
      run,
      onError: (error) => observer.failed(what, toError(error)),
    });
  }

  #manage(zone: Zone, gather: Gather): ManagedZone {
    return new ManagedZone({
      ...this.#options,
      zone,
      gather,
      ownerId: this.#options.rules.ownerId,
      signal: this.#abort.signal,
      onDifferences: (managed, fqdns) =>
        this.#intake.add(fqdns, { trigger: 'drift', priority: PRIORITY.check, zone: managed }),
      onFirstSeen: (managed) => this.#compare(managed),
    });
  }

  #refreshed({ names, vanished, since }: Refreshed): void {
    for (const fqdn of vanished) {
      const zone = this.zones.of(fqdn);
      if (zone !== undefined) this.guard.expect(zone.name, [fqdn]);
    }
    this.#intake.add(names, { trigger: 'change', priority: PRIORITY.event, since: since ?? undefined });
  }

  async #readFor(scope: RefreshScope): Promise<Refreshed> {
    try {
      return await this.#feed.readFor(scope);
    } catch (error) {
      this.#reading.poke();
      throw error;
    }
  }

  /** Why desired could not be read at the last try; null when it was. */
  get sourceError(): string | null {
    return this.#feed.error;
  }

  /** Why the zones could not be listed at the last try; null when they were. */
  get failure(): ZonekeeperError | null {
    return this.zones.failure;
  }

  #zonesChanged(added: readonly ManagedZone[], removed: readonly ManagedZone[]): void {
    this.#options.onZones(added, removed);
    if (this.#options.passive) return;
    this.#checker.remove(removed);
    this.#checker.add(added);
    this.#intake.zonesGone(removed);
    // What was begun in a zone that nobody has seen so far can be settled now.
    if (added.length > 0) this.#unsettled = true;
    // Names of other zones may belong to the new ones, names of the removed ones to others, and some to none.
    this.#compare(null);
  }

  #compare(zone: ManagedZone | null): void {
    if (this.#options.passive) return;
    this.#comparer.ask(zone);
    this.#surveys.poke();
  }

  async #compareAsked(): Promise<void> {
    await this.#feed.begun;
    if (this.#abort.signal.aborted) return;
    if (this.#unsettled) {
      await this.#intake.addUnsettled();
      this.#unsettled = false;
    }
    // The queue was too full for some of them: now that there is room, everything is compared.
    if (this.queue.takeOverflow()) this.#comparer.ask(null);
    await this.#comparer.run();
  }
}
