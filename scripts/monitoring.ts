/** `npm run monitoring`: Grafana's dashboards and Prometheus' rules, from deploy/monitoring into every place that carries them. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { CONTROLLER } from '../deploy/monitoring/dashboards/controller.ts';
import { DRIFT } from '../deploy/monitoring/dashboards/drift.ts';
import { FLEET } from '../deploy/monitoring/dashboards/fleet.ts';
import { type DashboardSpec, frame } from '../deploy/monitoring/frame.ts';
import { filled } from '../deploy/monitoring/objectives.ts';
import { RULE_GROUPS } from '../deploy/monitoring/rules.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The dashboards by their file names. */
export const DASHBOARDS: Readonly<Record<string, DashboardSpec>> = {
  'zonekeeper-drift.json': DRIFT,
  'zonekeeper-controller.json': CONTROLLER,
  'zonekeeper-fleet.json': FLEET,
};

const NOTE = '# Made by `npm run monitoring` from deploy/monitoring/rules.ts.\n';

/** Every generated file with its content, by its path in the repository. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, spec] of Object.entries(DASHBOARDS)) {
    const text = `${JSON.stringify(frame(spec), null, 2)}\n`;
    files.set(`deploy/grafana/${name}`, text);
    files.set(`charts/zonekeeper/files/dashboards/${name}`, text);
  }
  const rules = `${NOTE}${stringify({ groups: RULE_GROUPS }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
  files.set('deploy/prometheus/zonekeeper.rules.yaml', filled(rules));
  // The chart puts in thresholds of its own.
  files.set('charts/zonekeeper/files/rules/zonekeeper.yaml', rules);
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, text] of monitoringFiles()) writeFileSync(`${ROOT}${path}`, text);
}
