import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { readmeText, schemaText } from '../../scripts/chart.ts';
import { settingsOf } from '../../src/config/schema.ts';
import {
  CHART,
  ENOUGH,
  type Manifest,
  merge,
  parseManifests,
  render,
  renderText,
  the,
  tryRender,
} from '../support/chart.ts';
import { attempt, command } from '../support/command.ts';
import { migratedDatabase, testSimulator } from '../support/daemon.ts';
import { sharedFolder } from '../support/folder.ts';
import { helmEnv } from '../support/kubernetes.ts';
import { runDaemon } from '../support/process.ts';
import { requires } from '../support/requires.ts';
import { TOOLS, tool } from '../support/tools.ts';
import { VALUE_SETS } from './value-sets.ts';

/** What every set of values makes. */
const ALWAYS = ['ConfigMap', 'Deployment', 'Pod', 'Pod', 'Pod', 'Service', 'ServiceAccount'];

/** The Pod of a Deployment, or of a Pod by itself. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what is tested
const podOf = (one: Manifest): any => (one.kind === 'Pod' ? one : one.spec.template);
// biome-ignore lint/suspicious/noExplicitAny: as above
const envOf = (one: Manifest): Record<string, any> =>
  Object.fromEntries(
    podOf(one).spec.containers[0].env.map(({ name, value, valueFrom }: Record<string, unknown>) => [
      name,
      value ?? valueFrom,
    ]),
  );

requires('helm')('the chart', () => {
  const rendered = new Map<string, { text: string; manifests: Manifest[] }>();
  beforeAll(async () => {
    for (const [name, { values, options }] of Object.entries(VALUE_SETS)) {
      const text = await renderText(values, options);
      rendered.set(name, { text, manifests: parseManifests(text) });
    }
  }, 180_000);
  const of = (name: string) => rendered.get(name)?.manifests ?? [];

  describe.each(Object.keys(VALUE_SETS))('with %s', (name) => {
    it('makes just what it should', () => {
      const also = VALUE_SETS[name]?.also ?? [];
      const less = also.filter((kind) => kind.startsWith('-')).map((kind) => kind.slice(1));
      const expected = [...ALWAYS, ...also.filter((kind) => !kind.startsWith('-'))];
      if (of(name).some(({ metadata }) => metadata.name.endsWith('-test-livez')) && kubernetesTokensOnly(name))
        less.push('Pod');
      for (const kind of less) expected.splice(expected.indexOf(kind), 1);
      expect(
        of(name)
          .map(({ kind }) => kind)
          .sort(),
      ).toEqual(expected.sort());
    });

    it('names and labels its objects so that they can be found and told apart', () => {
      const seen = new Set<string>();
      for (const { kind, metadata } of of(name)) {
        expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        expect(seen.has(`${kind}/${metadata.namespace}/${metadata.name}`)).toBe(false);
        seen.add(`${kind}/${metadata.namespace}/${metadata.name}`);
        if (metadata.name === 'x') continue;
        expect(metadata.labels).toMatchObject({
          'app.kubernetes.io/managed-by': 'Helm',
          'helm.sh/chart': expect.any(String),
        });
        for (const value of Object.values(metadata.labels)) expect(value.length).toBeLessThanOrEqual(63);
      }
      const deployment = the(of(name), 'Deployment');
      expect(deployment.spec.template.metadata.labels).toMatchObject(deployment.spec.selector.matchLabels);
      expect(deployment.spec.template.metadata.labels).toMatchObject(
        the(of(name), 'Service', deployment.metadata.name).spec.selector,
      );
    });

    it('asks for no rights that it does not need', () => {
      const usesKubernetes =
        of(name).some(({ kind }) => kind.endsWith('Role')) || name === 'permissions made elsewhere';
      for (const one of of(name).filter(
        ({ kind }) => kind === 'Deployment' || kind === 'Pod' || kind === 'StatefulSet',
      )) {
        const { spec } = podOf(one);
        expect(spec.automountServiceAccountToken).toBe(one.kind === 'Deployment' && usesKubernetes);
        expect(spec.enableServiceLinks).toBe(false);
        expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
        for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
          if (container.image === 'busybox') continue;
          expect(container.securityContext).toMatchObject({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container.resources).toMatchObject({
            requests: { cpu: expect.any(String) },
            limits: { memory: expect.any(String) },
          });
        }
      }
    });

    it('sets nothing that the daemon does not know', () => {
      const known = new Set(settingsOf('run').length > 0 ? ['ZONEKEEPER_CONFIG'] : []);
      for (const key of Object.keys(envOf(the(of(name), 'Deployment')))) {
        if (!key.startsWith('ZONEKEEPER_') || known.has(key)) continue;
        expect(SETTINGS_IN_DOCS).toContain(`\`${key}\``);
      }
    });

    it('is the same each time it is rendered', async () => {
      const { values, options } = VALUE_SETS[name] ?? { values: {} };
      expect(await renderText(values, options)).toBe(rendered.get(name)?.text);
    });
  });

  const SETTINGS_IN_DOCS = readFileSync('docs/configuration.md', 'utf8');
  const kubernetesTokensOnly = (name: string): boolean => {
    const api = (VALUE_SETS[name]?.values.api ?? {}) as { auth?: string; anonymousRead?: boolean };
    return api.auth === 'kubernetes' && api.anonymousRead !== true;
  };

  describe('secrets', () => {
    it('by reference are mounted as files that follow a change, and stand in no variable', () => {
      const manifests = of('the least');
      const deployment = the(manifests, 'Deployment');
      const volume = podOf(deployment).spec.volumes.find(({ name }: { name: string }) => name === 'secrets');
      expect(volume.projected.sources.map(({ secret }: Manifest) => [secret.name, secret.items[0].path])).toEqual([
        ['secrets', 'database-url'],
        ['secrets', 'cloudflare-api-token'],
        ['secrets', 'api-token'],
      ]);
      expect(JSON.stringify(manifests)).not.toContain('subPath');
      expect(envOf(deployment)).toMatchObject({
        DATABASE_URL_FILE: '/etc/zonekeeper/secrets/database-url',
        CLOUDFLARE_API_TOKEN_FILE: '/etc/zonekeeper/secrets/cloudflare-api-token',
        ZONEKEEPER_API_TOKEN_FILE: '/etc/zonekeeper/secrets/api-token',
      });
    });

    it('in plain text end up in one Secret, and nowhere else', () => {
      const manifests = of('secrets in plain text');
      const decoded = Object.values(the(manifests, 'Secret').data as Record<string, string>).map((value) =>
        Buffer.from(value, 'base64').toString(),
      );
      expect(decoded.sort()).toEqual(['api-token', 'cf-token', 'postgres://u:p@db/app']);
      const elsewhere = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'));
      for (const secret of ['cf-token', 'u:p@']) expect(elsewhere).not.toContain(secret);
    });

    it('the URL of the trial PostgreSQL carries its password in the form of a URL', () => {
      const secret = the(of('a PostgreSQL for trials'), 'Secret').data as Record<string, string>;
      const url = new URL(Buffer.from(secret['database-url'] ?? '', 'base64').toString());
      expect(decodeURIComponent(url.password)).toBe('trial/1?');
      expect(url.hostname).toBe('zonekeeper-postgresql.dns.svc');
    });

    it('the migration can have a role of its own, which the daemon does not see', () => {
      const { spec } = podOf(the(of('a role of its own for migrations'), 'Deployment'));
      const mounts = (container: Manifest) => container.volumeMounts.map(({ name }: { name: string }) => name);
      expect(mounts(spec.initContainers[0])).toContain('migration-secrets');
      expect(mounts(spec.containers[0])).not.toContain('migration-secrets');
    });
  });

  it('hands settings to the daemon as its YAML file, and restarts it when they change', async () => {
    const config = the(of('settings'), 'ConfigMap');
    expect(parse(config.data['zonekeeper.yaml'])).toEqual({
      zones: ['example.com'],
      delete_guard: '10%,min=5',
      dry_run: true,
    });
    const checksum = (manifests: Manifest[]) =>
      podOf(the(manifests, 'Deployment')).metadata.annotations['zonekeeper.dev/config-checksum'];
    expect(checksum(of('settings'))).not.toBe(checksum(of('the least')));
  });

  it('lets browsers in by the names of Ingress and route', () => {
    for (const name of ['an Ingress', 'a route']) {
      expect(parse(the(of(name), 'ConfigMap').data['zonekeeper.yaml'])).toEqual({ hosts: ['dns.example.com'] });
    }
  });

  it('takes a digest before a tag, and the version of the chart without either', () => {
    const image = (name: string) => podOf(the(of(name), 'Deployment')).spec.containers[0].image;
    expect(image('an image by digest')).toBe(`ghcr.io/zonekeeper/zonekeeper@sha256:${'a'.repeat(64)}`);
    expect(image('a private registry')).toBe('registry.internal/zk:9');
    expect(image('the least')).toBe(`ghcr.io/zonekeeper/zonekeeper:${manifest.version}`);
  });

  it('grants exactly the verbs of what is switched on', () => {
    const rules = (name: string) =>
      of(name)
        .filter(({ kind, metadata }) => /Role$/.test(kind) && !/-(read|write)$/.test(metadata.name))
        .flatMap(({ rules: own }) => own as { resources: string[]; resourceNames?: string[]; verbs: string[] }[])
        .map(
          ({ resources, resourceNames, verbs }) => `${verbs} ${resources}${resourceNames ? ` ${resourceNames}` : ''}`,
        );
    expect(rules('the least')).toEqual([]);
    expect(rules('a Lease elsewhere')).toEqual(['get,update leases l', 'create leases']);
    expect(rules('Events')).toEqual(['create,patch events']);
    expect(rules("Kubernetes' tokens")).toEqual(['create tokenreviews', 'create subjectaccessreviews']);
    expect(the(of('a Lease elsewhere'), 'Role').metadata.namespace).toBe('leases');
  });

  it('fills in the selector of a spread, and leaves one that is given', () => {
    const { topologySpreadConstraints } = podOf(the(of('spread over zones'), 'Deployment')).spec;
    expect(topologySpreadConstraints[0]).toMatchObject({
      maxSkew: 1,
      labelSelector: { matchLabels: { 'app.kubernetes.io/component': 'daemon' } },
    });
  });

  it('lets through the network what is needed, and nothing else', () => {
    const ports = (name: string) =>
      the(of(name), 'NetworkPolicy').spec.egress.map(({ ports: own, to }: Manifest) => [
        own.map(({ port }: { port: number }) => port).join(),
        to === undefined ? 'anywhere' : JSON.stringify(to).includes('10.0.0.0/8') ? 'public' : 'named',
      ]);
    expect(ports('a network policy')).toEqual([
      ['53,53', 'named'],
      ['5432', 'anywhere'],
      ['443', 'public'],
    ]);
    expect(ports('a narrow network policy')).toEqual([
      ['53,53', 'named'],
      ['6432', 'named'],
      ['443', 'named'],
      ['443,6443', 'named'],
    ]);
  });

  it('hands Grafana whole dashboards, by label or by resource', () => {
    const files = readdirSync(join(CHART, 'files/dashboards')).filter((file) => file.endsWith('.json'));
    const texts = files.map((file) => JSON.parse(readFileSync(join(CHART, 'files/dashboards', file), 'utf8')));
    const configMaps = of('dashboards for the sidecar').filter(
      ({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'dashboard',
    );
    expect(configMaps.map(({ data }) => JSON.parse(Object.values(data as Record<string, string>)[0] ?? ''))).toEqual(
      texts,
    );
    for (const { metadata } of configMaps)
      expect(metadata.labels).toMatchObject({ grafana_dashboard: '1', folder: 'dns' });
    const resources = of('dashboards for the Grafana operator').filter(({ kind }) => kind === 'GrafanaDashboard');
    expect(resources.map(({ spec }) => JSON.parse(spec.json))).toEqual(texts);
    for (const { spec } of resources) expect(spec.instanceSelector).toEqual({ matchLabels: { dashboards: 'grafana' } });
  });

  it.each([
    ['dashboards for the sidecar', 'http://127.0.0.1:8080'],
    ['dashboards that lead to an Ingress', 'https://dns.example.com'],
    ['dashboards that lead to an Ingress without certificates', 'http://dns.home.example'],
    ['dashboards that lead to a route', 'https://dns.example.net'],
    ['dashboards that lead elsewhere', 'https://tools.example.com/dns'],
  ])('tells %s where the page is', (set, page) => {
    const all = of(set).filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'dashboard');
    expect(all).toHaveLength(3);
    for (const { data, spec } of all) {
      const text: string = spec?.json ?? Object.values(data as Record<string, string>)[0];
      const { templating } = JSON.parse(text) as { templating: { list: { name: string; query: unknown }[] } };
      expect(templating.list.find(({ name }) => name === 'page')?.query).toBe(page);
    }
  });

  it('is for Kubernetes from the version that it names', async () => {
    const floor = /^kubeVersion: ">=(\d+)\.(\d+)\./m.exec(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    const [major = 0, minor = 0] = floor?.slice(1).map(Number) ?? [];
    expect((await tryRender({}, { kubernetes: `${major}.${minor}.0` })).code).toBe(0);
    const { code, stderr } = await tryRender({}, { kubernetes: `${major}.${minor - 1}.9` });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/incompatible with Kubernetes/);
  });

  it('has tests that tell a daemon which works from one that does not', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    const daemon = await runDaemon({
      DATABASE_URL: database.url,
      CLOUDFLARE_API_TOKEN: 'a-token',
      CLOUDFLARE_BASE_URL: simulator.url,
    });
    const port = Number(new URL(daemon.url).port);
    // The Service has the release's name: here, this machine's.
    const manifests = await render({ fullnameOverride: 'localhost', service: { port } });
    const tests = manifests.filter(({ kind }) => kind === 'Pod').map(({ spec }) => spec.containers[0]);
    expect(tests.map(({ name }) => name).sort()).toEqual(['livez', 'metrics', 'readyz']);
    /** Runs it as its container would: the image's program, or the command that replaces it. */
    const play = async ({ command: own, args = [], env }: Manifest) => {
      const [program, ...rest] = own ?? ['node', 'src/main.ts', ...args];
      expect(program).toBe('node');
      const set = Object.fromEntries(env.map(({ name, value }: Record<string, string>) => [name, value]));
      return (await attempt(process.execPath, rest, { env: set })).code;
    };
    for (const test of tests) expect([test.name, await play(test)]).toEqual([test.name, 0]);
    daemon.signal('SIGTERM');
    await daemon.ended;
    for (const test of tests) expect([test.name, await play(test)]).toEqual([test.name, 1]);
  });

  it('has a section in its changelog for its version', () => {
    expect(readFileSync(join(CHART, 'CHANGELOG.md'), 'utf8')).toMatch(new RegExp(`^## ${manifest.version}\\b`, 'm'));
  });

  it('names the release in everything when it is not called like the chart', () => {
    for (const { metadata } of of('the name of the release is another'))
      expect(metadata.name).toMatch(/^prod-zonekeeper/);
  });

  describe('refuses, and says what to do', () => {
    const cases: readonly [what: string, values: Record<string, unknown>, message: RegExp][] = [
      [
        'no database',
        { database: { existingSecret: { name: '' } } },
        /No database: name a Secret in database\.existingSecret\.name/,
      ],
      ['two databases', { database: { url: 'postgres://a/b' } }, /Two databases: .* Remove one\./],
      [
        'a trial database beside another',
        { postgresql: { enabled: true, password: 'x' } },
        /postgresql\.enabled runs one in the release/,
      ],
      [
        'a trial database without password',
        { database: { existingSecret: { name: '' } }, postgresql: { enabled: true } },
        /needs postgresql\.password/,
      ],
      ['no Cloudflare token', { cloudflare: { existingSecret: { name: '' } } }, /No Cloudflare token/],
      ['two Cloudflare tokens', { cloudflare: { token: 'x' } }, /Two Cloudflare tokens/],
      ['an API for nobody', { api: { existingSecret: { name: '' } } }, /Nobody could use the API/],
      ['two API tokens', { api: { token: 'x' } }, /Two API tokens/],
      [
        'a secret for no migration',
        { migrations: { enabled: false, existingSecret: { name: 'x' } } },
        /nothing would use it/,
      ],
      ['a budget for one Pod', { podDisruptionBudget: { enabled: true } }, /needs replicas of 2 or more/],
      ['an Ingress without a name', { ingress: { enabled: true } }, /needs a name in ingress\.hosts/],
      ['a route without a gateway', { httpRoute: { enabled: true } }, /needs a gateway/],
      ['two monitors', { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } }, /Choose one/],
      [
        'rights for everybody',
        { serviceAccount: { create: false }, events: { enabled: true } },
        /service account default/,
      ],
      [
        'a grace that Kubernetes cuts off',
        { config: { shutdown_grace: '40s' } },
        /must be shorter than terminationGracePeriodSeconds/,
      ],
      ['an unknown value', { replica: 2 }, /replica/],
      ['an unknown setting', { config: { zoness: ['a'] } }, /zoness/],
      ['a secret among the settings', { config: { cloudflare_api_token: 'x' } }, /cloudflare_api_token/],
      ['a wrong word', { leaderElection: { mode: 'raft' } }, /mode/],
      ['a wrong number', { replicas: -1 }, /replicas/],
      ['a wrong digest', { image: { digest: 'sha1:abc' } }, /digest/],
      ['too short a grace', { terminationGracePeriodSeconds: 5 }, /terminationGracePeriodSeconds/],
      [
        'calls where a share of them is meant',
        { metrics: { prometheusRule: { thresholds: { budgetShare: 50 } } } },
        /budgetShare/,
      ],
      ['a selector with its braces', { metrics: { prometheusRule: { selector: '{job="zonekeeper"}' } } }, /selector/],
    ];
    it.each(cases)('%s', async (_, values, message) => {
      const { code, stderr } = await tryRender(values);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(message);
    });
  });

  it.each([
    [
      'home',
      { ingress: { enabled: true, hosts: [{ host: 'dns.home.example' }] }, config: { zones: ['home.example'] } },
    ],
    [
      'company',
      {
        replicas: 2,
        podDisruptionBudget: { enabled: true },
        leaderElection: { mode: 'kubernetes' },
        events: { enabled: true },
        networkPolicy: { enabled: true },
        metrics: { serviceMonitor: { enabled: true }, prometheusRule: { enabled: true } },
        dashboards: { mode: 'configMap' },
      },
    ],
    [
      'trial',
      {
        database: { existingSecret: { name: '' } },
        postgresql: { enabled: true, password: 'trial' },
        cloudflare: { existingSecret: { name: '' }, token: 'token' },
        api: { existingSecret: { name: '' }, token: 'token' },
      },
    ],
  ])('for %s renders what was agreed on', async (name, values) => {
    // Dashboards and rules have their own home, and would fill these files.
    const shown = (await render(values)).map((one) =>
      one.metadata.labels['app.kubernetes.io/component'] === 'dashboard'
        ? { ...one, data: Object.fromEntries(Object.keys(one.data).map((key) => [key, '…'])) }
        : one.kind === 'PrometheusRule'
          ? { ...one, spec: '…' }
          : one,
    );
    await expect(shown.map((one) => stringify(one, { lineWidth: 0 })).join('---\n')).toMatchFileSnapshot(
      `golden/${name}.yaml`,
    );
  });

  it('passes helm lint --strict', async () => {
    const args = ['lint', '--strict', CHART, '-f', '-'];
    await command(tool('helm'), args, { env: helmEnv(sharedDir), input: JSON.stringify(merge(ENOUGH, {})) });
  });
  const sharedDir = sharedFolder();

  it('has README and schema as its values.yaml says; `npm run chart` makes them anew', () => {
    const values = readFileSync(join(CHART, 'values.yaml'), 'utf8');
    expect(readFileSync(join(CHART, 'values.schema.json'), 'utf8')).toBe(schemaText(values));
    const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8');
    expect(readFileSync(join(CHART, 'README.md'), 'utf8')).toBe(readmeText(values, chart));
    expect(parse(chart)).toMatchObject({ version: manifest.version, appVersion: manifest.version });
  });

  it('has no hooks but its tests, and looks nothing up', () => {
    for (const file of readdirSync(join(CHART, 'templates'))) {
      const path = join(CHART, 'templates', file);
      if (!/\.(ya?ml|tpl)$/.test(file)) continue;
      expect(readFileSync(path, 'utf8')).not.toMatch(/helm\.sh\/hook|\blookup\b|\brand[A-Z]|\bgen[A-Z]|\bnow\b/);
    }
  });

  requires('kubeconform', 'Kubernetes schemas')('by the schemas of Kubernetes', () => {
    const folder = sharedFolder();
    it.each(['1.29.0', '1.37.0'])('is valid in %s', async (version) => {
      expect(existsSync(join(TOOLS, 'schemas', `v${version}`))).toBe(true);
      mkdirSync(join(folder, version));
      let index = 0;
      for (const { text } of rendered.values()) writeFileSync(join(folder, version, `${index++}.yaml`), text);
      const location = `${TOOLS}/schemas/{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json`;
      // Kinds that are not Kubernetes' own.
      const skip = 'ServiceMonitor,PodMonitor,PrometheusRule,HTTPRoute,GrafanaDashboard';
      const args = ['-strict', '-summary', '-kubernetes-version', version, '-schema-location', location, '-skip', skip];
      const { stdout, stderr } = await attempt(tool('kubeconform'), [...args, join(folder, version)]);
      expect(`${stdout}${stderr}`).toMatch(/Invalid: 0, Errors: 0/);
    });
  });

  requires('kube-score')('by kube-score', () => {
    it('has nothing critical', async () => {
      const text = await renderText({
        replicas: 2,
        podDisruptionBudget: { enabled: true },
        networkPolicy: { enabled: true },
        tests: { enabled: false },
      });
      // On purpose: the image is pulled once a node (its tag is a version, or a digest is given), and nothing throttles the
      // CPU of a daemon that needs little of it and then at once.
      const args = [
        'score',
        '--ignore-test',
        'container-image-pull-policy',
        '--ignore-container-cpu-limit',
        '--output-format',
        'ci',
        '-',
      ];
      const { stdout, stderr } = await attempt(tool('kube-score'), args, { input: text });
      expect(stderr).toBe('');
      expect(stdout.split('\n').filter((line) => line.includes('[CRITICAL]'))).toEqual([]);
    });
  });
});
