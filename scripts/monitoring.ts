/** `npm run monitoring`: Grafana's dashboards and Prometheus' rules, from deploy/monitoring into every place that carries them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
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

/** What Grafana asks for when somebody imports a dashboard by hand. Provisioning does not ask, so this is a file of its own. */
const DATASOURCE_INPUT = 'DS_PROMETHEUS';

/** The dashboard for an import by hand: Grafana asks which data source it is to begin with, and says what it needs. */
function importable(made: Dashboard): Record<string, unknown> {
  const input = `\${${DATASOURCE_INPUT}}`;
  const list = made.templating?.list?.map((variable) =>
    variable.type === 'datasource' ? { ...variable, current: { selected: true, text: input, value: input } } : variable,
  );
  const kinds = [...new Set(made.panels?.map((panel) => panel.type ?? 'row'))].filter((kind) => kind !== 'row').sort();
  return {
    __inputs: [
      {
        name: DATASOURCE_INPUT,
        label: 'Prometheus',
        description: 'The Prometheus (or what speaks its language) that scrapes Zonekeeper',
        type: 'datasource',
        pluginId: 'prometheus',
        pluginName: 'Prometheus',
      },
    ],
    __requires: [
      { type: 'grafana', id: 'grafana', name: 'Grafana', version: '10.0.0' },
      { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
      ...kinds.map((id) => ({ type: 'panel', id, name: id, version: '' })),
    ],
    ...made,
    templating: { ...made.templating, list },
    id: null,
  };
}

/** Every generated file with its content, by its path in the repository. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, spec] of Object.entries(DASHBOARDS)) {
    const text = `${JSON.stringify(frame(spec), null, 2)}\n`;
    files.set(`deploy/grafana/${name}`, text);
    files.set(`charts/zonekeeper/files/dashboards/${name}`, text);
    files.set(`deploy/grafana/import/${name}`, `${JSON.stringify(importable(frame(spec)), null, 2)}\n`);
  }
  const rules = `${NOTE}${stringify({ groups: RULE_GROUPS }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
  files.set('deploy/prometheus/zonekeeper.rules.yaml', filled(rules));
  // The chart puts in thresholds of its own.
  files.set('charts/zonekeeper/files/rules/zonekeeper.yaml', rules);
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, text] of monitoringFiles()) {
    mkdirSync(dirname(`${ROOT}${path}`), { recursive: true });
    writeFileSync(`${ROOT}${path}`, text);
  }
}
