/**
 * `npm run bench [-- CASE … --json FILE]`: what the daemon needs for its work, in API calls, CPU seconds and milliseconds,
 * against real parts: a PostgreSQL, the SDK over HTTP, the simulator. Exits with 1 when a figure is missed.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/cli/table.ts';
import { CASES } from './cases.ts';
import { type Figure, startPostgres } from './harness.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } });
const chosen = positionals.length === 0 ? CASES : CASES.filter(({ name }) => positionals.includes(name));
if (chosen.length === 0) {
  process.stderr.write(`No such case. There are: ${CASES.map(({ name }) => name).join(', ')}\n`);
  process.exit(64);
}

const postgres = await startPostgres();
const figures: (Figure & { readonly ok: boolean })[] = [];
let failed = false;
try {
  for (const { name, run } of chosen) {
    process.stderr.write(`${name} … `);
    try {
      for (const figure of await run(postgres)) figures.push({ ...figure, ok: figure.measured <= figure.most });
      process.stderr.write('done\n');
    } catch (error) {
      failed = true;
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
} finally {
  await postgres.stop('immediate');
}

const round = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
process.stdout.write(
  formatTable({
    width: null,
    columns: [
      { title: 'WORK' },
      { title: 'FIGURE' },
      { title: 'MEASURED', align: 'right' },
      { title: 'AT MOST', align: 'right' },
      { title: '' },
    ],
    rows: figures.map(({ work, what, measured, unit, most, ok }) => [
      work,
      what,
      `${round(measured)} ${unit}`.trim(),
      `${most} ${unit}`.trim(),
      ok ? 'ok' : 'MISSED',
    ]),
  }),
);
process.stdout.write(
  `\nNode ${process.version}, ${availableParallelism()} cores, PostgreSQL 18 without fsync, simulator without latency unless said otherwise.\n`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = failed || figures.some(({ ok }) => !ok) ? 1 : 0;
