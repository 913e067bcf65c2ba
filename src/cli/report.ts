import type { Operation } from '../ledger/operations.ts';
import type { Report, ReportChange } from '../reconcile/report.ts';
import type { CommandContext } from './command.ts';
import { formatTable } from './table.ts';

/** Lines that a terminal is shown; `--json` has all. */
const MAX_LINES = 200;

/** The report of an operation, as JSON with its times or as text for people. */
export function printReport(context: CommandContext, operation: Operation): Report {
  const report = operation.report as Report;
  const { stdout, json } = context;
  if (json) {
    const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
    const dryRun = operation.request.dryRun || operation.kind === 'plan';
    const head = {
      id: operation.id,
      dry_run: dryRun,
      started_at: time(operation.startedAt),
      finished_at: time(operation.finishedAt),
    };
    stdout.write(`${JSON.stringify({ ...head, ...report })}\n`);
    return report;
  }
  stdout.write(changesTable(report, stdout.width));
  stdout.write(problemsTable(report, stdout.width));
  stdout.write(`${summary(report)}\n`);
  if (report.release !== null) {
    stdout.write(
      `\n${report.held} changes are held. If they are what you want, release exactly these:\n  ${report.release}\n`,
    );
  }
  return report;
}

function changesTable({ changes, changes_omitted }: Report, width: number | null): string {
  const shown = changes.slice(0, MAX_LINES);
  const left = changes.length - shown.length + changes_omitted;
  const table = formatTable({
    width,
    columns: [
      { title: 'CHANGE' },
      { title: 'NAME', shrinks: true },
      { title: 'TYPE' },
      { title: 'RESULT' },
      { title: 'WHY', shrinks: true },
    ],
    rows: shown.map((change) => [change.action, change.fqdn, change.type, change.result, why(change)]),
  });
  if (table === '') return '';
  return `${table}${left > 0 ? `… and ${left} more (--json lists them)\n` : ''}\n`;
}

function why({ reason, error, result }: ReportChange): string {
  return error !== null && result !== 'done' ? `${reason}; ${error.message}` : reason;
}

function problemsTable({ problems }: Report, width: number | null): string {
  const table = formatTable({
    width,
    columns: [{ title: 'STATE' }, { title: 'NAME', shrinks: true }, { title: 'REASON', shrinks: true }],
    rows: problems.slice(0, MAX_LINES).map(({ state, fqdn, reason }) => [state, fqdn, reason]),
  });
  return table === '' ? '' : `${table}\n`;
}

function summary(report: Report): string {
  const counts = [
    ['created', report.created],
    ['updated', report.updated],
    ['deleted', report.deleted],
    ['already in sync', report.already_synced],
    ['in conflict', report.conflicts],
    ['blocked', report.blocked],
    ['failed', report.failed],
  ] as const;
  const shown = counts.filter(([word, count]) => count > 0 || word === 'already in sync');
  return shown.map(([word, count]) => `${count} ${word}`).join(', ');
}
