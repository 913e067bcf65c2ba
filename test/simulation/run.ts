import type { Report } from '../../src/reconcile/report.ts';
import { seededRandom } from '../support/virtual-clock.ts';
import { drawPlan } from './draw.ts';
import { takeOver } from './globals.ts';
import { Broken } from './invariants.ts';
import { heldForNothing, miscounted, untrue } from './last-sync.ts';
import { BASE_WALL } from './machine.ts';
import type { Plan } from './plan.ts';
import { unrest } from './unrest.ts';
import { type Coverage, World } from './world.ts';

/** What a schedule came to. */
export interface Outcome {
  /** Null when every promise held. */
  readonly problem: string | null;
  /** Faults that struck. */
  readonly faults: number;
  readonly events: number;
  /** Calls of the core to the database and to Cloudflare, until the last fault. */
  readonly callsUntilCalm: number;
  /** The same until everything has come to rest. */
  readonly callsUntilRest: number;
  readonly virtualMs: number;
  readonly trace: readonly string[];
}

export interface RunOptions {
  readonly trace?: boolean;
  readonly coverage?: Coverage;
  /** Instead of the one that the seed draws. */
  readonly plan?: Plan;
  /** Crashes by enumeration: 2n for before, 2n + 1 for after the n-th call. */
  readonly crashAt?: readonly number[];
}

/**
 * After the last fault, and the end of whatever it made slow, everything comes to rest within this time, not counted while
 * no call may leave and while a name says when it is tried again: a new leader and a few looks at the zones, but no resync,
 * which would make up for whatever was forgotten.
 */
const REST_MS = 75_000;
/** Zones are looked at as often as this; or more seldom, and then it takes as long as two of these looks more. */
const LOOKED_AT_EVERY_MS = 15_000;
/** Whatever happens. */
const LIMIT_MS = 2_700_000;
const LOOK_MS = 3_000;
/** What has come to rest stays so. */
const STAY_MS = 17_000;
/** More than an answer of the database takes on a good day. */
const ANSWER_MS = 100;
/** Pause between faults that are made up for. */
const STRIKE_EVERY_MS = 500;
const SCHEDULE = 0x9e3779b9;

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  return drawPlan(seededRandom(seed));
}

/** Runs one schedule to its end. One at a time: it takes over the global functions of time. */
export async function runSchedule(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const plan = options.plan ?? planOf(seed);
  const { trace = false, coverage = new Map(), crashAt } = options;
  const world = new World(plan, seed ^ SCHEDULE, { trace, coverage, ...(crashAt && { crashAt }) });
  const { scheduler } = world;
  let rejected: unknown = null;
  const onRejection = (error: unknown) => {
    rejected ??= error;
  };
  const clockOf = () => world.processes.find(({ machine }) => machine === scheduler.owner)?.machine.clock;
  const undo = takeOver({
    after: (ms, run) => {
      const clock = clockOf();
      return clock === undefined ? scheduler.after(ms, scheduler.owner, run) : clock.after(ms, run).cancel;
    },
    wall: () => clockOf()?.wall() ?? scheduler.now,
    random: () => scheduler.random(),
  });
  process.on('unhandledRejection', onRejection);
  let problem: string | null = null;
  let callsUntilCalm = 0;
  let callsUntilRest = 0;
  try {
    world.begin();
    const check = () => {
      if (rejected !== null) throw rejected;
      world.invariants.changed();
      return false;
    };
    await scheduler.run(plan.lastsMs, check);
    // What was planned for a call that nobody made did not strike.
    while (world.struck < plan.leastFaults) {
      world.strikeAnything();
      await scheduler.run(scheduler.now + STRIKE_EVERY_MS, check);
    }
    callsUntilCalm = world.calls;
    world.calm();
    problem = await rest(world, restMs(plan), check);
    callsUntilRest = world.calls;
    if (problem === null) reports(world);
    problem ??= await lastSync(world, plan, check);
  } catch (error) {
    problem =
      error instanceof Broken ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    undo();
    process.off('unhandledRejection', onRejection);
  }
  if (problem !== null) scheduler.tell('verdict', () => problem ?? '');
  const { count: events, now: virtualMs, lines } = scheduler;
  return { problem, faults: world.struck, events, callsUntilCalm, callsUntilRest, virtualMs, trace: lines };
}

function restMs({ driftMinMs }: Plan): number {
  return REST_MS + 2 * Math.max(0, driftMinMs - LOOKED_AT_EVERY_MS);
}

