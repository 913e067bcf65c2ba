import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../support/words.ts';
import { EVENTS, missedPoints, POINTS } from './coverage.ts';
import { askedFor } from './options.ts';
import type { Plan } from './plan.ts';
import { linesOf, savedIn } from './plan-file.ts';
import { sweep } from './sweep.ts';

const CHOICE = { scenarios: ['one', 'two'], mistakes: ['forget a flag', 'drop a check'], workers: 2 };
const asked = (line: string) => askedFor(line === '' ? [] : line.split(' '), CHOICE);

describe('the command line', () => {
  test.each([
    ['', { what: 'many', from: null, seeds: 1_000, seconds: null, workers: 2 }],
    ['--from 7 --seeds 3 --seconds 5 --workers 4', { what: 'many', from: 7, seeds: 3, seconds: 5, workers: 4 }],
    ['--seed 42 --trace', { what: 'one', seed: 42, trace: true, reduce: false }],
    ['--plan FILE --seed 3', { what: 'replay', file: 'FILE', seed: 3, trace: false }],
    ['--crashes --pairs --only 1', { what: 'crashes', pairs: true, only: 1 }],
    ['--planted --only check', { what: 'planted', only: 'check', seeds: 5_000, workers: 2 }],
    ['--help', { what: 'help' }],
  ])('%s', (line, expected) => expect(asked(line)).toEqual(expected));

  test.each([
    ['--seed abc', '--seed takes a whole number, 0 or more; not "abc".'],
    ['--seed 1.5', '--seed takes a whole number'],
    ['--seeds x', '--seeds takes a whole number, from 1 to 1000000000; not "x".'],
    ['--seeds 0', '--seeds takes a whole number, from 1'],
    ['--workers 0', '--workers takes a whole number, from 1 to 64'],
    ['--crashes --only 99', 'There is no scenario 99. These are there:\n  0  one\n  1  two'],
    ['--crashes --only check', '--only takes a whole number'],
    ['--planted --only typo', 'No mistake has "typo" in its name. These are there:\n  forget a flag'],
    ['--only 3', '--only has no meaning on its own'],
    ['--pairs', '--pairs has no meaning on its own'],
    ['--seed 1 --seeds 5', '--seeds has no meaning beside --seed'],
    ['--sedes 5', "Unknown option '--sedes'"],
    ['seeds', "Unexpected argument 'seeds'"],
  ])('%s is refused', (line, words) => {
    expect(() => asked(line)).toThrow(UsageError);
    expect(() => asked(line)).toThrow(words);
  });

  test.each([
    ['--help', 0, 'npm run simulation -- --seeds 10000', ''],
    ['--seed=abc', 64, '', 'not "abc"'],
    ['--plan=/nowhere/plan', 64, '', 'The plan cannot be read: ENOENT'],
  ])('the process with %s ends with %i', (flag, code, said, complained) => {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, flag], { encoding: 'utf8' });
    expect({ status, said: stdout.includes(said), complained: stderr.includes(complained) }).toEqual({
      ...{ status: code, said: true, complained: true },
    });
    expect(stderr).not.toContain('    at ');
  });
});

test('nobody is shown a stack when who reads the story goes away', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const { stdout, stderr } = spawnSync('sh', ['-c', '"$0" "$1" --seed=7 --trace | head -n 1', process.execPath, main], {
    encoding: 'utf8',
  });
  expect(stdout.split('\n')).toHaveLength(2);
  expect(stderr).toBe('');
});

test('what was done until an interruption is told', async () => {
  const interruption = new AbortController();
  const told = await sweep({
    ...{ from: 1, seeds: 100_000, seconds: null, workers: 1, signal: interruption.signal },
    onFailure: (seed, problem) => expect.fail(`seed ${seed}: ${problem}`),
    onProgress: () => interruption.abort(),
  });
  expect(told.schedules).toBeGreaterThan(0);
  expect(told.schedules).toBeLessThan(100_000);
  expect(told.allBefore).toBe(1 + told.schedules);
});

describe('a plan in a file', () => {
  const plan: Plan = {
    ...{ daemons: 2, apiBudget: 50, guard: { share: 0.25, min: 1 }, driftMinMs: 5_000, smallPages: true },
    ...{ deleteGraceMs: 0, libraries: false, leastFaults: 0, lastsMs: 9_000.5 },
    strikes: [
      { at: 0.25, kind: 'want', n: 1, m: 2 },
      { at: 7.5, kind: 'database call', point: null, effect: 'slow after', ms: 12 },
    ],
  };

  test('is read as it was printed, also between what else --reduce prints', () => {
    const lines = [
      '> zonekeeper simulation',
      ...linesOf({ seed: 9, plan }),
      '     0.001 s  world {"at":1}',
      'seed 9: it broke',
    ];
    expect(savedIn(lines.join('\n'))).toEqual({ seed: 9, plan });
  });

  test.each([
    ['', 'There is no plan'],
    ['{"seed":1}', 'There is no plan'],
    ['{"seed":', 'is not JSON'],
    ['{"seed":1,"daemons":1,"lastsMs":5}\n{"at":1,"kind":"rain"}', 'This is no strike: {"at":1,"kind":"rain"}'],
  ])('%j is refused', (text, words) => expect(() => savedIn(text)).toThrow(words));
});

describe('what many seeds came to', () => {
  const all = [...POINTS, ...EVENTS].map((what): [string, number] => [what, 1]);

  test('a point that was never struck is a failure once enough schedules were run', () => {
    expect(missedPoints({ schedules: 10_000, coverage: all })).toEqual({ points: [], fatal: false });
    const some = all.filter(([what]) => what !== 'batch: stale' && what !== 'notifications lost');
    const points = ['batch: stale', 'notifications lost'];
    expect(missedPoints({ schedules: 10_000, coverage: some })).toEqual({ points, fatal: true });
    expect(missedPoints({ schedules: 9_999, coverage: some })).toEqual({ points, fatal: false });
  });

  test('the range that was run is told as it was', async () => {
    const quiet = { onFailure: () => {}, onProgress: () => {} };
    const whole = await sweep({ from: 5, seeds: 7, seconds: null, workers: 2, ...quiet });
    expect(whole).toMatchObject({ schedules: 7, allBefore: 12 });
    const cut = await sweep({ from: 5, seeds: 1_000_000, seconds: 0, workers: 2, ...quiet });
    expect(cut).toMatchObject({ schedules: 0, allBefore: 5 });
  });
});
