/**
 * `npm run chaos`: real processes, killed and struck at random moments during a storm of changes. `--help` says how it is
 * asked (options.ts). The seed fixes what is done in which order, not how the processes answer to it.
 */

import { endWhenInterrupted, endWithoutReader } from '../support/interruption.ts';
import { seededRandom } from '../support/virtual-clock.ts';
import { UsageError } from '../support/words.ts';
import { chaos } from './chaos.ts';
import { type Asked, askedFor, HELP } from './options.ts';

endWithoutReader();

try {
  const asked = askedFor(process.argv.slice(2));
  if (asked === null) process.stdout.write(HELP);
  else process.exitCode = (await carryOut(asked)) ? 1 : 0;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\nSee \`npm run chaos -- --help\`.\n`);
  process.exitCode = 64;
}

/** Returns whether something was wrong. */
async function carryOut({ kills, changes, daemons, seed: asked }: Asked): Promise<boolean> {
  const seed = asked ?? Date.now() % 1_000_000;
  const began = performance.now();
  const write = (line: string) => process.stdout.write(`${line}\n`);
  const say = (line: string) => write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  say(`${new Date().toISOString()}, seed ${seed}`);
  const result = await chaos({
    kills,
    changes,
    daemons,
    random: seededRandom(seed),
    say,
    onOpened: endWhenInterrupted,
  });
  const { problems } = result;
  for (const [blow, times] of Object.entries(result.blows)) write(`${String(times).padStart(6)}  ${blow}`);
  write(
    `${result.changes} changes, ${result.orders.syncs} syncs, ${result.orders.confirmations} confirmations, ${result.terms} terms, ${result.calls} API calls, ${result.names} names at the end, ${result.seconds.toFixed(0)} s`,
  );
  for (const problem of problems) write(`WRONG: ${problem}`);
  write(problems.length === 0 ? 'Nothing was lost.' : `${problems.length} things are wrong.`);
  return problems.length > 0;
}
