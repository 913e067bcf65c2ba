import { askLeader, namesOf } from './ask-leader.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';
import { printReport } from './report.ts';

/** A sync, and its report. Fails when a name could not be made as desired. */
export default async function sync(context: CommandContext): Promise<number> {
  const config = await context.config('sync');
  const operation = await askLeader(context, 'sync', {
    fqdns: namesOf(context.positionals),
    dryRun: config.dryRun,
    confirm: context.flags.text('confirm'),
  });
  const report = printReport(context, operation);
  return report.failed > 0 ? EXIT.error : EXIT.ok;
}
