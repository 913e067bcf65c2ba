import { ApiBudget } from '../../src/cloudflare/budget.ts';
import { CloudflareApi } from '../../src/cloudflare/client.ts';
import { Rotation } from '../../src/daemon/rotation.ts';
import { toError, type ZonekeeperError } from '../../src/errors.ts';
import { Fence } from '../../src/leadership/fence.ts';
import { Election } from '../../src/leadership/leader.ts';
import type { CoreObserver } from '../../src/reconcile/observer.ts';
import type { Rules } from '../../src/reconcile/rules.ts';
import { Term } from '../../src/reconcile/term.ts';
import { Counts } from './counts.ts';
import type { Life } from './deeds.ts';
import type { Machine } from './machine.ts';
import type { MemoryCloudflare } from './memory-cloudflare.ts';
import { leaderRow, operationsOf, spendLog } from './memory-leadership.ts';
import { MemoryLedger, type Reach } from './memory-ledger.ts';
import { MemorySource } from './memory-source.ts';
import { memoryTurnstile } from './memory-turnstile.ts';
import type { Deviation } from './plan.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sights } from './sights.ts';
import type { Tables } from './tables.ts';
import { Tellings, type WasMade } from './tellings.ts';

/** The settings of a schedule. */
export interface Settings {
  readonly rules: Rules;
  readonly apiBudget: number;
  readonly lotCalls: number | undefined;
  readonly deleteLimit: { readonly share: number; readonly min: number };
  readonly driftMinMs: number;
  readonly driftMaxMs: number;
  readonly resyncMs: number;
  /** How it differs from the configuration of the schedule. */
  readonly deviation: Deviation | null;
  /** Calls go through Cloudflare's SDK and Bottleneck. */
  readonly libraries: boolean;
}

export interface ProcessParts {
  readonly machine: Machine;
  readonly tables: Tables;
  readonly cloudflare: MemoryCloudflare;
  readonly scheduler: Scheduler;
  /** Read when a process starts. */
  readonly settings: () => Settings;
  /** The newest token: what its file says. */
  readonly token: () => string;
  readonly onLeaderGone: () => void;
  /** Is told when it works on which name, and what it reads of Cloudflare. */
  readonly sights: Sights;
  /** Throws where a change that is settled as done did not happen. */
  readonly wasMade: WasMade;
  /** A failure that no fault explains. */
  readonly onBug: (error: Error) => void;
}

/** Before drift checks, as in the daemon. */
const TOKEN_PRIORITY = 1;
const GRACE_MS = 7_000;
/** An answer of the database is there after such a time, on a good day. */
const ANSWERED_MS = 100;
/** A listener finds out by its heartbeat that it is cut off, and connects anew. */
const CONNECT_MS = 200;

