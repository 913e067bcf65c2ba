import type { Random } from '../../src/controller/clock.ts';
import { type Blow, Blows } from './blows.ts';
import { faults, history, look } from './checks.ts';
import { Orders } from './orders.ts';
import { metricsDiffer } from './scrape.ts';
import { Stage } from './stage.ts';
import { Storm } from './storm.ts';

export interface ChaosOptions {
  /** `kill -9` of a daemon, at least. */
  readonly kills: number;
  /** Changes of consumers and of records, at least. */
  readonly changes: number;
  readonly daemons: number;
  readonly random: Random;
  readonly say: (line: string) => void;
  /** Is given how to end all processes, stopped ones too, and to remove what they wrote. */
  readonly onOpened?: (close: () => Promise<void>) => void;
}

/** What a run came to. */
export interface ChaosResult {
  /** What was not as it must be; empty when all is well. */
  readonly problems: readonly string[];
  readonly blows: Readonly<Record<Blow, number>>;
  readonly changes: number;
  readonly orders: Orders['counts'];
  readonly names: number;
  readonly calls: number;
  readonly terms: number;
  readonly seconds: number;
}

/** Between two blows. Most fall while the last one is being recovered from, some after a while of peace. Milliseconds. */
const SHORT_MS = 2_500;
const LONG_MS = 16_000;
/** How long everything may take to come to rest: a full budget has to become free again. Milliseconds. */
const REST_MS = 720_000;
/** Strikes of the storm beside which somebody orders something. */
const ORDERS_SHARE = 0.4;
const PAUSE_MS = 1_000;
const TELL_EVERY_MS = 30_000;
const TOLD = 6;
/** In the report. */
const MAX_PROBLEMS = 50;

/** Real processes, killed and struck at random moments during a storm of changes; then everything must be as it should. */
export async function chaos({ kills, changes, daemons, random, say, onOpened }: ChaosOptions): Promise<ChaosResult> {
  const began = performance.now();
  const stage = await Stage.open(daemons);
  onOpened?.(() => stage.close());
  const blows = new Blows(stage, random);
  const storm = new Storm(stage, random);
  const orders = new Orders(stage, random);
  try {
    await stage.dashboard.latency(40);
    for (const daemon of stage.daemons) daemon.start();
    await storm.strike();
    const over = () => blows.kills >= kills;
    await Promise.all([
      struck(blows, over, random, say, storm),
      stormy(storm, orders, () => over() && storm.changes >= changes, changes / Math.max(1, kills), random),
    ]);
    await blows.end();
    await stage.dashboard.latency(0);
    say(`${blows.kills} kills and ${storm.changes} changes are over; waiting for rest`);
    const problems = await rest(stage, storm, orders, say);
    problems.push(...(await history(stage, storm, orders)), ...(await metricsDiffer(stage)));
    const [row] = await stage.rows<{ epoch: number }>('SELECT epoch::int FROM zonekeeper.leader');
    const { requests } = await stage.dashboard.counters();
    return {
      problems: problems.slice(0, MAX_PROBLEMS),
      blows: blows.counts,
      changes: storm.changes,
      orders: orders.counts,
      names: (await look(stage)).wanted.size,
      calls: requests,
      terms: row?.epoch ?? 0,
      seconds: (performance.now() - began) / 1_000,
    };
  } finally {
    await stage.close();
  }
}

async function struck(blows: Blows, over: () => boolean, random: Random, say: (line: string) => void, storm: Storm) {
  while (!over()) {
    await pause(random() * (random() < 0.85 ? SHORT_MS : LONG_MS));
    const blow = await blows.strike();
    if (blow === 'kill -9' && blows.kills % 10 === 0) say(`${blows.kills} kills, ${storm.changes} changes`);
  }
}

/** Spreads the changes over the run. */
async function stormy(storm: Storm, orders: Orders, over: () => boolean, perKill: number, random: Random) {
  // A kill comes every four seconds or so, and a strike changes seven rows on average.
  const every = 4_000 / Math.max(0.5, perKill / 7);
  while (!over()) {
    await storm.strike();
    // Beside the storm: whoever waits for a plan must not hold it up.
    if (random() < ORDERS_SHARE) void orders.strike();
    await pause(random() * 2 * every);
  }
}

/** Waits until nothing is wrong twice in a row; returns what is still wrong when the time is over. */
async function rest(stage: Stage, storm: Storm, orders: Orders, say: (line: string) => void): Promise<string[]> {
  const until = performance.now() + REST_MS;
  let well = 0;
  for (let tellAt = 0; ; ) {
    const wrong = faults(await look(stage), storm);
    well = wrong.length === 0 ? well + 1 : 0;
    if (well === 2) return [];
    // Somebody looks at what the guard holds, and confirms it: again and again, as more comes to it meanwhile.
    if (wrong.length > 0) await orders.confirm().catch(() => undefined);
    if (performance.now() > until) return wrong;
    if (wrong.length > 0 && performance.now() > tellAt) {
      say(`${wrong.length} things are not at rest yet: ${wrong.slice(0, TOLD).join('; ')}`);
      tellAt = performance.now() + TELL_EVERY_MS;
    }
    await pause(PAUSE_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