async function rest(world: World, withinMs: number, check: () => boolean): Promise<string | null> {
  const { scheduler, tables, cloudflare, invariants } = world;
  const limit = scheduler.now + LIMIT_MS;
  let from = world.faultsEnd;
  for (;;) {
    // What was slow has its answer at that moment, and acts by it then.
    await scheduler.run(Math.max(scheduler.now, world.faultsEnd) + LOOK_MS, check);
    const wrong = unrest(tables, cloudflare);
    // Whoever leads next may see it otherwise.
    if (world.processes.every(({ term }) => term === null)) wrong.push('nobody leads');
    const tries = [...tables.names.values()].some(
      ({ tryAt, code, state }) =>
        tryAt !== null &&
        tryAt > tables.now() &&
        // A grace that goes on for longer than it may is no reason to wait.
        (code !== 'delete_held' || state !== 'orphaned' || world.grace.mayLast(BASE_WALL + world.faultsEnd)),
    );
    // Who says when it is tried again is not at rest before.
    if (wrong.length === 0 && (!tries || scheduler.now > limit)) {
      const { batches } = invariants;
      await scheduler.run(scheduler.now + STAY_MS, check);
      const again = unrest(tables, cloudflare);
      // Or is about to be: nothing was open when all was in sync.
      const begun = [...tables.intents.values()].some(({ state }) => state === 'open');
      const written = begun || invariants.batches !== batches;
      if (!written) return again.length === 0 ? null : `it did not stay at rest: ${again.slice(0, 5).join('; ')}`;
      // A run that was slow, and ended only now: then it is to come to rest once more, in the same time.
      wrong.push(...again, 'something was written although all was in sync');
    }
    from = Math.max(from, world.faultsEnd);
    if (tries || world.processes.some(({ halted }) => halted)) from = scheduler.now;
    if (scheduler.now > Math.min(from + withinMs, limit)) return `not at rest: ${wrong.slice(0, 5).join('; ')}`;
  }
}

/**
 * Somebody orders one more sync, to be told how things are. Nothing is in its way but a budget that is spent; then it is not
 * waited for.
 */
async function lastSync(world: World, { guard }: Plan, check: () => boolean): Promise<string | null> {
  const { scheduler, tables, cloudflare, processes, people } = world;
  const halted = () => processes.some((one) => one.halted);
  if (halted()) return null;
  const { last } = cloudflare;
  const row = tables.operations.get(people.sync());
  // Where crashes are enumerated, the last one may have come just now.
  const until = scheduler.now + REST_MS;
  const ended = await scheduler.run(until, () => check() || row?.finishedAt !== null || halted());
  // Whoever carried it out is answered.
  await scheduler.run(scheduler.now + ANSWER_MS, check);
  if (row === undefined || !ended) return 'a sync that was ordered at rest does not end';
  // What it has made so far may not be counted yet.
  if (row.finishedAt === null) return null;
  reports(world);
  if (row.error !== null) return `a sync that was ordered at rest failed: ${row.error.message}`;
  const wrong = untrue(row.report as Report, tables, cloudflare.changes(last));
  if (wrong.length > 0) return `a sync that was ordered at rest tells of ${wrong.join('; ')}`;
  const held = heldForNothing(tables, cloudflare, guard.min);
  if (held.length > 0) return `the guard holds ${held.join(', ')} for nothing`;
  const [leading] = processes.flatMap(({ term }) => term ?? []);
  const miscount = leading === undefined ? [] : miscounted(leading, tables);
  if (miscount.length > 0) return miscount.join('; ');
  const found = unrest(tables, cloudflare);
  return found.length === 0 ? null : `it was not at rest after a sync: ${found.slice(0, 5).join('; ')}`;
}

/** What was told is what happened. */
function reports({ tables, cloudflare, invariants, processes, deeds }: World): void {
  invariants.confirmations();
  for (const { id, report, kind, epoch } of tables.operations.values()) {
    if (report === null) continue;
    const told = report as Report;
    if (kind !== 'plan') invariants.report(told);
    const tellings = processes.map((one) => one.tellings(epoch ?? 0)).find((found) => found !== null);
    const wrong = tellings?.examine(id, told) ?? null;
    if (wrong !== null) throw new Broken(wrong);
  }
  const removed = cloudflare.changes().filter(({ actor, after }) => actor === 'person' && after === null).length;
  deeds.counted(
    processes.flatMap(({ lives }) => lives),
    removed,
    [...tables.operations.values()].filter(({ finishedAt }) => finishedAt !== null).length,
  );
}