/** The daemon as the composition root puts it together, without HTTP: an election, and a term while it leads. */
export class SimulatedProcess {
  readonly machine: Machine;
  readonly #parts: ProcessParts;
  #election: Election | null = null;
  #term: Term | null = null;
  #budget: ApiBudget | null = null;
  #settings: Settings | null = null;
  /** Tries a new token, while it leads. */
  #rotation: Rotation | null = null;
  #turn: Promise<void> = Promise.resolve();
  #deafUntil = 0;
  #intents = 0;
  #stopping = false;
  readonly #counts = new Map<number, Counts>();
  /** By epoch. */
  readonly #tellings = new Map<number, Tellings>();

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.machine = parts.machine;
  }

  /** What it was started with. */
  get settings(): Settings | null {
    return this.#settings;
  }

  get epoch(): number | null {
    return this.machine.alive ? (this.#election?.epoch ?? null) : null;
  }

  get term(): Term | null {
    return this.machine.alive ? this.#term : null;
  }

  /** No call may leave: the budget is spent, or Cloudflare has said so. */
  get halted(): boolean {
    const budget = this.machine.alive ? this.#budget : null;
    return budget !== null && (budget.gateClosedUntil !== null || budget.remaining() === 0);
  }

  /** What its metrics have counted, by its lives. */
  get lives(): readonly Life[] {
    const { machine } = this;
    const { tables } = this.#parts;
    const told = tables.now() - ANSWERED_MS;
    const ended = [...tables.operations.values()].filter(({ finishedAt }) => finishedAt !== null && finishedAt <= told);
    return [...this.#counts].map(([life, counts]) => {
      const terms = [...this.#tellings.values()].filter((one) => one.life === life);
      const sum = (of: (term: Tellings) => number) => terms.reduce((all, term) => all + of(term), 0);
      const last = ended.filter(({ epoch }) => this.term !== null && epoch === this.epoch).length;
      const came = { settled: sum(({ settled }) => settled), refused: sum(({ refused }) => refused), last };
      return { machine, life, ...counts.total(), came };
    });
  }

  /** When the present run of a name began, by the database's clock. */
  begunAt(fqdn: string): number | null {
    return this.#tellings.get(this.epoch ?? 0)?.begunAt(fqdn) ?? null;
  }

  /** What the operations of a term have to tell; null where it was not ours. */
  tellings(epoch: number): Tellings | null {
    return this.#tellings.get(epoch) ?? null;
  }

  start(): void {
    const { machine, tables, scheduler } = this.#parts;
    if (machine.alive) return;
    machine.start();
    this.#term = null;
    this.#budget = null;
    this.#rotation = null;
    this.#settings = this.#parts.settings();
    this.#stopping = false;
    this.#turn = Promise.resolve();
    this.#deafUntil = 0;
    scheduler.tell(machine.name, () => 'starts');
    scheduler.after(0, machine, () => {
      this.#election = new Election({
        db: leaderRow(tables, this.#reach, () => this.#parts.onLeaderGone()),
        holder: `${machine.name}-${machine.life}`,
        address: () => machine.name,
        clock: machine.clock,
        random: scheduler.random,
        info: () => ({}),
        events: {
          onElected: (epoch) => this.#then(() => this.#lead(epoch)),
          onLost: () => this.#then(() => this.#follow()),
          onError: () => undefined,
        },
      });
      this.#election.start();
    });
  }

  /** As SIGTERM does it. */
  terminate(): void {
    const { machine, scheduler } = this.#parts;
    if (!machine.alive || machine.paused) return;
    scheduler.tell(machine.name, () => 'stops in order');
    this.#stopping = true;
    scheduler.after(0, machine, () => {
      this.#then(() => this.#follow());
      void this.#turn.then(() => this.#election?.stop()).then(() => machine.crash());
    });
  }

  /** A notification comes in, if anybody listens. */
  notified(what: 'changes' | 'operations' | 'leader'): void {
    const { machine, scheduler } = this.#parts;
    if (!machine.alive || scheduler.now < this.#deafUntil) return;
    scheduler.after(scheduler.delay(0.1, 50), machine, () => {
      if (what === 'changes') this.#term?.changesNoted();
      else if (what === 'operations') this.#term?.operationAsked();
      else if (!this.#stopping) this.#election?.poke();
    });
  }

  /** The file of the token has changed. Who does not lead reads it when it does. */
  tokenChanged(): void {
    const { machine, scheduler, token } = this.#parts;
    scheduler.after(scheduler.delay(10, 5_000), machine, () => this.#rotation?.offer(token()));
  }

  /** The listener's connection is half open for so long; then it connects anew. */
  deafen(ms: number): void {
    const { machine, scheduler } = this.#parts;
    this.#deafUntil = scheduler.now + ms;
    scheduler.after(ms + CONNECT_MS, machine, () => this.#term?.readEverything());
  }

  /** One after the other: a term has ended before the next one begins. */
  #then(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(step);
  }

  readonly #reach: Reach = (point, run) => this.machine.database(point, run);

  async #lead(epoch: number): Promise<void> {
    const { machine, tables, cloudflare, scheduler } = this.#parts;
    const { clock } = machine;
    const settings = this.#settings ?? this.#parts.settings();
    if (this.#stopping || this.#election?.epoch !== epoch) return;
    const budget = new ApiBudget({
      limit: settings.apiBudget,
      ...(settings.lotCalls !== undefined && { lotCalls: settings.lotCalls }),
      clock,
      log: spendLog(tables, epoch, this.#reach),
      ...(!settings.libraries && { turnstile: memoryTurnstile(machine.defer) }),
    });
    const api = new CloudflareApi({
      token: this.#parts.token(),
      baseUrl: 'http://cloudflare.invalid/client/v4',
      clock,
      limiter: budget,
      observer: this.#countsNow().calls,
      ...(settings.libraries
        ? { fetch: cloudflare.fetchOf(machine) }
        : { sdk: (token) => cloudflare.sdkOf(machine, token) }),
    });
    this.#parts.sights.lookThrough(machine, api);
    try {
      await this.#reach('daemon.inspect', () => undefined);
      await budget.start();
    } catch {
      budget.stop();
      this.#election?.resign('It cannot do the work.');
      return;
    }
    scheduler.tell(machine.name, () => `leads in epoch ${epoch}`);
    this.#budget = budget;
    const ledger = new MemoryLedger(tables, epoch, this.#reach);
    this.#rotation = new Rotation({
      clock,
      random: scheduler.random,
      use: (token) => api.changeToken(token, { priority: TOKEN_PRIORITY }),
      onRefused: (error) => scheduler.tell(machine.name, () => `a new token is refused: ${error.code}`),
      onUsed: (token) => scheduler.tell(machine.name, () => `uses the token ${token}`),
    });
    this.#term = new Term({
      ledger,
      source: new MemorySource(tables, epoch, this.#reach),
      api,
      operations: operationsOf(tables, this.#reach),
      fence: new Fence(epoch),
      clock,
      random: scheduler.random,
      defer: machine.defer,
      newId: () => `${machine.name.replace(' ', '')}-${machine.life}-${++this.#intents}`,
      leadsForMs: () => (this.#election?.epoch === epoch ? this.#election.remainingMs() : 0),
      rules: settings.rules,
      onlyZones: null,
      deleteLimit: settings.deleteLimit,
      concurrency: 1_000,
      passive: false,
      resyncMs: settings.resyncMs,
      driftMinMs: settings.driftMinMs,
      driftMaxMs: settings.driftMaxMs,
      driftCallsPer5Min: () => settings.apiBudget / 2,
      historyDays: 90,
      observer: this.#observer(),
      onOperation: this.#countsNow().onOperation,
      onZones: () => undefined,
    });
    const tellings = new Tellings(machine.life, () => tables.now(), this.#parts.wasMade);
    this.#tellings.set(epoch, tellings);
    tellings.listen(this.#term.queue, ledger);
    this.#parts.sights.follow(machine, this.#term.queue);
    this.#term.start();
  }

  async #follow(): Promise<void> {
    const term = this.#term;
    const budget = this.#budget;
    if (term === null) return;
    this.#rotation?.stop();
    this.#rotation = null;
    this.#term = null;
    this.#budget = null;
    this.#parts.scheduler.tell(this.machine.name, () => 'leads no more');
    await term.stop(GRACE_MS);
    this.#counts.get(this.machine.life)?.endTerm();
    budget?.stop();
  }

  /** Made for the first term of a life: most never lead. */
  #countsNow(): Counts {
    const { machine } = this.#parts;
    const counts = this.#counts.get(machine.life) ?? new Counts(machine.clock);
    this.#counts.set(machine.life, counts);
    return counts;
  }

  #observer(): CoreObserver {
    const { scheduler, machine, onBug } = this.#parts;
    const counted = this.#countsNow().observer;
    const tell = (text: () => string) => scheduler.tell(machine.name, text);
    return {
      driftDetected: (zone, drift) => {
        counted.driftDetected(zone, drift);
        tell(() => `finds drift in ${zone}: ${drift}`);
      },
      changed: (change) => {
        tell(() => `${change.action} of ${change.fqdn}: ${change.result} (${change.trigger})`);
        counted.changed(change);
      },
      converged: (...args) => counted.converged(...args),
      late: (...args) => counted.late(...args),
      stateChanged: (fqdn, _, state, reason) =>
        tell(() => `${fqdn} is ${state}${reason === null ? '' : `: ${reason}`}`),
      zoneChecked: (zone, error) => {
        if (error !== null) tell(() => `could not look at ${zone}: ${error.code}`);
      },
      failed: (what, error: ZonekeeperError) => {
        const { code } = toError(error);
        tell(() => `${what} failed: ${error.code} ${error.message}`);
        if (code === 'internal') onBug(error);
      },
    };
  }
}
