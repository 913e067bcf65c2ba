import { configOf } from '../config/config.ts';
import { nearest } from '../config/nearest.ts';
import { describe } from '../config/schema.ts';
import { COMMANDS, type CommandName } from '../config/setting.ts';
import { ZonekeeperError } from '../errors.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';
import { formatTable } from './table.ts';

/** `zonekeeper config`: the effective settings, also where some are wrong; then fails with what is wrong. */
export default async function command(context: CommandContext): Promise<number> {
  const { flags, stdout, json } = context;
  const needs = neededBy(flags.text('for'));
  const resolution = await context.settings(needs);
  const { effective } = resolution;
  if (json) {
    const settings = effective.map(({ env, shown, origin, from }) => ({ name: env, value: shown, origin, from }));
    stdout.write(`${JSON.stringify({ settings, problems: resolution.problems }, null, 2)}\n`);
  } else {
    const table = formatTable({
      columns: [{ title: 'SETTING' }, { title: 'VALUE', shrinks: true }, { title: 'FROM', shrinks: true }],
      rows: effective.map(({ key, env, shown, from }) => [env, shown ?? `(${describe(key).absent})`, from]),
      width: stdout.width,
    });
    stdout.write(table);
  }
  configOf(resolution, needs);
  return EXIT.ok;
}

function neededBy(name: string | null): CommandName {
  if (name === null) return 'config';
  const known = COMMANDS.find((command) => command === name);
  if (known !== undefined) return known;
  const guess = nearest(name, COMMANDS);
  const hint = guess === null ? '' : ` (did you mean ${guess}?)`;
  throw new ZonekeeperError('usage', `--for must name a command${hint}.`, { facts: { command: 'config' } });
}
