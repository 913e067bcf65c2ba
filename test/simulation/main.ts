/**
 * `npm run simulation [-- --seeds 1000 --from N]`: whole runs of the core on virtual time, with faults at every await. `--seed S
 * --trace` tells the story of one seed, the same each time.
 */
import { parseArgs } from 'node:util';
import { runSchedule } from './run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'first-failure': { type: 'boolean', default: false },
  },
});
const write = (line: string) => process.stdout.write(`${line}\n`);
if (values.seed !== undefined) {
  const seed = Number(values.seed);
  const outcome = await runSchedule(seed, { trace: values.trace });
  for (const line of outcome.trace) write(line);
  write(
    `seed ${seed}: ${outcome.problem ?? 'every promise held'} (${outcome.faults} faults, ${outcome.events} events)`,
  );
  process.exit(outcome.problem === null ? 0 : 1);
}
const coverage = new Map<string, number>();
const began = performance.now();
let faults = 0;
let failures = 0;
let events = 0;
const from = Number(values.from);
const seeds = Number(values.seeds);
for (let seed = from; seed < from + seeds; seed++) {
  const outcome = await runSchedule(seed, { coverage });
  faults += outcome.faults;
  events += outcome.events;
  if (outcome.problem !== null) {
    failures += 1;
    write(`seed ${seed}: ${outcome.problem}`);
    if (values['first-failure']) break;
  }
}
const seconds = (performance.now() - began) / 1000;
write(
  `${seeds} schedules in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(1)}/s), ${faults} faults, ${events} events, ${failures} failures`,
);
process.exitCode = failures === 0 ? 0 : 1;
