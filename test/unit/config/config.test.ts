import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { type ConfigInput, resolveSettings } from '../../../src/config/resolve.ts';
import { describe as describeSetting, SETTING_KEYS } from '../../../src/config/schema.ts';
import { COMMANDS } from '../../../src/config/setting.ts';
import { type ErrorCode, ZonekeeperError } from '../../../src/errors.ts';

const ENOUGH = { DATABASE_URL: 'postgres://app:hidden@db/app', CLOUDFLARE_API_TOKEN: 'token-of-tests' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'config-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function problemsOf(
  env: Record<string, string>,
  flags: Record<string, string> = {},
  code: ErrorCode = 'config_invalid',
): Promise<readonly string[]> {
  const error = await loadConfig({ env, flags, needs: 'config' }).catch((thrown: unknown) => thrown);
  if (!(error instanceof ZonekeeperError)) return [];
  expect(error.code).toBe(code);
  return error.facts.problems as string[];
}

describe('the settings', () => {
  it('have the defaults of the interface', async () => {
    const { secretFiles, databaseUrl, cloudflareApiToken, ...rest } = await loadConfig({ env: ENOUGH, needs: 'run' });
    expect({ secretFiles, databaseUrl, cloudflareApiToken }).toEqual({
      secretFiles: [],
      databaseUrl: ENOUGH.DATABASE_URL,
      cloudflareApiToken: ENOUGH.CLOUDFLARE_API_TOKEN,
    });
    expect(rest).toEqual({
      cloudflareBaseUrl: 'https://api.cloudflare.com/client/v4',
      listen: { host: '127.0.0.1', port: 8080 },
      apiToken: null,
      allowAnonymous: 'none',
      hosts: null,
      apiAuth: 'token',
      ownerId: 'default',
      zones: null,
      policy: 'sync',
      dryRun: false,
      driftCheckMinMs: 5_000,
      driftCheckMaxMs: 600_000,
      driftShare: 0.5,
      resyncMs: 300_000,
      apiBudget: 1_000,
      batchLimit: null,
      concurrency: 10_000,
      deleteGuard: { share: 0.25, min: 10 },
      deleteGraceMs: 0,
      targets: null,
      names: null,
      ignore: null,
      allowApex: false,
      allowWildcard: false,
      leaderElection: 'postgres',
      leaseName: 'zonekeeper',
      leaseNamespace: null,
      events: false,
      eventsObject: null,
      schema: 'zonekeeper',
      historyDays: 90,
      shutdownGraceMs: 10_000,
      logLevel: 'info',
      heapSnapshots: null,
      logFormat: 'auto',
    });
  });

  it('are typed: what a command requires is not null', () => {
    expectTypeOf<Config<'run'>['databaseUrl']>().toEqualTypeOf<string>();
    expectTypeOf<Config<'run'>['cloudflareApiToken']>().toEqualTypeOf<string>();
    expectTypeOf<Config<'records'>['cloudflareApiToken']>().toEqualTypeOf<string | null>();
    expectTypeOf<Config['databaseUrl']>().toEqualTypeOf<string | null>();
    expectTypeOf<Config['policy']>().toEqualTypeOf<'sync' | 'upsert-only' | 'create-only'>();
  });

  it('come from a flag before the environment before the file before the default', async () => {
    const path = await file('z.yaml', 'policy: create-only\nowner_id: of-file\nzones: [a.com, b.com]\ndry_run: true\n');
    const env = { ...ENOUGH, ZONEKEEPER_CONFIG: path, ZONEKEEPER_POLICY: 'upsert-only', ZONEKEEPER_OWNER_ID: 'of-env' };
    const { effective } = await resolveSettings({ env, flags: { 'owner-id': 'of-flag' }, needs: 'run' });
    const found = new Map(effective.map(({ key, shown, from }) => [key, `${shown} from ${from}`]));
    expect(found.get('ownerId')).toBe('of-flag from --owner-id');
    expect(found.get('policy')).toBe('upsert-only from ZONEKEEPER_POLICY');
    expect(found.get('zones')).toBe(`a.com,b.com from zones in ${path}`);
    expect(found.get('dryRun')).toBe(`true from dry_run in ${path}`);
    expect(found.get('schema')).toBe('zonekeeper from default');
  });

  it('take the file of the flag before that of the environment', async () => {
    const path = await file('flag.yaml', 'owner_id: flag\n');
    const env = { ZONEKEEPER_CONFIG: join(directory, 'missing.yaml') };
    const config = await loadConfig({ env, flags: { config: path }, needs: 'config' });
    expect(config.ownerId).toBe('flag');
  });

  it('count an empty variable or key as not set', async () => {
    const path = await file('z.yaml', 'owner_id:\npolicy: ""\n');
    const config = await loadConfig({ env: { ZONEKEEPER_ZONES: '' }, flags: { config: path }, needs: 'config' });
    expect([config.zones, config.ownerId, config.policy]).toEqual([null, 'default', 'sync']);
  });

  it('forgive white space around a value', async () => {
    expect((await loadConfig({ env: { ZONEKEEPER_RESYNC: ' 1m\n' }, needs: 'config' })).resyncMs).toBe(60_000);
  });

  it('ignore what Kubernetes sets for a Service of our name', async () => {
    const env = {
      ZONEKEEPER_PORT: 'tcp://10.0.0.1:8080',
      ZONEKEEPER_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      ZONEKEEPER_PORT_8080_TCP_ADDR: '10.0.0.1',
      ZONEKEEPER_SERVICE_HOST: '10.0.0.1',
      ZONEKEEPER_SERVICE_PORT: '8080',
      ZONEKEEPER_SERVICE_PORT_HTTP: '8080',
      ZONEKEEPER_METRICS_SERVICE_HOST: '10.0.0.1',
    };
    expect(await problemsOf(env)).toEqual([]);
  });
});

