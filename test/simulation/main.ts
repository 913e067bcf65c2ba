/**
 * `npm run simulation`: whole runs of the core on virtual time, with faults at every call. `--help` says how it is asked
 * (options.ts); the exit code is 1 when a promise was broken or less was tried than was asked for, 64 for a wrong command line.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { endWhenInterrupted, endWithoutReader } from '../support/interruption.ts';
import { UsageError } from '../support/words.ts';
import { EVENTS, missedPoints, POINTS } from './coverage.ts';
import { enumerate, IN_PAIRS, SCENARIOS } from './crashes.ts';
import { type Asked, askedFor, HELP } from './options.ts';
import { linesOf, savedIn } from './plan-file.ts';
import { plant } from './plant.ts';
import { MISTAKES } from './planted/mistakes.ts';
import { reduce } from './reduce.ts';
import { runSchedule } from './run.ts';
import { sweep } from './sweep.ts';

type Of<What extends Asked['what']> = Extract<Asked, { readonly what: What }>;

/** How often a run of many seeds says how far it is. Milliseconds. */
const TELL_EVERY_MS = 2_000;

/** So many fault points that were not struck are named, where that is no failure. */
const FEW = 30;

const write = (line: string) => process.stdout.write(`${line}\n`);

/** Somebody interrupts what runs in processes of its own. Where schedules run in this one, the system ends it. */
const interruption = new AbortController();
endWithoutReader();

try {
  process.exitCode = (await carryOut(askedFor(process.argv.slice(2), choice()))) ? 1 : 0;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\nSee \`npm run simulation -- --help\`.\n`);
  process.exitCode = 64;
}

function choice() {
  return {
    scenarios: SCENARIOS.map(({ name }) => name),
    mistakes: MISTAKES.map(({ name }) => name),
    workers: Math.min(8, availableParallelism()),
  };
}

/** Work in other processes, which ends in order when it is interrupted. */
async function interruptible(work: (signal: AbortSignal) => Promise<boolean>): Promise<boolean> {
  const { signal } = interruption;
  const working = work(signal);
  endWhenInterrupted(async () => {
    interruption.abort();
    await working;
  });
  return working;
}

/** Returns whether something was wrong. */
async function carryOut(asked: Asked): Promise<boolean> {
  switch (asked.what) {
    case 'help':
      process.stdout.write(HELP);
      return false;
    case 'one':
      return asked.reduce ? reduced(asked) : one(asked);
    case 'replay':
      return replay(asked);
    case 'crashes':
      return crashes(asked);
    case 'planted':
      return interruptible((signal) => planted(asked, signal));
    case 'many':
      return interruptible((signal) => many(asked, signal));
  }
}

async function one({ seed, trace }: Of<'one'>): Promise<boolean> {
  const outcome = await runSchedule(seed, { trace });
  for (const line of outcome.trace) write(line);
  write(
    `seed ${seed}: ${outcome.problem ?? 'every promise held'} (${outcome.faults} faults, ${outcome.events} events)`,
  );
  return outcome.problem !== null;
}

async function reduced({ seed, trace }: Of<'one'>): Promise<boolean> {
  const { seed: as, plan, problem } = await reduce(seed);
  for (const line of linesOf({ seed: as, plan })) write(line);
  if (problem !== null && trace) {
    for (const line of (await runSchedule(as, { plan, trace })).trace) write(line);
  }
  write(
    `seed ${seed} with ${plan.strikes.length} strikes, interleaved as by ${as}: ${problem ?? 'every promise held'}`,
  );
  if (problem !== null)
    write('What stands above, in a file, is played again by: npm run simulation -- --plan FILE --trace');
  return problem !== null;
}

