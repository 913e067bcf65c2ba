import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { TOOLS, tool } from './tools.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** The tool for want of which the test is not run. */
    absent?: string;
  }
}

/** How to find out whether a tool is there: a program and arguments that end with 0 then. By default `<tool> --version`. */
const PROBES: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  // Not --version: a client without a server is of no use.
  'container engine': ['docker', 'version'],
  browser: [process.execPath, fileURLToPath(new URL('browser-probe.ts', import.meta.url))],
  'docker client with BuildKit': ['bash', 'test/containers/docker.sh', 'version'],
  'kube-apiserver': [join(TOOLS, 'kube/kube-apiserver'), '--version'],
  helm: [tool('helm'), 'version'],
  kubectl: [tool('kubectl'), 'version', '--client'],
  kubeconform: [tool('kubeconform'), '-v'],
  'kube-score': [tool('kube-score'), 'version'],
  'promtool 3': [tool('promtool3'), '--version'],
  'Kubernetes schemas': ['test', '-d', join(TOOLS, 'schemas')],
  'docker-compose': [tool('docker-compose'), 'version'],
  'PostgreSQL image': ['docker', 'image', 'inspect', process.env.ZONEKEEPER_TEST_POSTGRES_IMAGE || 'none-is-set'],
};

/** A browser is unpacked and started, perhaps beside everything else. */
const PROBE_MS = 90_000;

/**
 * `describe` for tests that need tools which not every machine has. Where one is absent the tests are skipped, and the end
 * of the run says so in one line per tool; with `ZONEKEEPER_TEST_REQUIRE_ALL=1` they fail instead, but for the tools in
 * `ZONEKEEPER_TEST_MAY_LACK` (one a line).
 *
 *     requires('container engine')('PostgreSQL in a container', () => { it(...) })
 */
export function requires(...tools: readonly string[]): (name: string, body: () => void) => void {
  const absent = tools.find((tool) => !present(tool));
  if (absent === undefined) return (name, body) => describe(name, body);
  const mayLack = (process.env.ZONEKEEPER_TEST_MAY_LACK ?? '').split('\n');
  if (process.env.ZONEKEEPER_TEST_REQUIRE_ALL === '1' && !mayLack.includes(absent)) {
    // The tests themselves would fail in ways that do not tell why.
    return (name) => it(`${name} (needs: ${absent})`, () => expectTool(absent));
  }
  return (name, body) => describe(name, { skip: true, meta: { absent } }, body);
}

/** Does the tool answer? */
export function present(tool: string): boolean {
  const [program, ...args] = PROBES[tool] ?? [tool, '--version'];
  try {
    execFileSync(program, args, { stdio: 'ignore', timeout: PROBE_MS });
    return true;
  } catch {
    return false;
  }
}

function expectTool(tool: string): void {
  throw new Error(`There is no ${tool} here, and ZONEKEEPER_TEST_REQUIRE_ALL=1 lets no test be left out.`);
}
