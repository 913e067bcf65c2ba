import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A worker says so after each this many schedules. */
export const TOLD_EVERY = 20;
const FOR_EVER_S = 1_000_000;
const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** What many seeds came to. */
export interface Tally {
  schedules: number;
  faults: number;
  events: number;
  virtualMs: number;
  failures: number;
  /** Strikes by point and effect. */
  coverage: [string, number][];
}

/** The same of a whole sweep. */
export interface Swept extends Tally {
  /** All seeds below this one were run; some of those that follow, too, where the time was over. */
  readonly allBefore: number;
}

export interface SweepOptions {
  readonly from: number;
  readonly seeds: number;
  /** No schedule begins after this time; null: until all are done. */
  readonly seconds: number | null;
  readonly workers: number;
  /** Ends it after the schedules that are under way. */
  readonly signal?: AbortSignal;
  readonly onFailure: (seed: number, problem: string) => void;
  /** So many schedules more are done. */
  readonly onProgress: (schedules: number) => void;
}

/** Runs seeds in several processes, for each schedule has its process to itself. */
export async function sweep({
  from,
  seeds,
  seconds,
  workers,
  signal,
  onFailure,
  onProgress,
}: SweepOptions): Promise<Swept> {
  const total: Tally = { schedules: 0, faults: 0, events: 0, virtualMs: 0, failures: 0, coverage: [] };
  const coverage = new Map<string, number>();
  let allBefore = from + seeds;
  const share = async (index: number) => {
    const args = [
      '--max-semi-space-size=64',
      WORKER,
      String(from + index),
      String(seeds - index),
      String(workers),
      String(seconds ?? FOR_EVER_S),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`A worker ended with ${code}.`))));
    });
    const interrupt = () => child.kill('SIGINT');
    signal?.addEventListener('abort', interrupt);
    for await (const line of createInterface({ input: child.stdout })) {
      const [, seed, problem] = /^seed (\d+): (.*)$/.exec(line) ?? [];
      if (line === '.') onProgress(TOLD_EVERY);
      else if (seed !== undefined) onFailure(Number(seed), problem ?? '');
      else if (line.startsWith('{')) {
        const tally = JSON.parse(line) as Tally;
        add(total, coverage, tally);
        allBefore = Math.min(allBefore, from + index + tally.schedules * workers);
      }
    }
    signal?.removeEventListener('abort', interrupt);
    await ended;
  };
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, (_, index) => share(index)));
  return { ...total, allBefore, coverage: [...coverage].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

function add(total: Tally, coverage: Map<string, number>, part: Tally): void {
  total.schedules += part.schedules;
  total.faults += part.faults;
  total.events += part.events;
  total.virtualMs += part.virtualMs;
  total.failures += part.failures;
  for (const [what, times] of part.coverage) coverage.set(what, (coverage.get(what) ?? 0) + times);
}
