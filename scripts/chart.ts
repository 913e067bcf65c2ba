/** `npm run chart`: README.md and values.schema.json of the Helm chart, made from the comments in its values.yaml. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMap, isScalar, type Pair, parse, parseDocument, type YAMLMap } from 'yaml';
import { describe, SETTING_KEYS } from '../src/config/schema.ts';
import { fileKey, type Setting } from '../src/config/setting.ts';

/** Where the chart is. */
export const CHART = fileURLToPath(new URL('../charts/zonekeeper/', import.meta.url));

type Schema = Record<string, unknown>;

/** One value of values.yaml. */
export interface Value {
  /** Such as `image.tag`. */
  readonly path: string;
  readonly doc: string;
  readonly default: unknown;
  readonly schema: Schema;
}

/** What stands under one heading. */
export interface Section {
  readonly title: string;
  readonly values: Value[];
}

/** Settings that the chart makes itself from other values. */
const MANAGED: readonly string[] = [
  'DATABASE_URL',
  'CLOUDFLARE_API_TOKEN',
  'ZONEKEEPER_API_TOKEN',
  'ZONEKEEPER_LISTEN',
  'ZONEKEEPER_ALLOW_ANONYMOUS',
  'ZONEKEEPER_API_AUTH',
  'ZONEKEEPER_LEADER_ELECTION',
  'ZONEKEEPER_LEASE_NAME',
  'ZONEKEEPER_LEASE_NAMESPACE',
  'ZONEKEEPER_EVENTS',
  'ZONEKEEPER_EVENTS_OBJECT',
];

/** Words of `@schema` that stand for a whole schema. */
const SHORT: Readonly<Record<string, () => Schema>> = {
  free: () => ({ type: 'object', additionalProperties: true }),
  strings: () => ({ type: 'object', additionalProperties: { type: 'string' } }),
  settings: () => ({ type: 'object', additionalProperties: false, properties: settingsProperties() }),
};

/** Reads values.yaml with its comments. Throws where a value has no description. */
export function readValues(text: string): { sections: Section[]; schema: Schema } {
  const document = parseDocument(text);
  const root = document.contents;
  if (!isMap(root)) throw new Error('values.yaml must hold one mapping');
  const sections: Section[] = [];
  // The library takes the comment before the first key for that of the mapping.
  const first = [document.commentBefore, root.commentBefore].filter(Boolean).join('\n');
  const schema = objectOf(root, [], sections, first);
  return { sections, schema: { $schema: 'https://json-schema.org/draft-07/schema#', title: 'Values', ...schema } };
}

function objectOf(map: YAMLMap, path: readonly string[], sections: Section[], before = ''): Schema {
  const properties: Record<string, Schema> = {};
  for (const [index, pair] of (map.items as Pair<{ value: string; commentBefore?: string }>[]).entries()) {
    const name = pair.key.value;
    const lead = index === 0 ? (map.commentBefore ?? '') : '';
    const comment = [index === 0 ? before || lead : '', pair.key.commentBefore ?? ''].join('\n');
    const { doc, schema, section } = readComment(comment);
    if (section !== null) sections.push({ title: section, values: [] });
    const at = [...path, name];
    if (isMap(pair.value) && doc === '') {
      properties[name] = objectOf(pair.value, at, sections);
      continue;
    }
    if (doc === '') throw new Error(`values.yaml: ${at.join('.')} has no description`);
    const value: unknown = isScalar(pair.value) ? pair.value.value : (pair.value as YAMLMap).toJSON();
    properties[name] = { description: doc, ...typeOf(value, schema), ...schema };
    const last = sections.at(-1);
    if (last === undefined) throw new Error('values.yaml must begin with a @section');
    last.values.push({ path: at.join('.'), doc, default: value, schema: properties[name] });
  }
  const globals =
    path.length === 0 ? { global: { type: 'object', description: 'Helm hands this to every chart.' } } : {};
  return { type: 'object', additionalProperties: false, properties: { ...properties, ...globals } };
}

/** `-- text`, `@schema`, `@section`; a line without a mark goes on with the text. */
function readComment(comment: string): { doc: string; schema: Schema; section: string | null } {
  let section: string | null = null;
  let schema: Schema = {};
  const doc: string[] = [];
  for (const line of comment.split('\n').map((text) => text.trim())) {
    if (line.startsWith('@section ')) section = line.slice('@section '.length);
    else if (line.startsWith('@schema ')) schema = { ...schema, ...annotation(line.slice('@schema '.length)) };
    else if (line.startsWith('-- ')) doc.push(line.slice(3));
    else if (doc.length > 0 && line !== '') doc.push(line);
  }
  return { doc: doc.join(' '), schema, section };
}

