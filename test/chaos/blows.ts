import type { Random } from '../../src/controller/clock.ts';
import type { FaultEffect } from '../../src/simulator/simulator.ts';
import type { Child } from './child.ts';
import type { Stage } from './stage.ts';

/** The kinds of blows, and how often each of them falls. */
const KINDS = {
  'kill -9': 10,
  'terminated and started': 1,
  paused: 3,
  'database crashed': 1,
  'database connections cut': 2,
  'Cloudflare paused': 1,
  'Cloudflare fails calls': 4,
  'token revoked for a while': 1,
} as const;
export type Blow = keyof typeof KINDS;

/** Longer than a lease lasts, so that a standby takes over from one that is paused. */
const LONGEST_PAUSE_MS = 14_000;

/** Most blows at a daemon are meant for the one that leads. */
const LEADER_SHARE = 0.7;
/** For so long at most it is left at work before it is struck. */
const AT_WORK_MS = 2_000;
const LEADER_WAIT_MS = 15_000;
const LOOK_MS = 50;

/** What fails at Cloudflare: before the effect, after it, and in words that nobody expects. */
const EFFECTS: readonly FaultEffect[] = [
  { kind: 'reset' },
  { kind: 'lost', applied: true },
  { kind: 'lost', applied: false },
  { kind: 'html', status: 502 },
  { kind: 'status', status: 500 },
  { kind: 'truncated' },
  { kind: 'truncated', aborted: true },
  { kind: 'delay', ms: 3_000 },
  { kind: 'limited', seconds: 2 },
  { kind: 'stale', writes: 3 },
];

/** Strikes the processes. */
export class Blows {
  readonly counts: Record<Blow, number> = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0])) as never;
  readonly #stage: Stage;
  readonly #random: Random;
  /** Pauses that are to end. */
  readonly #pauses = new Set<Promise<void>>();

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
  }

  get kills(): number {
    return this.counts['kill -9'];
  }

  async strike(): Promise<Blow> {
    const blow = this.#choose();
    await this.#carryOut(blow);
    this.counts[blow] += 1;
    return blow;
  }

  /** Ends all that is still going on. */
  async end(): Promise<void> {
    await Promise.all(this.#pauses);
    await this.#stage.dashboard.clearFaults();
    await this.#stage.dashboard.token(true);
    for (const daemon of this.#stage.daemons) if (!daemon.running) daemon.start();
  }

  async #carryOut(blow: Blow): Promise<void> {
    const stage = this.#stage;
    const daemon = (this.#random() < LEADER_SHARE ? await this.#leader() : null) ?? this.#pick(stage.daemons);
    if (blow === 'kill -9') return this.#kill(daemon);
    if (blow === 'terminated and started') {
      if (daemon.paused) return;
      await daemon.terminate();
      daemon.start();
    } else if (blow === 'paused') {
      daemon.pause();
      this.#later(this.#random() * LONGEST_PAUSE_MS, () => daemon.resume());
    } else if (blow === 'database crashed') await stage.crashDatabase();
    else if (blow === 'database connections cut') await stage.cutDatabase();
    else if (blow === 'Cloudflare paused') {
      stage.pauseCloudflare();
      await pause(this.#random() * 3_000);
      stage.resumeCloudflare();
    } else if (blow === 'Cloudflare fails calls') {
      const effect = this.#pick(EFFECTS);
      const operation = effect.kind === 'stale' ? 'list_records' : this.#random() < 0.6 ? 'batch' : undefined;
      await stage.dashboard.fault({
        effect,
        count: 1 + Math.floor(this.#random() * 4),
        ...(operation && { operation }),
      });
    } else {
      await stage.dashboard.token(false);
      this.#later(this.#random() * 4_000, () => stage.dashboard.token(true));
    }
  }

  async #kill(daemon: Child): Promise<void> {
    const { pid } = daemon;
    await daemon.kill();
    daemon.start();
    // Whoever watches over processes tells the others sometimes at once; else they wait until the lease is over.
    if (this.#random() < 0.6) {
      await this.#stage
        .rows(`UPDATE zonekeeper.leader SET holder = NULL WHERE holder LIKE $1`, [`%-${pid}-%`])
        // The database may be struck, too.
        .catch(() => undefined);
    }
  }

  /** The daemon that leads, once one does and has had a moment for its work. Null if none does for a while. */
  async #leader(): Promise<Child | null> {
    const moment = this.#random() * AT_WORK_MS;
    for (let waited = 0; waited < LEADER_WAIT_MS; waited += LOOK_MS) {
      const [row] = await this.#stage
        .rows<{ holder: string | null }>('SELECT holder FROM zonekeeper.leader')
        .catch(() => []);
      const leader = this.#stage.daemons.find(({ pid, running }) => running && row?.holder?.includes(`-${pid}-`));
      if (leader !== undefined) {
        await pause(moment);
        return leader;
      }
      await pause(LOOK_MS);
    }
    return null;
  }

  #later(ms: number, run: () => void | Promise<void>): void {
    const over = pause(ms)
      .then(run)
      .finally(() => this.#pauses.delete(over));
    this.#pauses.add(over);
  }

  #choose(): Blow {
    const entries = Object.entries(KINDS) as [Blow, number][];
    let at = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [kind, weight] of entries) {
      at -= weight;
      if (at < 0) return kind;
    }
    return 'kill -9';
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
