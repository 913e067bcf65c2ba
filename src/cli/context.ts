import { configOf } from '../config/config.ts';
import { type Resolution, resolveSettings } from '../config/resolve.ts';
import type { CommandName } from '../config/setting.ts';
import type { Redactor } from '../observability/redactor.ts';
import type { Invocation } from './args.ts';
import type { CommandContext } from './command.ts';
import type { ProgramOptions } from './program-options.ts';
import { VERSION } from './version.ts';

/** What a command is given. Every secret that is read through it is known to the redactor before anybody can show it. */
export function contextOf(
  invocation: Extract<Invocation, { kind: 'command' }>,
  { env, stdout, stderr, onCrash }: ProgramOptions,
  signal: AbortSignal,
  redactor: Redactor,
): CommandContext {
  const { command, flags, settings, positionals, json } = invocation;
  const resolve = async (needs: CommandName): Promise<Resolution> => {
    const resolution = await resolveSettings({ env, flags: settings, needs });
    for (const secret of resolution.secrets) redactor.add(secret);
    return resolution;
  };
  return {
    command,
    version: VERSION,
    flags,
    positionals,
    json,
    stdout,
    stderr,
    signal,
    redactor,
    settings: resolve,
    config: async (needs) => configOf(await resolve(needs), needs),
    log: async ({ logLevel, logFormat }) => {
      // Loaded only by commands that log: help and tables need to be quick.
      const { createLog } = await import('../observability/logger.ts');
      // Commands that print data keep standard output for it.
      const [fd, writer] = command.json ? ([2, stderr] as const) : ([1, stdout] as const);
      const log = await createLog({
        level: logLevel,
        format: logFormat,
        redactor,
        terminal: writer.width !== null,
        fd,
      });
      // Who collects the log of a daemon looks there, and not at what stands beside it.
      if (!command.json) onCrash?.((error) => log.logger.fatal({ err: error }, 'ends, by an error that nobody caught'));
      return log;
    },
  };
}