describe('what is wrong', () => {
  it('is told all at once, with the name that was meant', async () => {
    const path = await file('z.yaml', 'zoness: [a.com]\npolicy: {a: 1}\nresync: 5 bananas\n');
    const problems = await problemsOf(
      { ZONEKEEPER_LISTN: ':80', ZONEKEEPER_API_BUDGET: '1300', ZONEKEEPER_FROBNICATE: 'x' },
      { config: path, 'ownr-id': 'x', schema: 'pg_mine' },
    );
    expect(problems).toEqual([
      `policy (${path}) must be a text, a number, a boolean or a list of them.`,
      '--ownr-id is not a known flag (did you mean --owner-id?).',
      'ZONEKEEPER_LISTN is not a known variable (did you mean ZONEKEEPER_LISTEN?).',
      'ZONEKEEPER_FROBNICATE is not a known variable.',
      'zoness is not a known key (did you mean zones?).',
      `resync in ${path} is not a duration; write one like 500ms, 5s, 10m or 1h30m; it is "5 bananas".`,
      'ZONEKEEPER_API_BUDGET must be between 50 and 1200; it is "1300".',
      '--schema must be 1 to 40 lower-case letters, digits or underscores, and not begin with a digit or pg_; it is "pg_mine".',
    ]);
  });

  it('includes what the command requires and does not have', async () => {
    const error = await loadConfig({ env: {}, needs: 'run' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'config_invalid',
      facts: {
        problems: [
          'DATABASE_URL is not set; `zonekeeper run` needs it (or DATABASE_URL_FILE).',
          'CLOUDFLARE_API_TOKEN is not set; `zonekeeper run` needs it (or CLOUDFLARE_API_TOKEN_FILE).',
        ],
      },
    });
    await expect(loadConfig({ env: {}, needs: 'demo' })).resolves.toMatchObject({ databaseUrl: null });
  });

  it('includes bounds in the wrong order', async () => {
    expect(await problemsOf({ ZONEKEEPER_DRIFT_CHECK_MIN: '1h', ZONEKEEPER_DRIFT_CHECK_MAX: '1m' })).toEqual([
      'ZONEKEEPER_DRIFT_CHECK_MIN must not be longer than ZONEKEEPER_DRIFT_CHECK_MAX.',
    ]);
  });

  it('includes what Kubernetes would not take as a name', async () => {
    expect(await problemsOf({ ZONEKEEPER_LEASE_NAME: 'My_Lease', ZONEKEEPER_EVENTS_OBJECT: 'zonekeeper' })).toEqual([
      expect.stringContaining('ZONEKEEPER_LEASE_NAME must be 1 to 63 lower-case letters'),
      expect.stringContaining('ZONEKEEPER_EVENTS_OBJECT must be of the form Kind/name'),
    ]);
  });

  it.each([
    ['a missing file', null, /cannot be read \(ENOENT\)/],
    ['broken YAML', 'zones: [a\npolicy: "x', /is not valid YAML: .* in line \d+, column \d+\.$/],
    ['a list', '- a\n', /must hold one mapping/],
    ['a key twice', 'policy: sync\npolicy: sync\n', /is not valid YAML: duplicate key in line 2/],
    ['an alias bomb', bomb(), /must hold one mapping/],
    ['a nested list', 'zones: [[a]]\n', /zones .* must be a text/],
    ['a comma inside of an entry', 'names: ["a,b"]\n', /names .* must be a text/],
  ])('includes %s', async (_what, content, expected) => {
    const path = content === null ? join(directory, 'missing.yaml') : await file('z.yaml', content);
    const [problem] = await problemsOf({}, { config: path });
    expect(problem).toMatch(expected);
  });
});

