import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { connectKubernetes, type Kubernetes } from '../../src/kubernetes/client.ts';
import { command } from './command.ts';
import { sharedFolder, testFolder } from './folder.ts';
import { TOOLS, tool } from './tools.ts';

/** A real API server with etcd, for the tests of one file. No controllers, no nodes: Deployments stay without Pods. */
export class TestKubernetes {
  readonly #work: string;
  #process: ChildProcess | undefined;

  constructor(work: string) {
    this.#work = work;
  }

  /** The administrator's. */
  get kubeconfig(): string {
    return join(this.#work, 'kubeconfig');
  }

  async start(): Promise<void> {
    const child = spawn('bash', ['test/kube/up.sh', join(TOOLS, 'kube'), this.#work], {
      env: { ...process.env, FOLLOW_PID: String(process.pid) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`The API server ended with ${code}.`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  kubectl(...args: string[]): Promise<string> {
    return command(tool('kubectl'), args, { env: { KUBECONFIG: this.kubeconfig } });
  }

  /** Creates or changes objects. */
  apply(...objects: readonly unknown[]): Promise<string> {
    const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    return command(tool('kubectl'), ['apply', '-f', '-'], { env: { KUBECONFIG: this.kubeconfig }, input });
  }

  helm(...args: string[]): Promise<string> {
    return command(tool('helm'), args, { env: helmEnv(this.#work, this.kubeconfig) });
  }

  /** A kubeconfig for somebody with this token; through `server`, such as a proxy, where one is given. */
  configFor(token: string, { server, namespace = 'default' }: { server?: string; namespace?: string } = {}): string {
    const config = readFileSync(this.kubeconfig, 'utf8')
      .replace(/user: \{token: "[^"]*"\}/, `user: {token: ${JSON.stringify(token)}}`)
      .replace('namespace: default', `namespace: ${namespace}`);
    const path = join(testFolder(), 'kubeconfig');
    writeFileSync(path, server === undefined ? config : config.replace(this.server, server), { mode: 0o600 });
    return path;
  }

  get server(): string {
    return /server: "(https:[^"]+)"/.exec(readFileSync(this.kubeconfig, 'utf8'))?.[1] ?? '';
  }

  get adminToken(): string {
    return readFileSync(join(this.#work, 'token'), 'utf8').trim();
  }

  /** A service account's token, as a Pod has it. */
  async token(account: string, namespace = 'default'): Promise<string> {
    return (await this.kubectl('-n', namespace, 'create', 'token', account)).trim();
  }
}

/** What helm reads and writes beside the cluster, in a folder of the test. */
export function helmEnv(folder: string, kubeconfig = ''): Record<string, string> {
  for (const name of ['config', 'cache', 'data']) mkdirSync(join(folder, 'helm', name), { recursive: true });
  return {
    KUBECONFIG: kubeconfig,
    HELM_CONFIG_HOME: join(folder, 'helm/config'),
    HELM_CACHE_HOME: join(folder, 'helm/cache'),
    HELM_DATA_HOME: join(folder, 'helm/data'),
  };
}

/** Starts an API server for the tests of a group; to be called in its `describe`. */
export function sharedKubernetes(): TestKubernetes {
  const kubernetes = new TestKubernetes(sharedFolder());
  beforeAll(() => kubernetes.start());
  afterAll(() => kubernetes.stop());
  return kubernetes;
}

/** Our client, as a process with this kubeconfig would have it. */
export async function connectAs(kubeconfig: string, env: Record<string, string> = {}): Promise<Kubernetes> {
  const before = process.env.KUBECONFIG;
  process.env.KUBECONFIG = kubeconfig;
  try {
    return await connectKubernetes(env, 'test');
  } finally {
    if (before === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = before;
  }
}

/** Ends with the test. */
export function untilTestEnds<T extends { stop(): unknown }>(part: T): T {
  onTestFinished(async () => {
    await part.stop();
  });
  return part;
}
