import { PatternList } from '../../src/dns/pattern.ts';
import { type DesiredRules, resolveDesired } from '../../src/dns/resolve.ts';
import { TargetAllowList } from '../../src/dns/target.ts';
import { Deeds } from './deeds.ts';
import { Grace } from './grace.ts';
import { Invariants } from './invariants.ts';
import { BASE_WALL, type CallEffect, Machine } from './machine.ts';
import { type ApiEffect, type Departure, MemoryCloudflare } from './memory-cloudflare.ts';
import { nameOf, People } from './people.ts';
import { type ApiPoint, type DatabasePoint, type Deviation, isFault, LABELS, type Plan, type Strike } from './plan.ts';
import { SimulatedProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { Tables } from './tables.ts';
import { Tokens } from './tokens.ts';

const ZONES = ['example.com', 'lab.example.com', 'example.org'];
const RULES: DesiredRules = { names: null, ignore: new PatternList([]), targets: new TargetAllowList(null) };
/** Effects that keep nobody waiting for long. */
const QUICK_CALL_EFFECTS = ['fail before', 'fail after'] as const satisfies readonly CallEffect[];
const QUICK_API_EFFECTS = [
  ...(['unreachable', 'reset before', 'lost after'] as const),
  ...(['html', 'status 500', 'truncated', 'empty', 'stale', 'refused'] as const),
] as const satisfies readonly ApiEffect[];

/** Where strikes fall: counts each point and effect, so that a run shows which were never struck. */
export type Coverage = Map<string, number>;

/** A whole schedule: processes, database, Cloudflare, people, and what befalls them. */
export class World {
  readonly scheduler: Scheduler;
  readonly tables: Tables;
  readonly cloudflare: MemoryCloudflare;
  readonly processes: readonly SimulatedProcess[];
  readonly invariants: Invariants;
  readonly grace: Grace;
  readonly deeds = new Deeds();
  /** Faults that struck. */
  struck = 0;
  /** Calls of the core, in order: where a crash can be enumerated. */
  calls = 0;
  readonly #plan: Plan;
  readonly #coverage: Coverage;
  readonly #armed: Strike[] = [];
  readonly #crashAt: ReadonlySet<number>;
  #databaseDownUntil = 0;
  #notifications: { readonly how: 'lost' | 'doubled' | 'late'; readonly until: number } | null = null;
  /** The epoch in which a batch left. */
  readonly #writes = new WeakMap<Departure, number>();
  /** By process and zone: the last change when it was given a page of a list. */
  readonly #pages = new Map<string, number>();
  readonly #tokens: Tokens;
  readonly people: People;
  /** Of the configuration that processes are started with. */
  #deviation: Deviation | null = null;
  #calmAt = Number.POSITIVE_INFINITY;

  constructor(plan: Plan, seed: number, options: { trace: boolean; coverage: Coverage; crashAt?: readonly number[] }) {
    this.#plan = plan;
    this.#coverage = options.coverage;
    this.#crashAt = new Set(options.crashAt ?? []);
    this.scheduler = new Scheduler(seed, options.trace);
    const { scheduler } = this;
    this.tables = new Tables(() => BASE_WALL + scheduler.now);
    const sky = {
      strike: (machine: Machine, point: ApiPoint) =>
        this.#strikeOf<ApiEffect>('api call', machine, point)?.effect ?? null,
      onDeparture: (departure: Departure) => {
        this.deeds.left(departure.machine, departure.life);
        if (departure.operation === 'batch') this.#writes.set(departure, this.tables.leader.epoch);
        const settings = this.processes.find(({ machine }) => machine === departure.machine)?.settings ?? null;
        this.invariants.departure(departure, settings?.deviation ?? null);
        this.invariants.hold(() => this.grace.departure(departure));
      },
      onArrival: (departure: Departure) => {
        this.#arrived(departure);
        this.invariants.arrival(departure);
      },
      onGivenUp: (departure: Departure) => this.invariants.givenUp(departure),
      onMade: ({ machine, life }: Departure, entries: Parameters<Deeds['made']>[3]) =>
        this.deeds.made(machine, life, this.tables.now(), entries),
      onLimited: (departure: Departure, retryAfterMs: number | null) =>
        this.invariants.limited(departure, retryAfterMs),
    };
    this.cloudflare = new MemoryCloudflare(scheduler, sky, ZONES, plan.smallPages);
    this.invariants = new Invariants({
      tables: this.tables,
      cloudflare: () => this.cloudflare,
      now: () => scheduler.now,
      apiBudget: plan.apiBudget,
      guard: plan.guard,
      epochOf: ({ machine }) => this.processes.find((one) => one.machine === machine)?.epoch ?? null,
    });
    const begunAt = ({ machine }: { readonly machine: Machine }, fqdn: string) =>
      this.processes.find((one) => one.machine === machine)?.begunAt(fqdn) ?? this.tables.now();
    this.grace = new Grace({
      graceMs: plan.deleteGraceMs,
      tables: this.tables,
      isOrdered: (id) => this.invariants.orders.isOrdered(id, this.tables.now()),
      begunAt,
      standing: (fqdn) => this.invariants.standing(fqdn).map(({ id }) => id),
    });
    this.#tokens = new Tokens(scheduler, this.cloudflare);
    this.people = new People({
      scheduler,
      tables: this.tables,
      cloudflare: this.cloudflare,
      invariants: this.invariants,
      grace: this.grace,
      notify: (what) => this.#notify(what),
      calm: () => this.#calm(),
    });
    const weather = {
      strike: (machine: Machine, point: DatabasePoint) => this.#strikeOf<CallEffect>('database call', machine, point),
      databaseDown: () => scheduler.now < this.#databaseDownUntil,
      calm: () => this.#calm(),
      crashed: (machine: Machine) => this.#restartLater(machine),
      came: (what: string) => this.#count(what, false),
    };
    this.processes = Array.from(
      { length: plan.daemons },
      (_, index) =>
        new SimulatedProcess({
          machine: new Machine(`daemon ${index + 1}`, scheduler, weather),
          tables: this.tables,
          cloudflare: this.cloudflare,
          scheduler,
          settings: () => this.#settings(),
          token: () => this.#tokens.newest,
          onLeaderGone: () => this.#notify('leader'),
          sights: this.invariants.sights,
          onBug: (error) => this.invariants.bug(error),
          wasMade: (change, since) => {
            const exists = (id: string) =>
              this.cloudflare.control.records({ zone: change.zone }).some((r) => r.id === id);
            this.invariants.hold(() => this.deeds.settled(change, since, exists));
          },
        }),
    );
  }

  /** Plans everything that will happen, and starts the processes. */
  begin(): void {
    for (const one of this.processes) this.scheduler.after(this.scheduler.delay(0, 3_000), null, () => one.start());
    for (const strike of this.#plan.strikes) {
      this.scheduler.after(strike.at, null, () => {
        this.scheduler.tell('world', () => JSON.stringify(strike));
        this.#happen(strike);
      });
    }
  }

  /** One more fault, at whatever call comes next; and a change, so that there is something to call for. */
  strikeAnything(): void {
    const { scheduler } = this;
    const m = scheduler.below(200);
    this.#happen({ at: scheduler.now, kind: scheduler.pick(['want', 'retarget']), n: scheduler.below(LABELS), m });
    const [kind, effects] = scheduler.pick([
      ['database call', QUICK_CALL_EFFECTS],
      ['api call', QUICK_API_EFFECTS],
    ] as const);
    this.#happen({ at: scheduler.now, kind, point: null, effect: scheduler.pick<string>(effects) } as Strike);
  }

  /** When faults end, with whatever they make slow. Virtual milliseconds. */
  get faultsEnd(): number {
    return Math.max(this.#calmAt, this.scheduler.lingersUntil);
  }

  #calm(): boolean {
    return this.#calmAt < Number.POSITIVE_INFINITY;
  }

  /** No more faults: everything that is down comes back. */
  calm(): void {
    this.#calmAt = this.scheduler.now;
    this.#armed.length = 0;
    this.#notifications = null;
    this.#databaseDownUntil = 0;
    this.#tokens.calm();
    this.cloudflare.calm();
    this.#deviation = null;
    for (const { machine, settings } of this.processes) {
      machine.resume();
      // It has another configuration than the rest from now on.
      if (settings !== null && settings.deviation !== null) machine.crash();
    }
    for (const one of this.processes) one.start();
    this.scheduler.tell('world', () => 'no more faults');
  }

  #settings() {
    const { apiBudget, lotCalls, guard, driftMinMs, deleteGraceMs, libraries } = this.#plan;
    const deviation = this.#deviation;
    return {
      rules: {
        resolve: (fqdn: string, rows: Parameters<typeof resolveDesired>[1]) => resolveDesired(fqdn, rows, RULES),
        outside: () => null,
        allowApex: false,
        allowWildcard: false,
        policy: deviation === 'upsert-only' || deviation === 'create-only' ? deviation : ('sync' as const),
        dryRun: deviation === 'dry run',
        deleteGraceMs,
        ownerId: 'simulation',
      },
      apiBudget,
      lotCalls,
      deleteLimit: deviation === 'no deletions' ? { share: 0, min: 0 } : guard,
      deviation,
      driftMinMs,
      driftMaxMs: 600_000,
      resyncMs: 300_000,
      libraries,
    };
  }

  /** The fault that strikes a call, once. */
  #strikeOf<Effect extends CallEffect | ApiEffect>(
    kind: 'database call' | 'api call',
    machine: Machine,
    point: ApiPoint | DatabasePoint,
  ): { readonly effect: Effect; readonly ms?: number } | null {
    this.calls += 1;
    if (this.#crashAt.has(2 * this.calls)) return { effect: 'crash before' as Effect };
    if (this.#crashAt.has(2 * this.calls + 1)) return { effect: 'crash after' as Effect };
    const at = this.#armed.findIndex(
      (strike) => strike.kind === kind && (strike.point === null || strike.point === point),
    );
    if (at === -1) return null;
    const [strike] = this.#armed.splice(at, 1);
    if (strike?.kind !== 'database call' && strike?.kind !== 'api call') return null;
    this.#count(`${point}: ${strike.effect}`);
    this.scheduler.tell(machine.name, () => `${point} is struck: ${strike.effect}`);
    const ms = strike.kind === 'database call' ? strike.ms : undefined;
    return { effect: strike.effect as Effect, ...(ms !== undefined && { ms }) };
  }

  #count(what: string, fault = true): void {
    if (fault) this.struck += 1;
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1);
  }

  /** Counts what is meant to happen, but of which nobody can draw the moment. */
  #arrived(departure: Departure): void {
    const { machine, operation, zoneId } = departure;
    const { epoch, holder } = this.tables.leader;
    if (operation === 'batch' && (holder === null || this.#writes.get(departure) !== epoch)) {
      this.#count('leadership lost in the middle of a write', false);
    }
    const reader = `${machine.name} ${zoneId}`;
    if (operation === 'next_page') {
      const zone = this.cloudflare.control.zones().find(({ id }) => id === zoneId)?.name;
      const since = this.cloudflare.changes(this.#pages.get(reader));
      if (since.some((change) => change.zone === zone)) this.#count('list shifts between pages', false);
    }
    if (operation === 'list_records' || operation === 'next_page') this.#pages.set(reader, this.cloudflare.last);
  }

  #restartLater(machine: Machine): void {
    const process = this.processes.find((one) => one.machine === machine);
    this.scheduler.after(this.scheduler.delay(200, 20_000), null, () => process?.start());
  }

  #happen(strike: Strike): void {
    const { scheduler } = this;
    if (strike.kind === 'database call' || strike.kind === 'api call') {
      this.#armed.push(strike);
      return;
    }
    if (strike.kind === 'configuration') this.#count(`configuration: ${strike.how}`, false);
    else if (strike.kind === 'token rotated') this.#count(strike.kind, false);
    else if (strike.kind === 'notifications') this.#count(`notifications ${strike.how}`);
    else if (isFault(strike) || strike.kind === 'terminate') this.#count(strike.kind, isFault(strike));
    switch (strike.kind) {
      case 'crash':
        this.processes[strike.daemon]?.machine.crash();
        return;
      case 'terminate':
        this.processes[strike.daemon]?.terminate();
        return;
      case 'pause': {
        const machine = this.processes[strike.daemon]?.machine;
        machine?.pause();
        scheduler.after(strike.ms, null, () => machine?.resume());
        return;
      }
      case 'clock jumps':
        this.processes[strike.daemon]?.machine.jump(strike.ms);
        return;
      case 'database down':
        this.#databaseDownUntil = scheduler.now + strike.ms;
        return;
      case 'database crash':
        this.tables.crash(scheduler.random);
        this.#databaseDownUntil = scheduler.now + 1_000;
        for (const one of this.processes) one.deafen(1_000);
        return;
      case 'token revoked':
        this.#tokens.revoke(strike.ms);
        return;
      case 'token rotated':
        this.#tokens.rotate(strike.ms);
        for (const one of this.processes) one.tokenChanged();
        return;
      case 'configuration':
        this.#deviation = strike.how === 'usual' ? null : strike.how;
        this.processes[strike.daemon]?.terminate();
        return;
      case 'poison':
        this.cloudflare.poison(nameOf(strike.n), strike.ms);
        return;
      case 'full zone': {
        const zone = this.cloudflare.control.zones().find(({ name }) => name === ZONES[strike.n % ZONES.length]);
        this.cloudflare.fill(zone?.id ?? '', strike.ms);
        return;
      }
      case 'notifications':
        this.#notifications = { how: strike.how, until: scheduler.now + strike.ms };
        return;
      case 'deaf':
        this.processes[strike.daemon]?.deafen(strike.ms);
        return;
      default:
        this.people.act(strike);
    }
  }

  #notify(what: 'changes' | 'operations' | 'leader'): void {
    const mode = this.#notifications;
    const how = mode !== null && this.scheduler.now < mode.until ? mode.how : null;
    if (how === 'lost') return;
    const send = () => {
      for (const one of this.processes) one.notified(what);
    };
    if (how === 'late') this.scheduler.after(this.scheduler.delay(500, 20_000), null, send);
    else send();
    if (how === 'doubled') send();
  }
}