async function replay({ file, seed, trace }: Of<'replay'>): Promise<boolean> {
  const saved = savedIn(textOf(file));
  const as = seed ?? saved.seed;
  const outcome = await runSchedule(as, { plan: saved.plan, trace });
  for (const line of outcome.trace) write(line);
  write(`${saved.plan.strikes.length} strikes, interleaved as by ${as}: ${outcome.problem ?? 'every promise held'}`);
  return outcome.problem !== null;
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`The plan cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

async function many({ from: first, seeds, seconds: most, workers }: Of<'many'>, signal: AbortSignal): Promise<boolean> {
  const from = first ?? 1 + (Date.now() % 1_000_000_000);
  const began = performance.now();
  const passed = () => (performance.now() - began) / 1_000;
  const limit = most === null ? '' : `, for ${most} s at most`;
  write(`${new Date().toISOString()}: ${seeds} seeds from ${from} on, in ${workers} processes${limit}`);
  let done = 0;
  let tellAt = TELL_EVERY_MS / 1_000;
  const tally = await sweep({
    from,
    seeds,
    seconds: most,
    workers,
    signal,
    onFailure: (seed, problem) => write(`seed ${seed}: ${problem}\n  npm run simulation -- --seed ${seed} --trace`),
    onProgress: (schedules) => {
      done += schedules;
      if (passed() < tellAt) return;
      tellAt = passed() + TELL_EVERY_MS / 1_000;
      write(`${done} schedules, ${(done / passed()).toFixed(1)} a second`);
    },
  });
  const seconds = passed();
  for (const [what, times] of tally.coverage) write(`${String(times).padStart(9)}  ${what}`);
  const missed = missedPoints(tally);
  const there = POINTS.length + EVENTS.length;
  write(
    `${there - missed.points.length} of ${there} kinds of faults struck: ${POINTS.length} at calls, ${EVENTS.length} elsewhere.`,
  );
  if (missed.fatal) write(`NEVER in ${tally.schedules} schedules: ${missed.points.join(', ')}`);
  else if (missed.points.length > 0 && missed.points.length < FEW) write(`Not: ${missed.points.join(', ')}`);
  // Each process takes every n-th seed: up to here, none of them has left one out.
  const whole = tally.allBefore > from ? `seeds ${from} to ${tally.allBefore - 1}` : 'no seed';
  const beyond = tally.schedules - (tally.allBefore - from);
  write(`Run: ${whole}${beyond > 0 ? `, and ${beyond} of those that follow` : ''}.`);
  const short = first !== null && tally.schedules < seeds;
  if (signal.aborted) write(`INTERRUPTED after ${tally.schedules} of ${seeds} seeds.`);
  else if (short) write(`CUT SHORT: ${tally.schedules} of the ${seeds} seeds that were named were run in ${most} s.`);
  write(
    `${tally.schedules} schedules in ${seconds.toFixed(1)} s (${(tally.schedules / seconds).toFixed(1)} a second), ${tally.faults} faults, ` +
      `${tally.events} events, ${(tally.virtualMs / 3_600_000).toFixed(1)} virtual hours, ${tally.failures} failures`,
  );
  return tally.failures > 0 || missed.fatal || short;
}

async function crashes({ pairs, only }: Of<'crashes'>): Promise<boolean> {
  let failures = 0;
  for (const index of only !== null ? [only] : pairs ? IN_PAIRS : SCENARIOS.keys()) {
    const { name, points, failures: found } = await enumerate(index, pairs);
    write(`${name}: ${points} ${pairs ? 'pairs of crash points' : 'crash points'}, ${found.length} failures`);
    for (const failure of found.slice(0, 10)) write(`  ${failure}`);
    failures += found.length;
  }
  return failures > 0;
}

async function planted({ only, seeds, workers }: Of<'planted'>, signal: AbortSignal): Promise<boolean> {
  const waiting = MISTAKES.filter(({ name }) => only === null || name.includes(only));
  const all = waiting.length;
  let missed = 0;
  let tried = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let mistake = waiting.shift(); mistake !== undefined && !signal.aborted; mistake = waiting.shift()) {
        const { seeds: after, how } = await plant(mistake, seeds, signal);
        if (signal.aborted) return;
        tried += 1;
        if (after === null) missed += 1;
        write(
          after === null
            ? `NOT CAUGHT: ${mistake.name}\n  ${how.slice(-300)}`
            : `caught after ${after} seeds: ${mistake.name}\n  ${how.slice(0, 160)}`,
        );
      }
    }),
  );
  write(
    `${tried - missed} of ${all} planted mistakes were caught${signal.aborted ? '; the others were not tried to the end' : ''}.`,
  );
  return missed > 0;
}
