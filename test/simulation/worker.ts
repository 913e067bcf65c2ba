/**
 * A process of its own for a share of the seeds: `worker.ts FROM COUNT STEP SECONDS [first]`; it begins no schedule after so many
 * seconds, and ends at the first failure where asked to. Its last line is a tally as JSON.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { endWithoutReader } from '../support/interruption.ts';
import { runSchedule } from './run.ts';
import { TOLD_EVERY } from './sweep.ts';

const [from = 1, count = 1, step = 1, seconds = 1] = process.argv.slice(2, 6).map(Number);
const first = process.argv[6] === 'first';
// Errors are ordinary here, and nobody reads where they came from: that is for `--seed`.
Error.stackTraceLimit = 0;
/** Ctrl-C reaches all processes of a terminal: what was done is told all the same. */
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
  });
}
endWithoutReader();
const until = performance.now() + seconds * 1_000;
const coverage = new Map<string, number>();
const tally = { schedules: 0, faults: 0, events: 0, virtualMs: 0, failures: 0 };
for (let seed = from; seed < from + count && performance.now() < until && !interrupted; seed += step) {
  const outcome = await runSchedule(seed, { coverage });
  tally.schedules += 1;
  tally.faults += outcome.faults;
  tally.events += outcome.events;
  tally.virtualMs += outcome.virtualMs;
  if (outcome.problem !== null) {
    tally.failures += 1;
    process.stdout.write(`seed ${seed}: ${outcome.problem.split('\n', 1)[0]}\n`);
    if (first) break;
  }
  // Signals and pipes are looked after in a turn of their own.
  await turn();
  if (tally.schedules % TOLD_EVERY === 0) process.stdout.write('.\n');
}
process.stdout.write(`${JSON.stringify({ ...tally, coverage: [...coverage] })}\n`);