function annotation(text: string): Schema {
  const given = parse(`{ ${quoted(text)} }`) as Schema;
  const [word = ''] = Object.keys(given);
  return SHORT[word]?.() ?? given;
}

/** A pattern may hold what means something in a flow mapping. */
function quoted(text: string): string {
  return text.replace(/^pattern: (?!")(.*)$/, (_, pattern: string) => `pattern: ${JSON.stringify(pattern)}`);
}

function typeOf(value: unknown, schema: Schema): Schema {
  if ('type' in schema || 'enum' in schema) return {};
  if (Array.isArray(value)) return { type: 'array' };
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'integer' : 'number' };
  return { type: value === null ? 'null' : typeof value };
}

function settingsProperties(): Record<string, Schema> {
  const settings = SETTING_KEYS.map((key) => describe(key)).filter(
    ({ env, secret }) => !MANAGED.includes(env) && secret !== true,
  );
  return Object.fromEntries(settings.map((setting) => [fileKey(setting.env), settingSchema(setting)]));
}

function settingSchema({ type, doc }: Setting): Schema {
  const { kind } = type;
  const text = { type: 'string' };
  const base = { description: doc };
  if (kind === 'boolean') return { ...base, type: 'boolean' };
  if (kind === 'number') return { ...base, type: 'integer' };
  if (kind === 'number|auto') return { ...base, anyOf: [{ type: 'integer' }, { enum: ['auto'] }] };
  if (kind === 'list') return { ...base, anyOf: [text, { type: 'array', items: text }] };
  if (kind === 'duration') return { ...base, ...text, pattern: '^([0-9]+(ms|s|m|h|d))+$' };
  if (kind === 'share') return { ...base, ...text, pattern: '^[0-9.]+%$' };
  if (kind.includes('|')) return { ...base, enum: kind.split('|') };
  return { ...base, ...text };
}

/** values.schema.json as a text. */
export function schemaText(values: string): string {
  return `${JSON.stringify(readValues(values).schema, null, 2)}\n`;
}

/** README.md of the chart. */
export function readmeText(values: string, chart: string): string {
  const { version, appVersion, kubeVersion, description } = parse(chart) as Record<string, string>;
  const tables = readValues(values).sections.map(
    ({ title, values: rows }) =>
      `### ${title}\n\n| value | default | meaning |\n|---|---|---|\n${rows.map(row).join('\n')}\n`,
  );
  return `# The chart zonekeeper

${description}

Version ${version}, program ${appVersion}, Kubernetes ${kubeVersion?.replace('-0', '')}. This page is made from the comments in [values.yaml](values.yaml) by \`npm run chart\`.

\`\`\`sh
kubectl create namespace zonekeeper
kubectl -n zonekeeper create secret generic zonekeeper \\
  --from-literal=database-url='postgres://zonekeeper:…@db.internal/app' \\
  --from-literal=cloudflare-api-token='…' \\
  --from-literal=api-token="$(openssl rand -hex 32)"
helm -n zonekeeper install zonekeeper ./charts/zonekeeper \\
  --set database.existingSecret.name=zonekeeper \\
  --set cloudflare.existingSecret.name=zonekeeper \\
  --set api.existingSecret.name=zonekeeper \\
  --set config.zones='{example.com}'
\`\`\`

Step by step: [docs/install-kubernetes.md](../../docs/install-kubernetes.md). Upgrade and rollback: [docs/upgrade.md](../../docs/upgrade.md).

* The Pod passes Pod Security \`restricted\`, and has no access to Kubernetes unless a Lease, Events or TokenReview is switched on.
* Secrets are mounted as files and read again when they change; settings in \`config\` restart the Pods.
* No hooks but \`helm test\`, nothing random, no look-ups in the cluster: Argo CD and Flux render the same as Helm.
* Any number of replicas: one leads, and no setting makes two write.

## Values

${tables.join('\n')}`;
}

function row({ path, doc, default: value, schema }: Value): string {
  const choice = Array.isArray(schema.enum) ? ` One of ${schema.enum.map((one) => `\`${one}\``).join(', ')}.` : '';
  return `| \`${path}\` | \`${JSON.stringify(value).replaceAll('|', '\\|')}\` | ${`${doc}${choice}`.replaceAll('|', '\\|')} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const values = readFileSync(`${CHART}values.yaml`, 'utf8');
  writeFileSync(`${CHART}values.schema.json`, schemaText(values));
  writeFileSync(`${CHART}README.md`, readmeText(values, readFileSync(`${CHART}Chart.yaml`, 'utf8')));
}
