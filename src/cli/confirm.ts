import { createInterface } from 'node:readline/promises';
import { ZonekeeperError } from '../errors.ts';
import type { CommandContext } from './command.ts';

/** Asks before something that cannot be undone; `--yes` answers for a script. Throws `usage` where nobody can answer. */
export async function confirmed(context: CommandContext, question: string): Promise<boolean> {
  if (context.flags.on('yes')) return true;
  if (!process.stdin.isTTY) {
    throw new ZonekeeperError('usage', 'There is no terminal to ask at; --yes says that it is meant.', {
      facts: { command: context.command.name },
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
