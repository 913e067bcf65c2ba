import { systemClock } from '../controller/clock.ts';
import { errand } from '../daemon/errand.ts';
import { normalizeName } from '../dns/name.ts';
import { ZonekeeperError } from '../errors.ts';
import type { Operation, OperationKind, OperationRequest } from '../ledger/operations.ts';
import type { CommandContext } from './command.ts';

/** Has an operation carried out, by the daemon that leads or by this process, with progress on standard error. */
export async function askLeader(
  context: CommandContext,
  kind: OperationKind,
  request: Partial<OperationRequest>,
): Promise<Operation> {
  const config = await context.config('sync');
  const log = await context.log({ ...config, logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
  const progress = new ProgressLine(context);
  try {
    return await errand(
      {
        config,
        version: context.version,
        log: log.logger,
        clock: systemClock,
        random: Math.random,
        onWho: (leader) =>
          progress.show(leader === null ? 'no daemon leads; doing it here' : `asking the daemon at ${leader}`),
        onProgress: ({ phase, done, total }) =>
          progress.show(
            phase === 'refreshing' ? `looking at zones: ${done} of ${total}` : `names: ${done} of ${total}`,
          ),
      },
      kind,
      { fqdns: null, dryRun: false, confirm: null, force: false, ...request },
    );
  } finally {
    progress.clear();
  }
}

/** The names on the command line in normal form; null when there are none. Throws `usage` for what is no name. */
export function namesOf(positionals: readonly string[]): string[] | null {
  if (positionals.length === 0) return null;
  return positionals.map((raw) => {
    const name = normalizeName(raw);
    if (!name.ok) throw new ZonekeeperError('usage', name.problem.message);
    return name.fqdn;
  });
}

/** One line on a terminal that says how far it is; nothing anywhere else. */
class ProgressLine {
  readonly #context: CommandContext;
  #shown = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  show(text: string): void {
    const { stderr, json } = this.#context;
    if (stderr.width === null || json) return;
    this.#shown = true;
    stderr.write(`\r\u001b[2K${text.slice(0, stderr.width - 1)}`);
  }

  clear(): void {
    if (this.#shown) this.#context.stderr.write('\r\u001b[2K');
    this.#shown = false;
  }
}
