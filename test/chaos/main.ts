/**
 * `npm run chaos [-- --kills 200 --changes 5000 --daemons 2 --seed N]`: real processes, killed and struck at random moments
 * during a storm of changes. Exits with 1 when anything was lost, leaked, doubled or touched that is not ours. The seed
 * fixes what is done in which order, not how the processes answer to it.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../support/virtual-clock.ts';
import { chaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    changes: { type: 'string', default: '5000' },
    daemons: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [kills, changes, daemons, seed] = [values.kills, values.changes, values.daemons, values.seed].map(Number);
if (![kills, changes, daemons, seed].every((value) => Number.isSafeInteger(value))) {
  process.stderr.write('Every option is a whole number.\n');
  process.exit(64);
}
const began = performance.now();
const say = (line: string) =>
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);
say(`${new Date().toISOString()}, seed ${seed}`);
const result = await chaos({
  kills: kills ?? 0,
  changes: changes ?? 0,
  daemons: daemons ?? 1,
  random: seededRandom(seed ?? 0),
  say,
});
for (const [blow, times] of Object.entries(result.blows))
  process.stdout.write(`${String(times).padStart(6)}  ${blow}\n`);
process.stdout.write(
  `${result.changes} changes, ${result.terms} terms, ${result.calls} API calls, ${result.names} names at the end, ${result.seconds.toFixed(0)} s\n`,
);
for (const problem of result.problems) process.stdout.write(`WRONG: ${problem}\n`);
process.stdout.write(
  result.problems.length === 0 ? 'Nothing was lost.\n' : `${result.problems.length} things are wrong.\n`,
);
process.exitCode = result.problems.length === 0 ? 0 : 1;
