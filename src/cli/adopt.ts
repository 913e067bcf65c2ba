import { askLeader, namesOf } from './ask-leader.ts';
import type { CommandContext } from './command.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { printReport } from './report.ts';

/** Takes over the foreign records of one name. */
export default async function adopt(context: CommandContext): Promise<number> {
  const fqdns = namesOf(context.positionals);
  if (
    !(await confirmed(
      context,
      `Take over the records of ${fqdns?.[0]}, and delete them when no consumer wants the name any more?`,
    ))
  ) {
    return EXIT.error;
  }
  const operation = await askLeader(context, 'adopt', { fqdns });
  const report = printReport(context, operation);
  return report.failed > 0 ? EXIT.error : EXIT.ok;
}
