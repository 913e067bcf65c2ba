/**
 * `npm run release -- [FOLDER]`: everything that is published, in release/: the npm package, the bundle as an archive, the
 * chart, a bill of materials, checksums. The same sources give the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { buildBundle } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** npm gives its archives this time, so that they are the same whenever they are made. */
const TIME = '1985-10-26T08:15:00Z';

/** What the page is made of, beside our own code. */
const PAGE = ['svelte', '@sveltejs/kit'];

interface Component {
  readonly name: string;
  readonly group?: string;
  readonly version: string;
}

/** Makes the release in an empty folder. Throws where the versions in the repository contradict each other. */
export async function release(out: string): Promise<string[]> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  requireOneVersion(version);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'zonekeeper-release-'));
  try {
    npm('run', '--silent', 'build:web');
    await buildBundle();
    npm('pack', '--silent', '--ignore-scripts', '--pack-destination', out);
    const bundle = `zonekeeper-${version}`;
    cpSync(join(ROOT, 'dist'), join(work, bundle), { recursive: true });
    for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(work, bundle, file));
    cpSync(join(ROOT, 'deploy/systemd'), join(work, bundle, 'systemd'), { recursive: true });
    archive(work, bundle, join(out, `${bundle}-bundle.tar.gz`));
    archive(join(ROOT, 'charts'), 'zonekeeper', join(out, `${bundle}-chart.tgz`));
    writeFileSync(join(out, `${bundle}.cdx.json`), materials());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const files = readdirSync(out).sort();
  const sums = files.map((file) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(out, file)))
      .digest('hex');
    return `${digest}  ${file}\n`;
  });
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
  return [...files, 'SHA256SUMS'];
}

function requireOneVersion(version: string): void {
  const chart = parse(readFileSync(join(ROOT, 'charts/zonekeeper/Chart.yaml'), 'utf8')) as Record<string, string>;
  const places: Record<string, boolean> = {
    'version in Chart.yaml': chart.version === version,
    'appVersion in Chart.yaml': chart.appVersion === version,
    'CHANGELOG.md': readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').includes(`\n## ${version}`),
    'the image in compose.yaml': readFileSync(join(ROOT, 'deploy/compose/compose.yaml'), 'utf8').includes(
      `:${version}}`,
    ),
  };
  const wrong = Object.keys(places).filter((place) => places[place] !== true);
  if (wrong.length > 0) throw new Error(`package.json says ${version}; another version stands in: ${wrong.join(', ')}`);
}

/** An archive without anything of the machine that made it. */
function archive(folder: string, name: string, file: string): void {
  const args = ['--sort=name', `--mtime=${TIME}`, '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  const tar = execFileSync('tar', ['-C', folder, ...args, '-c', name], { maxBuffer: 500_000_000 });
  writeFileSync(file, execFileSync('gzip', ['-9', '-n'], { input: tar, maxBuffer: 500_000_000 }));
}

/** The packages whose code is in the bundle, as a CycloneDX document. */
function materials(): string {
  const bundled = new Set(
    [...readFileSync(join(ROOT, 'dist/licenses.txt'), 'utf8').matchAll(/^(\S+) (\d\S*) \(.*\)$/gm)].map(
      ([, name, version]) => `${name}@${version}`,
    ),
  );
  const document = JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx', '--package-lock-only')) as {
    metadata: { component: object; [field: string]: unknown };
    components: Component[];
    [field: string]: unknown;
  };
  // What would be another each time.
  const { serialNumber: _, metadata, components, dependencies: __, ...rest } = document;
  const { timestamp: ___, component, ...about } = metadata;
  const fullName = ({ group, name }: Component) => (group === undefined ? name : `${group}/${name}`);
  const kept = components
    .filter((one) => bundled.has(`${fullName(one)}@${one.version}`) || PAGE.includes(fullName(one)))
    .sort((a, b) => (fullName(a) < fullName(b) ? -1 : 1));
  if (kept.length < bundled.size) {
    const known = new Set(kept.map((one) => `${fullName(one)}@${one.version}`));
    throw new Error(`not in the bill of materials: ${[...bundled].filter((one) => !known.has(one)).join(', ')}`);
  }
  // npm takes the folder's name for ours.
  const root = { ...about, component: { ...component, name: 'zonekeeper' } };
  return `${JSON.stringify({ ...rest, metadata: root, components: kept }, null, 2)}\n`;
}

function npm(...args: string[]): string {
  return execFileSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const out = resolve(process.argv[2] ?? join(ROOT, 'release'));
  for (const file of await release(out)) process.stdout.write(`${join(out, file)}\n`);
}
