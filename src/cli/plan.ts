import { askLeader, namesOf } from './ask-leader.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';
import { printReport } from './report.ts';

/** What a sync would do. */
export default async function plan(context: CommandContext): Promise<number> {
  const operation = await askLeader(context, 'plan', { fqdns: namesOf(context.positionals), dryRun: true });
  const report = printReport(context, operation);
  return report.changes.length > 0 ? EXIT.pending : EXIT.ok;
}
