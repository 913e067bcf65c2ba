import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { filled } from '../../deploy/monitoring/objectives.ts';

export interface QuickRule {
  readonly alert?: string;
  readonly record?: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly expr: string;
}

export interface QuickGroup {
  readonly name: string;
  readonly rules: readonly QuickRule[];
}

/** Over which alerts look back. */
const ALERT_WINDOW = '6s';
/** Over which shares of late changes are recorded, whatever window stands in the name: long enough to be seen, short enough to be over. */
const RECORDING_WINDOW = '20s';

/** Our rules with the same expressions, but windows, thresholds and pauses of seconds instead of minutes. */
export function quickRules(): readonly QuickGroup[] {
  const rules = readFileSync('charts/zonekeeper/files/rules/zonekeeper.yaml', 'utf8')
    .replace(/@@(\w+)Seconds@@/g, '4')
    .replace(/@@\w+For@@/g, '1s');
  const { groups } = parse(filled(rules)) as { groups: readonly QuickGroup[] };
  return groups.map((group) => ({ ...group, rules: group.rules.map(quick) }));
}

function quick(rule: QuickRule): QuickRule {
  // How many are late is counted over the windows for which their share is recorded.
  const window = rule.expr.includes('zonekeeper_converge_late_total') ? RECORDING_WINDOW : ALERT_WINDOW;
  const expr = rule.expr.replace(/\[\d+[mhd]\]/g, `[${window}]`);
  const pause = rule.for === undefined ? {} : { for: '1s' };
  return { ...rule, expr, ...pause, ...(rule.keep_firing_for !== undefined && { keep_firing_for: '1s' }) };
}
