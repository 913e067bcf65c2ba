import { askLeader, namesOf } from './ask-leader.ts';
import type { CommandContext } from './command.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { printReport } from './report.ts';

/** Deletes the tracked records of one name. */
export default async function remove(context: CommandContext): Promise<number> {
  const fqdns = namesOf(context.positionals);
  if (!(await confirmed(context, `Delete the records of ${fqdns?.[0]} at Cloudflare?`))) return EXIT.error;
  const operation = await askLeader(context, 'delete', { fqdns, force: context.flags.on('force') });
  const report = printReport(context, operation);
  return report.failed > 0 ? EXIT.error : EXIT.ok;
}
