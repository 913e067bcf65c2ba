/**
 * `npm run simulation`: whole runs of the core on virtual time, with faults at every await.
 *
 *     npm run simulation -- --seeds 10000          that many schedules, new ones each time (or --from N); --seconds S at most
 *     npm run simulation -- --seed S --trace       the story of one, byte for byte the same each time
 *     npm run simulation -- --seed S --reduce      its shortest form that still fails; with --trace also its story
 *     npm run simulation -- --crashes [--pairs]    every crash point of the scenarios in crashes.ts
 *     npm run simulation -- --planted              every mistake in planted/ must be caught
 *
 * Exits with 1 when a promise was broken, or a planted mistake was not caught.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { enumerate, SCENARIOS } from './crashes.ts';
import { CALL_EFFECTS } from './machine.ts';
import { API_EFFECTS } from './memory-cloudflare.ts';
import { API_POINTS, DATABASE_POINTS } from './plan.ts';
import { plant } from './plant.ts';
import { MISTAKES } from './planted/mistakes.ts';
import { reduce } from './reduce.ts';
import { runSchedule } from './run.ts';
import { sweep } from './sweep.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seconds: { type: 'string', default: '86400' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    reduce: { type: 'boolean', default: false },
    crashes: { type: 'boolean', default: false },
    pairs: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    only: { type: 'string' },
    workers: { type: 'string', default: String(Math.min(8, availableParallelism())) },
  },
});
const write = (line: string) => process.stdout.write(`${line}\n`);
// A mistake shows in one schedule of several hundred, some of them.
const seeds = Number(values.seeds ?? (values.planted ? 5_000 : 1_000));
const workers = Math.max(1, Number(values.workers));
const failed = await (values.seed !== undefined
  ? one(Number(values.seed))
  : values.crashes
    ? crashes()
    : values.planted
      ? planted()
      : many());
process.exit(failed ? 1 : 0);

async function one(seed: number): Promise<boolean> {
  if (values.reduce) {
    const { seed: as, plan, problem } = await reduce(seed);
    const { strikes, ...rest } = plan;
    write(JSON.stringify(rest));
    for (const strike of strikes) write(JSON.stringify(strike));
    if (problem !== null && values.trace) {
      for (const line of (await runSchedule(as, { plan, trace: true })).trace) write(line);
    }
    write(`seed ${seed} with ${strikes.length} strikes, interleaved as by ${as}: ${problem ?? 'every promise held'}`);
    return problem !== null;
  }
  const outcome = await runSchedule(seed, { trace: values.trace });
  for (const line of outcome.trace) write(line);
  write(
    `seed ${seed}: ${outcome.problem ?? 'every promise held'} (${outcome.faults} faults, ${outcome.events} events)`,
  );
  return outcome.problem !== null;
}

async function many(): Promise<boolean> {
  const from = values.from === undefined ? 1 + (Date.now() % 1_000_000_000) : Number(values.from);
  const began = performance.now();
  write(`${new Date().toISOString()}: seeds ${from} to ${from + seeds - 1} in ${workers} processes`);
  let done = 0;
  const tally = await sweep({
    from,
    seeds,
    seconds: Number(values.seconds),
    workers,
    onFailure: (seed, problem) => write(`seed ${seed}: ${problem}\n  npm run simulation -- --seed ${seed} --trace`),
    onProgress: (schedules) => {
      done += schedules;
      if (done % 1_000 === 0)
        write(`${done} schedules, ${(done / ((performance.now() - began) / 1_000)).toFixed(1)} a second`);
    },
  });
  const seconds = (performance.now() - began) / 1_000;
  for (const [what, times] of tally.coverage) write(`${String(times).padStart(9)}  ${what}`);
  const points = [
    ...DATABASE_POINTS.flatMap((point) => CALL_EFFECTS.map((effect) => `${point}: ${effect}`)),
    ...API_POINTS.flatMap((point) => API_EFFECTS.map((effect) => `${point}: ${effect}`)),
  ];
  const struck = new Set(tally.coverage.map(([what]) => what));
  const missed = points.filter((point) => !struck.has(point));
  write(
    `${points.length - missed.length} of ${points.length} fault points were struck${missed.length > 0 && missed.length < 20 ? `; not ${missed.join(', ')}` : ''}`,
  );
  write(
    `${tally.schedules} schedules in ${seconds.toFixed(1)} s (${(tally.schedules / seconds).toFixed(1)} a second), ${tally.faults} faults, ` +
      `${tally.events} events, ${(tally.virtualMs / 3_600_000).toFixed(1)} virtual hours, ${tally.failures} failures`,
  );
  return tally.failures > 0;
}

async function crashes(): Promise<boolean> {
  let failures = 0;
  for (const index of values.pairs ? [0, 1, 3] : SCENARIOS.keys()) {
    if (values.only !== undefined && Number(values.only) !== index) continue;
    const { name, points, failures: found } = await enumerate(index, values.pairs);
    write(`${name}: ${points} crash points${values.pairs ? ' in pairs' : ''}, ${found.length} failures`);
    for (const failure of found.slice(0, 10)) write(`  ${failure}`);
    failures += found.length;
  }
  return failures > 0;
}

async function planted(): Promise<boolean> {
  const waiting = MISTAKES.filter(({ name }) => values.only === undefined || name.includes(values.only));
  let missed = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let mistake = waiting.shift(); mistake !== undefined; mistake = waiting.shift()) {
        const { seeds: after, how } = await plant(mistake, seeds);
        if (after === null) missed += 1;
        write(
          after === null
            ? `NOT CAUGHT: ${mistake.name}\n  ${how.slice(-300)}`
            : `caught after ${after} seeds: ${mistake.name}\n  ${how.slice(0, 160)}`,
        );
      }
    }),
  );
  write(missed === 0 ? 'Every planted mistake was caught.' : `${missed} planted mistakes were not caught.`);
  return missed > 0;
}
