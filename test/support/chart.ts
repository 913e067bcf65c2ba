import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { attempt, type CommandResult } from './command.ts';
import { helmEnv } from './kubernetes.ts';
import { tool } from './tools.ts';

export const CHART = 'charts/zonekeeper';

/** A Kubernetes object, as parsed from what helm printed. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // Each kind has its own; the tests say what they expect of it.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what is tested
  readonly [field: string]: any;
}

/** Values of the chart, nested as in values.yaml. */
export type Values = Readonly<Record<string, unknown>>;

/** The least that the chart needs: secrets by reference. */
export const ENOUGH: Values = {
  database: { existingSecret: { name: 'secrets' } },
  cloudflare: { existingSecret: { name: 'secrets' } },
  api: { existingSecret: { name: 'secrets' } },
};

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** Kinds that the cluster is said to know beside Kubernetes' own. */
  readonly apis?: readonly string[];
  /** The version of Kubernetes that it is rendered for; helm's own by default. */
  readonly kubernetes?: string;
}

/** Runs `helm template` with these values merged over {@link ENOUGH}. */
export async function tryRender(values: Values, options: RenderOptions = {}): Promise<CommandResult> {
  const { release = 'zonekeeper', namespace = 'dns', apis = [], kubernetes } = options;
  const folder = mkdtempSync(join(tmpdir(), 'zonekeeper-chart-'));
  try {
    const args = [
      'template',
      release,
      CHART,
      '--namespace',
      namespace,
      '-f',
      '-',
      ...(kubernetes === undefined ? [] : ['--kube-version', kubernetes]),
      ...apis.flatMap((api) => ['--api-versions', api]),
    ];
    return await attempt(tool('helm'), args, { env: helmEnv(folder), input: JSON.stringify(merge(ENOUGH, values)) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same as a text; throws what helm said where it refused. */
export async function renderText(values: Values = {}, options: RenderOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRender(values, options);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The same as objects. */
export async function render(values: Values = {}, options: RenderOptions = {}): Promise<Manifest[]> {
  return parseManifests(await renderText(values, options));
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw new Error(`${document.errors[0]?.message}\n${text}`);
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

/** The one object of a kind, and of a name where there are several; fails where there is none. */
export function the(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} of ${kind} ${name ?? ''}: ${kinds(manifests).join(', ')}`);
  return found[0];
}

/** All kinds with names, for comparison. */
export const kinds = (manifests: readonly Manifest[]): string[] =>
  manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();

/** Deep merge, as Helm merges values; null takes a default away. */
export function merge(base: Values, over: Values): Values {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