describe('an API without token', () => {
  const load = (env: Record<string, string>) => loadConfig({ env: { ...ENOUGH, ...env }, needs: 'run' });

  it('is not served to others', async () => {
    for (const listen of [':8080', '0.0.0.0:8080', '[::]:8080', '10.0.0.1:8080', 'example.com:8080']) {
      await expect(load({ ZONEKEEPER_LISTEN: listen }), listen).rejects.toMatchObject({ code: 'insecure_listen' });
    }
  });

  it('is served on loopback, with a token, or where reading is open on purpose', async () => {
    await expect(load({ ZONEKEEPER_LISTEN: '[::1]:1' })).resolves.toBeDefined();
    await expect(load({ ZONEKEEPER_LISTEN: ':1', ZONEKEEPER_API_TOKEN: 'secret' })).resolves.toBeDefined();
    await expect(load({ ZONEKEEPER_LISTEN: ':1', ZONEKEEPER_ALLOW_ANONYMOUS: 'read' })).resolves.toBeDefined();
  });

  it('is no matter to a command that serves nothing', async () => {
    const env = { ...ENOUGH, ZONEKEEPER_LISTEN: ':8080' };
    await expect(loadConfig({ env, needs: 'plan' })).resolves.toBeDefined();
  });
});

describe('a secret', () => {
  const SECRETS = SETTING_KEYS.filter((key) => describeSetting(key).secret);

  it('is read from a file without one newline at the end', async () => {
    const path = await file('token', 'from-file\n\n');
    const crlf = await file('crlf', 'from-crlf\r\n');
    const config = await resolveSettings({
      env: { CLOUDFLARE_API_TOKEN_FILE: path },
      flags: { 'api-token-file': crlf },
      needs: 'config',
    });
    expect(config.values.get('apiToken')).toBe('from-crlf');
    // The second newline is part of the secret, and no token has one.
    expect(config.problems).toEqual([
      `CLOUDFLARE_API_TOKEN_FILE, read from ${path}, contains white space or characters that no token has.`,
    ]);
    expect(config.secretFiles).toEqual([
      { key: 'cloudflareApiToken', env: 'CLOUDFLARE_API_TOKEN', path },
      { key: 'apiToken', env: 'ZONEKEEPER_API_TOKEN', path: crlf },
    ]);
  });

  it('is read from a file that the configuration file names', async () => {
    const secret = await file('token', 'abc');
    const path = await file('z.yaml', `api_token_file: ${secret}\n`);
    expect((await loadConfig({ env: {}, flags: { config: path }, needs: 'config' })).apiToken).toBe('abc');
  });

  it('is not given twice', async () => {
    const [problem] = await problemsOf({ ZONEKEEPER_API_TOKEN: 'a-token', ZONEKEEPER_API_TOKEN_FILE: '/x' });
    expect(problem).toMatch(/^ZONEKEEPER_API_TOKEN(_FILE)? and ZONEKEEPER_API_TOKEN(_FILE)? are both set/);
  });

  it('must be readable, not empty, and of a bounded size', async () => {
    const empty = await file('empty', '\n');
    const large = await file('large', 'x'.repeat(70_000));
    const problems = await problemsOf({
      DATABASE_URL_FILE: join(directory, 'none'),
      CLOUDFLARE_API_TOKEN_FILE: empty,
      ZONEKEEPER_API_TOKEN_FILE: large,
    });
    expect(problems.map((problem) => problem.replaceAll(directory, ''))).toEqual([
      'DATABASE_URL_FILE: the file /none cannot be read (ENOENT).',
      'CLOUDFLARE_API_TOKEN_FILE: the file /empty is empty.',
      'ZONEKEEPER_API_TOKEN_FILE: the file /large is larger than 65536 bytes.',
    ]);
  });

  const canary = 'CANARY with space';
  const inEnv = Object.fromEntries(SECRETS.map((key) => [describeSetting(key).env, canary]));
  const mistaken = { ZONEKEEPER_OWNER_ID: canary, CLOUDFLARE_BASE_URL: 'https://user:CANARY@host' };

  it.each(COMMANDS)('shows in nothing that %s says, right or wrong', async (needs) => {
    const path = await file('broken.yaml', 'api_token: CANARY\n  zones: "CANARY\n');
    const unknown = await file('unknown.yaml', 'api_tokn: CANARY\ndatabase_url: CANARY\n');
    const inputs: ConfigInput[] = [
      { env: inEnv, needs },
      { env: { ...inEnv, ...mistaken, ZONEKEEPER_API_TOKN: 'CANARY' }, needs },
      { env: {}, flags: { config: path }, needs },
      { env: {}, flags: { config: unknown, 'api-tokn': 'CANARY' }, needs },
    ];
    for (const input of inputs) {
      const { effective, problems } = await resolveSettings(input);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join()).not.toContain('CANARY');
      expect(JSON.stringify(effective)).not.toContain('CANARY');
    }
  });
});

function bomb(): string {
  const levels = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 9; level += 1) {
    levels.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(',')}]`,
    );
  }
  return levels.join('\n');
}
