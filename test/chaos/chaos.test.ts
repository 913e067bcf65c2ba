import { expect, test } from 'vitest';
import { seededRandom } from '../support/virtual-clock.ts';
import { chaos } from './chaos.ts';

// A small share of `npm run chaos`. The longest part is the wait for the deadlines of writes that a kill left open.
test('nothing is lost, leaked or doubled when daemons, database and network are struck during a storm of changes', async () => {
  const seed = 4;
  const said: string[] = [];
  const { problems, blows } = await chaos({
    kills: 8,
    changes: 300,
    daemons: 2,
    random: seededRandom(seed),
    say: (line) => said.push(line),
  });
  expect(problems, said.join('\n')).toEqual([]);
  expect(blows['kill -9']).toBe(8);
}, 900_000);
