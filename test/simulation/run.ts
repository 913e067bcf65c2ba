import type { Report } from '../../src/reconcile/report.ts';
import { seededRandom } from '../support/virtual-clock.ts';
import { drawPlan } from './draw.ts';
import { takeOver } from './globals.ts';
import { Broken, unrest } from './invariants.ts';
import type { Plan } from './plan.ts';
import { type Coverage, World } from './world.ts';

/** What a schedule came to. */
export interface Outcome {
  /** Null when every promise held. */
  readonly problem: string | null;
  /** Faults that struck. */
  readonly faults: number;
  readonly events: number;
  /** Calls of the core to the database and to Cloudflare. */
  readonly calls: number;
  /** The same until the last fault. */
  readonly callsUntilCalm: number;
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
 * After the last fault, everything comes to rest within this time, not counted while no call may leave and while a name says
 * when it is tried again: a new leader and a few looks at the zones, but no resync, which would make up for whatever was
 * forgotten.
 */
const REST_MS = 90_000;
/** Whatever happens. */
const LIMIT_MS = 2_700_000;
const LOOK_MS = 3_000;
/** What has come to rest stays so. */
const STAY_MS = 17_000;
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
    after: (ms, run) => scheduler.after(ms, scheduler.owner, run),
    wall: () => clockOf()?.wall() ?? scheduler.now,
    random: () => scheduler.random(),
  });
  process.on('unhandledRejection', onRejection);
  let problem: string | null = null;
  let callsUntilCalm = 0;
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
    problem = await rest(world, check);
    if (problem === null) reports(world);
  } catch (error) {
    problem =
      error instanceof Broken ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    undo();
    process.off('unhandledRejection', onRejection);
  }
  if (problem !== null) scheduler.tell('verdict', () => problem ?? '');
  const { count: events, now: virtualMs, lines } = scheduler;
  return { problem, faults: world.struck, events, calls: world.calls, callsUntilCalm, virtualMs, trace: lines };
}

async function rest(world: World, check: () => boolean): Promise<string | null> {
  const { scheduler, tables, cloudflare, invariants } = world;
  const limit = scheduler.now + LIMIT_MS;
  let until = scheduler.now + REST_MS;
  for (;;) {
    await scheduler.run(Math.max(scheduler.now + LOOK_MS, scheduler.lingersUntil), check);
    const wrong = unrest(tables, cloudflare);
    const tries = [...tables.names.values()].some(({ tryAt }) => tryAt !== null && tryAt > scheduler.now);
    // Who says when it is tried again is not at rest before.
    if (wrong.length === 0 && (!tries || scheduler.now > limit)) {
      const { batches } = invariants;
      await scheduler.run(scheduler.now + STAY_MS, check);
      const again = unrest(tables, cloudflare);
      const written = invariants.batches !== batches;
      if (!written) return again.length === 0 ? null : `it did not stay at rest: ${again.slice(0, 5).join('; ')}`;
      // A run that was slow, and ended only now: then it is to come to rest once more, in the same time.
      wrong.push(...again, 'something was written although all was in sync');
    }
    if (tries || world.processes.some(({ halted }) => halted)) until = scheduler.now + REST_MS;
    if (scheduler.now > Math.min(until, limit)) return `not at rest: ${wrong.slice(0, 5).join('; ')}`;
  }
}

/** What was told is what happened. */
function reports({ tables, cloudflare, invariants }: World): void {
  const byName = Map.groupBy(
    cloudflare.changes().filter(({ actor }) => actor === 'api'),
    ({ before, after }) => (after ?? before)?.name ?? '',
  );
  invariants.confirmations();
  for (const { report, kind } of tables.operations.values()) {
    if (report === null || kind === 'plan') continue;
    invariants.report((fqdn) => byName.has(fqdn), report as Report);
  }
  const made = { create: 0, update: 0, delete: 0 };
  // Who comes too late to delete a record finds it gone, and says so: it is.
  for (const { actor, after } of cloudflare.changes()) if (actor === 'person' && after === null) made.delete += 1;
  for (const { before, after } of [...byName.values()].flat()) {
    made[before === null ? 'create' : after === null ? 'delete' : 'update'] += 1;
  }
  for (const action of ['create', 'update', 'delete'] as const) {
    const counted = invariants.done[action];
    // A process that dies takes its last counts with it, so there may be fewer.
    if (counted > made[action])
      throw new Broken(`the metrics count ${counted} times ${action}, it happened ${made[action]} times`);
  }
}
