import type { RenderOptions, Values } from '../support/chart.ts';

/** A set of values that somebody may well have, and which kinds it makes beside those that every set makes. */
export interface ValueSet {
  readonly values: Values;
  readonly options?: RenderOptions;
  readonly also?: readonly string[];
}

const MONITORING = ['monitoring.coreos.com/v1'];
const KUBERNETES: Values = {
  leaderElection: { mode: 'kubernetes' },
  events: { enabled: true },
  api: { auth: 'kubernetes' },
};

/** Sets over which everything that must always hold is checked. */
export const VALUE_SETS: Readonly<Record<string, ValueSet>> = {
  'the least': { values: {} },
  'the name of the release is another': { values: {}, options: { release: 'prod' } },
  'a release with the longest name': { values: {}, options: { release: 'r'.repeat(53) } },
  'a name of its own': { values: { fullnameOverride: 'dns-keeper' } },
  'another name of the chart': { values: { nameOverride: 'keeper' } },
  'an image by digest': { values: { image: { digest: `sha256:${'a'.repeat(64)}` } } },
  'a private registry': {
    values: { image: { repository: 'registry.internal/zk', tag: '9' }, imagePullSecrets: [{ name: 'pull' }] },
  },
  settings: { values: { config: { zones: ['example.com'], delete_guard: '10%,min=5', dry_run: true } } },
  'secrets in plain text': {
    values: {
      database: { existingSecret: { name: '' }, url: 'postgres://u:p@db/app' },
      cloudflare: { existingSecret: { name: '' }, token: 'cf-token' },
      api: { existingSecret: { name: '' }, token: 'api-token' },
    },
    also: ['Secret'],
  },
  'anybody may read': { values: { api: { existingSecret: { name: '' }, anonymousRead: true } } },
  'a role of its own for migrations': { values: { migrations: { existingSecret: { name: 'owner' } } } },
  'migrations by hand': { values: { migrations: { enabled: false } } },
  'a Lease': { values: { leaderElection: { mode: 'kubernetes' } }, also: ['Role', 'RoleBinding'] },
  'a Lease elsewhere': {
    values: { leaderElection: { mode: 'kubernetes', lease: { name: 'l', namespace: 'leases' } } },
    also: ['Role', 'RoleBinding'],
  },
  Events: { values: { events: { enabled: true, object: 'Deployment/zonekeeper' } }, also: ['Role', 'RoleBinding'] },
  "Kubernetes' tokens": {
    values: { api: { auth: 'kubernetes', existingSecret: { name: '' } } },
    also: ['ClusterRole', 'ClusterRole', 'ClusterRole', 'ClusterRoleBinding'],
  },
  'all of Kubernetes': {
    values: { ...KUBERNETES, replicas: 2 },
    also: [
      'ClusterRole',
      'ClusterRole',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'Role',
      'RoleBinding',
      'RoleBinding',
    ],
  },
  'permissions made elsewhere': { values: { ...KUBERNETES, rbac: { create: false } } },
  'a service account made elsewhere': {
    values: { serviceAccount: { create: false, name: 'there' } },
    also: ['-ServiceAccount'],
  },
  'two replicas with a budget': {
    values: { replicas: 2, podDisruptionBudget: { enabled: true } },
    also: ['PodDisruptionBudget'],
  },
  'spread over zones': {
    values: {
      replicas: 3,
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
      ],
    },
  },
  placed: {
    values: {
      nodeSelector: { 'kubernetes.io/arch': 'arm64' },
      tolerations: [{ key: 'edge', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      runtimeClassName: 'gvisor',
      hostUsers: false,
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
    },
  },
  'an Ingress': {
    values: {
      ingress: {
        enabled: true,
        className: 'nginx',
        hosts: [{ host: 'dns.example.com' }],
        tls: [{ secretName: 't', hosts: ['dns.example.com'] }],
      },
    },
    also: ['Ingress'],
  },
  'a route': {
    values: { httpRoute: { enabled: true, parentRefs: [{ name: 'gw' }], hostnames: ['dns.example.com'] } },
    also: ['HTTPRoute'],
  },
  'a node port': { values: { service: { type: 'NodePort', port: 80, annotations: { a: 'b' } } } },
  'a network policy': { values: { networkPolicy: { enabled: true } }, also: ['NetworkPolicy'] },
  'a narrow network policy': {
    values: {
      ...KUBERNETES,
      networkPolicy: {
        enabled: true,
        ingress: { from: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }] },
        egress: {
          postgres: [{ ipBlock: { cidr: '10.1.2.3/32' } }],
          postgresPort: 6432,
          cloudflare: [{ ipBlock: { cidr: '104.16.0.0/12' } }],
          kubernetes: [{ ipBlock: { cidr: '10.96.0.1/32' } }],
        },
      },
    },
    also: [
      'ClusterRole',
      'ClusterRole',
      'ClusterRole',
      'ClusterRoleBinding',
      'NetworkPolicy',
      'Role',
      'Role',
      'RoleBinding',
      'RoleBinding',
    ],
  },
  'a ServiceMonitor': {
    values: {
      metrics: {
        serviceMonitor: {
          enabled: true,
          labels: { release: 'kps' },
          authorization: { credentials: { name: 't', key: 'token' } },
        },
      },
    },
    also: ['ServiceMonitor'],
  },
  'a PodMonitor where the cluster knows it': {
    values: { metrics: { podMonitor: { enabled: 'auto' } } },
    options: { apis: MONITORING },
    also: ['PodMonitor'],
  },
  'no monitor where the cluster does not know it': { values: { metrics: { serviceMonitor: { enabled: 'auto' } } } },
  'rules of their own': {
    values: {
      metrics: {
        prometheusRule: { enabled: true, additionalGroups: [{ name: 'mine', rules: [{ record: 'a', expr: '1' }] }] },
      },
    },
    also: ['PrometheusRule'],
  },
  'rules where the cluster knows them': {
    values: { metrics: { prometheusRule: { enabled: 'auto' } } },
    options: { apis: MONITORING },
    also: ['PrometheusRule'],
  },
  'no rules where the cluster does not know them': { values: { metrics: { prometheusRule: { enabled: 'auto' } } } },
  'dashboards for the sidecar': {
    values: { dashboards: { mode: 'configMap', labels: { folder: 'dns' } } },
    also: ['ConfigMap', 'ConfigMap', 'ConfigMap'],
  },
  'dashboards for the Grafana operator': {
    values: { dashboards: { mode: 'operator' } },
    also: ['GrafanaDashboard', 'GrafanaDashboard', 'GrafanaDashboard'],
  },
  'dashboards that lead to an Ingress': {
    values: {
      dashboards: { mode: 'configMap' },
      ingress: { enabled: true, hosts: [{ host: 'dns.example.com' }], tls: [{ hosts: ['dns.example.com'] }] },
    },
    also: ['ConfigMap', 'ConfigMap', 'ConfigMap', 'Ingress'],
  },
  'dashboards that lead to an Ingress without certificates': {
    values: { dashboards: { mode: 'configMap' }, ingress: { enabled: true, hosts: [{ host: 'dns.home.example' }] } },
    also: ['ConfigMap', 'ConfigMap', 'ConfigMap', 'Ingress'],
  },
  'dashboards that lead to a route': {
    values: {
      dashboards: { mode: 'operator' },
      httpRoute: { enabled: true, parentRefs: [{ name: 'gw' }], hostnames: ['dns.example.net'] },
    },
    also: ['GrafanaDashboard', 'GrafanaDashboard', 'GrafanaDashboard', 'HTTPRoute'],
  },
  'dashboards that lead elsewhere': {
    values: {
      dashboards: { mode: 'configMap', pageUrl: 'https://tools.example.com/dns' },
      ingress: { enabled: true, hosts: [{ host: 'dns.example.com' }] },
    },
    also: ['ConfigMap', 'ConfigMap', 'ConfigMap', 'Ingress'],
  },
  'a PostgreSQL for trials': {
    values: {
      database: { existingSecret: { name: '' } },
      postgresql: { enabled: true, password: 'trial/1?', storage: '1Gi', storageClassName: 'fast' },
      networkPolicy: { enabled: true },
    },
    also: ['NetworkPolicy', 'NetworkPolicy', 'Secret', 'Service', 'StatefulSet'],
  },
  'more of everything': {
    values: {
      extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
      extraEnvFrom: [{ configMapRef: { name: 'more' } }],
      extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
      extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
      extraInitContainers: [{ name: 'first', image: 'busybox' }],
      extraContainers: [{ name: 'beside', image: 'busybox' }],
      podLabels: { team: 'edge' },
      podAnnotations: { note: 'x' },
      commonLabels: { owner: 'platform' },
      commonAnnotations: { contact: 'dns@example.com' },
    },
  },
  'further objects': {
    values: { extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', labels: {} } }] },
    also: ['ConfigMap'],
  },
  'no tests': { values: { tests: { enabled: false } }, also: ['-Pod', '-Pod', '-Pod'] },
};
