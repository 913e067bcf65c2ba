import { httpUrl, listenAddress, postgresUrl } from './address.ts';
import { duration, guard, integer, integerOrAuto, share } from './amounts.ts';
import { LOG_LEVELS } from './log-levels.ts';
import { COMMANDS, type CommandName, type Setting, setting } from './setting.ts';
import { boolean, choice, list, text, token } from './words.ts';

/** Commands that talk to the user's PostgreSQL. */
const DATABASE = ['run', 'plan', 'sync', 'records', 'delete', 'adopt', 'migrate', 'config'] as const;
/** Commands that talk to Cloudflare: always, or where no daemon leads. */
const CORE = ['run', 'plan', 'sync', 'delete', 'adopt', 'demo', 'config'] as const;
/** A name as Kubernetes takes it for objects (RFC 1123). */
const objectName = text(
  /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/,
  '1 to 63 lower-case letters, digits, dots or hyphens, and begin and end with a letter or digit',
);
/** Commands that serve HTTP. */
const SERVING = ['run', 'demo', 'config'] as const;

/**
 * Every setting, by its name in {@link Config}. Environment, flags, file, help texts, `zonekeeper config` and
 * docs/configuration.md are all made from this table; the order here is the order there.
 */
export const SETTINGS = {
  databaseUrl: setting({
    env: 'DATABASE_URL',
    type: postgresUrl,
    default: null,
    absent: 'none',
    secret: true,
    doc: 'PostgreSQL 14 or newer. LISTEN needs a direct connection or a pooler in session mode.',
    requiredBy: ['run', 'plan', 'sync', 'records', 'delete', 'adopt', 'migrate'],
    takenBy: DATABASE,
  }),
  cloudflareApiToken: setting({
    env: 'CLOUDFLARE_API_TOKEN',
    type: token(500),
    default: null,
    absent: 'none',
    secret: true,
    doc: 'API token with Zone:Read and DNS:Edit for the zones. Commands that go through a running daemon need none.',
    requiredBy: ['run'],
    takenBy: ['run', 'plan', 'sync', 'delete', 'adopt', 'config'],
  }),
  cloudflareBaseUrl: setting({
    env: 'CLOUDFLARE_BASE_URL',
    type: httpUrl,
    default: 'https://api.cloudflare.com/client/v4',
    doc: 'Base of the API, for instance `http://127.0.0.1:8799/client/v4` for the simulator.',
    takenBy: ['run', 'plan', 'sync', 'delete', 'adopt', 'config'],
  }),
  listen: setting({
    env: 'ZONEKEEPER_LISTEN',
    type: listenAddress,
    default: '127.0.0.1:8080',
    doc: 'HTTP address of API, page, probes and metrics: `127.0.0.1:8080`, `[::1]:8080`, `:8080` (all interfaces).',
    takenBy: ['run', 'demo', 'simulate', 'health', 'config'],
  }),
  apiToken: setting({
    env: 'ZONEKEEPER_API_TOKEN',
    type: token(500),
    default: null,
    absent: 'none',
    secret: true,
    doc: 'Bearer token for everything under `/api` and `/sync`. Without it the daemon listens on loopback only, unless ZONEKEEPER_ALLOW_ANONYMOUS is `read`.',
    takenBy: SERVING,
  }),
  allowAnonymous: setting({
    env: 'ZONEKEEPER_ALLOW_ANONYMOUS',
    type: choice(['none', 'read']),
    default: 'none',
    doc: 'What may be done without the token: `read` lets anybody who reaches the address read names, targets and history.',
    takenBy: SERVING,
  }),
  hosts: setting({
    env: 'ZONEKEEPER_HOSTS',
    type: list,
    default: null,
    absent: 'any',
    doc: 'Host names under which browsers may reach the API, beside loopback. Checked where no token guards it (DNS rebinding).',
    takenBy: SERVING,
  }),
  apiAuth: setting({
    env: 'ZONEKEEPER_API_AUTH',
    type: choice(['token', 'kubernetes']),
    default: 'token',
    doc: '`kubernetes` also accepts tokens that Kubernetes knows (TokenReview), of users who may `get /zonekeeper/read` or `post /zonekeeper/write` there; `/metrics` asks for the first, too.',
    takenBy: ['run', 'config'],
  }),
  ownerId: setting({
    env: 'ZONEKEEPER_OWNER_ID',
    type: text(
      /^[a-z0-9][a-z0-9._-]{0,39}$/,
      '1 to 40 lower-case letters, digits, dots, hyphens or underscores, and begin with a letter or digit',
    ),
    default: 'default',
    doc: "This installation's name in the owner mark that every record carries in its comment. Never change it later.",
    takenBy: CORE,
  }),
  zones: setting({
    env: 'ZONEKEEPER_ZONES',
    type: list,
    default: null,
    absent: 'all the token sees',
    doc: 'Zones that may be touched.',
    takenBy: CORE,
  }),
  policy: setting({
    env: 'ZONEKEEPER_POLICY',
    type: choice(['sync', 'upsert-only', 'create-only']),
    default: 'sync',
    doc: '`sync` creates, updates and deletes; `upsert-only` never deletes; `create-only` neither updates nor deletes.',
    takenBy: CORE,
  }),
  dryRun: setting({
    env: 'ZONEKEEPER_DRY_RUN',
    type: boolean,
    default: 'false',
    doc: 'Decide and report, change nothing at Cloudflare.',
    takenBy: CORE,
  }),
  driftCheckMinMs: setting({
    env: 'ZONEKEEPER_DRIFT_CHECK_MIN',
    type: duration('1s', '1h'),
    default: '5s',
    doc: 'Shortest interval between two looks at a zone. Between the two bounds it follows from the API budget.',
    takenBy: ['run', 'demo', 'config'],
  }),
  driftCheckMaxMs: setting({
    env: 'ZONEKEEPER_DRIFT_CHECK_MAX',
    type: duration('1s', '1d'),
    default: '10m',
    doc: 'Longest interval between two looks at a zone.',
    takenBy: ['run', 'demo', 'config'],
  }),
  driftShare: setting({
    env: 'ZONEKEEPER_DRIFT_SHARE',
    type: share,
    default: '50%',
    doc: 'Share of the API budget that drift checks may use.',
    takenBy: ['run', 'demo', 'config'],
  }),
  resyncMs: setting({
    env: 'ZONEKEEPER_RESYNC',
    type: duration('10s', '1d'),
    default: '5m',
    doc: 'Interval of the full comparison of the view `zonekeeper.desired` with what was read from it. Where the role may not create triggers, it alone finds changes.',
    takenBy: ['run', 'demo', 'config'],
  }),
  apiBudget: setting({
    env: 'ZONEKEEPER_API_BUDGET',
    type: integer({ min: 50, max: 1_200 }),
    default: '1000',
    doc: 'API requests in any 5 minutes, at most. Cloudflare allows 1,200 per user, whatever else that user runs included.',
    takenBy: CORE,
  }),
  batchLimit: setting({
    env: 'ZONEKEEPER_BATCH_LIMIT',
    type: integerOrAuto({ min: 1, max: 3_500 }),
    default: 'auto',
    doc: "Operations in one batch call. `auto`: by the zone's plan, 200 or 3,500.",
    takenBy: CORE,
  }),
  concurrency: setting({
    env: 'ZONEKEEPER_CONCURRENCY',
    type: integer({ min: 1, max: 100_000 }),
    default: '10000',
    doc: 'Names in flight at once, at most. Their changes meet in one writer per zone, so a high number makes full batches.',
    takenBy: CORE,
  }),
  deleteGuard: setting({
    env: 'ZONEKEEPER_DELETE_GUARD',
    type: guard,
    default: '25%,min=10',
    doc: 'Names of a zone that may lose their record within an hour: this share of the tracked ones, or `min`, whichever is more. Beyond it they are held until confirmed.',
    takenBy: CORE,
  }),
  deleteGraceMs: setting({
    env: 'ZONEKEEPER_DELETE_GRACE',
    type: duration('0s', '7d'),
    default: '0s',
    doc: 'How long a record outlives its consumer.',
    takenBy: CORE,
  }),
  targets: setting({
    env: 'ZONEKEEPER_TARGETS',
    type: list,
    default: null,
    absent: 'any',
    doc: 'Allow-list of targets: addresses, CIDRs, host name patterns. It lives here so that who writes rows cannot widen it.',
    takenBy: CORE,
  }),
  names: setting({
    env: 'ZONEKEEPER_NAMES',
    type: list,
    default: null,
    absent: 'all',
    doc: 'Patterns of FQDNs that may be touched.',
    takenBy: CORE,
  }),
  ignore: setting({
    env: 'ZONEKEEPER_IGNORE',
    type: list,
    default: null,
    absent: 'none',
    doc: 'Patterns of FQDNs that are left alone, also where ZONEKEEPER_NAMES allows them.',
    takenBy: CORE,
  }),
  allowApex: setting({
    env: 'ZONEKEEPER_ALLOW_APEX',
    type: boolean,
    default: 'false',
    doc: 'Manage records at the apex of a zone, too.',
    takenBy: CORE,
  }),
  allowWildcard: setting({
    env: 'ZONEKEEPER_ALLOW_WILDCARD',
    type: boolean,
    default: 'false',
    doc: 'Manage wildcard records, too.',
    takenBy: CORE,
  }),
  leaderElection: setting({
    env: 'ZONEKEEPER_LEADER_ELECTION',
    type: choice(['postgres', 'kubernetes']),
    default: 'postgres',
    doc: 'How one process of many is chosen to write: by a row in PostgreSQL, or by a Lease of Kubernetes. The epoch of the row fences every write either way.',
    takenBy: CORE,
  }),
  leaseName: setting({
    env: 'ZONEKEEPER_LEASE_NAME',
    type: objectName,
    default: 'zonekeeper',
    doc: 'Name of the Lease. Installations in one namespace need one each.',
    takenBy: ['run', 'config'],
  }),
  leaseNamespace: setting({
    env: 'ZONEKEEPER_LEASE_NAMESPACE',
    type: objectName,
    default: null,
    absent: 'that of the Pod',
    doc: 'Namespace of the Lease.',
    takenBy: ['run', 'config'],
  }),
  events: setting({
    env: 'ZONEKEEPER_EVENTS',
    type: boolean,
    default: 'false',
    doc: 'Write Kubernetes Events: became leader, sync finished with changes, deletion held, conflict found, token refused.',
    takenBy: ['run', 'config'],
  }),
  eventsObject: setting({
    env: 'ZONEKEEPER_EVENTS_OBJECT',
    type: text(
      /^[A-Za-z]{1,63}\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      'of the form Kind/name, such as Deployment/zonekeeper',
    ),
    default: null,
    absent: 'the Pod',
    doc: 'The object in the namespace of the Pod that the Events are about.',
    takenBy: ['run', 'config'],
  }),
  schema: setting({
    env: 'ZONEKEEPER_SCHEMA',
    // The longest identifier of PostgreSQL has 63 bytes; names of channels and indexes are made from this one.
    type: text(
      /^(?!pg_)[a-z_][a-z0-9_]{0,39}$/,
      '1 to 40 lower-case letters, digits or underscores, and not begin with a digit or pg_',
    ),
    default: 'zonekeeper',
    doc: 'Schema of our own tables, so that several installations can share a database.',
    takenBy: DATABASE,
  }),
  historyDays: setting({
    env: 'ZONEKEEPER_HISTORY_DAYS',
    type: integer({ min: 1, max: 3_650 }),
    default: '90',
    doc: 'Days for which the history of changes is kept.',
    takenBy: ['run', 'demo', 'config'],
  }),
  shutdownGraceMs: setting({
    env: 'ZONEKEEPER_SHUTDOWN_GRACE',
    type: duration('1s', '10m'),
    default: '10s',
    doc: 'Time for writes in flight to finish on SIGTERM. Keep it below terminationGracePeriodSeconds (TimeoutStopSec).',
    takenBy: ['run', 'demo', 'config'],
  }),
  logLevel: setting({
    env: 'ZONEKEEPER_LOG_LEVEL',
    type: choice(LOG_LEVELS),
    default: 'info',
    doc: 'Least severity that is logged.',
    takenBy: COMMANDS,
  }),
  heapSnapshots: setting({
    env: 'ZONEKEEPER_HEAP_SNAPSHOTS',
    type: text(/^\/\S*$/, 'the absolute path of a folder'),
    default: null,
    absent: 'none',
    doc: 'Folder into which SIGUSR2 writes a heap snapshot. It holds secrets, and is about as large as the heap.',
    takenBy: ['run', 'config'],
  }),
  logFormat: setting({
    env: 'ZONEKEEPER_LOG_FORMAT',
    type: choice(['auto', 'pretty', 'json']),
    default: 'auto',
    doc: '`auto`: pretty on a terminal, JSON lines otherwise.',
    takenBy: COMMANDS,
  }),
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof SETTINGS;

/** The keys in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

type Parses<S> = S extends { readonly type: { readonly parse: (text: string) => infer P } }
  ? Extract<P, { readonly ok: true }> extends { readonly value: infer T }
    ? T
    : never
  : never;
type ValueOf<S> = S extends { readonly default: null } ? Parses<S> | null : Parses<S>;

/** The values of all settings. Durations in milliseconds, shares from 0 to 1, sizes in bytes; null: not set. */
export type Settings = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };

type RequiredBy<C extends CommandName> = {
  [K in SettingKey]: (typeof SETTINGS)[K] extends { readonly requiredBy: readonly (infer R)[] }
    ? C extends R
      ? K
      : never
    : never;
}[SettingKey];

/** The values that a command can count on: what it requires is not null. */
export type SettingsFor<C extends CommandName> = Settings & {
  readonly [K in RequiredBy<C>]: NonNullable<Settings[K]>;
};

/** The description of a setting without its literal types. */
export function describe(key: SettingKey): Setting {
  return SETTINGS[key];
}

/** The settings that a command takes, in the order of the table. */
export function settingsOf(command: CommandName): SettingKey[] {
  return SETTING_KEYS.filter((key) => describe(key).takenBy.includes(command));
}
