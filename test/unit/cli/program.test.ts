import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Command, CommandContext, CommandRun } from '../../../src/cli/command.ts';
import { COMMAND_TABLE } from '../../../src/cli/commands.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { SETTING_KEYS, describe as settingOf, settingsOf } from '../../../src/config/schema.ts';
import { COMMANDS } from '../../../src/config/setting.ts';
import { ZonekeeperError } from '../../../src/errors.ts';

/** Runs a command line in this process. `run` stands in for the code of every command. */
async function zonekeeper(argv: readonly string[], env: Record<string, string> = {}, run?: CommandRun) {
  let [stdout, stderr] = ['', ''];
  let stop: (signal: string) => void = () => undefined;
  const commands: readonly Command[] =
    run === undefined
      ? COMMAND_TABLE
      : COMMAND_TABLE.map((command) => ({ ...command, load: async () => ({ default: run }) }));
  const code = await runProgram({
    argv,
    env,
    commands,
    stdout: {
      write: (text) => {
        stdout += text;
      },
      width: null,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
      width: null,
    },
    onStop: (wanted) => {
      stop = wanted;
      queueMicrotask(() => stop('SIGTERM'));
      return () => undefined;
    },
  });
  return { code, stdout, stderr };
}

const fails =
  (error: unknown): CommandRun =>
  () =>
    Promise.reject(error);

describe('zonekeeper', () => {
  it('shows its help and version', async () => {
    expect(await zonekeeper(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    const help = await zonekeeper(['--help']);
    expect(help.code).toBe(0);
    for (const name of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(await zonekeeper([])).toEqual({ code: 64, stdout: '', stderr: help.stdout });
  });

  it('knows exactly the commands of the interface', () => {
    expect(COMMAND_TABLE.map(({ name }) => name)).toEqual([...COMMANDS]);
  });

  it.each(COMMANDS)('explains %s: usage, flags, settings, examples', async (name) => {
    const command = COMMAND_TABLE.find((each) => each.name === name);
    const { code, stdout } = await zonekeeper([name, '--help']);
    expect(code).toBe(0);
    for (const { name: flag, doc } of command?.flags ?? []) {
      expect(stdout).toContain(`--${flag}`);
      expect(stdout.replace(/\s+/g, ' ')).toContain(doc);
    }
    const own = command?.flags.map(({ name: flag }) => `ZONEKEEPER_${flag.toUpperCase()}`) ?? [];
    for (const key of settingsOf(name)) {
      const { env } = settingOf(key);
      if (!own.includes(env)) expect(stdout).toContain(env);
    }
    for (const { line } of command?.examples ?? []) {
      expect(line.startsWith(`zonekeeper ${name}`)).toBe(true);
      expect(stdout).toContain(line);
    }
    const widest = Math.max(
      ...stdout
        .split('\n')
        .filter((line) => !line.includes('--'))
        .map((line) => line.length),
    );
    expect(widest).toBeLessThanOrEqual(100);
  });

  it('has examples that its own parser accepts', async () => {
    for (const command of COMMAND_TABLE) {
      for (const { line } of command.examples) {
        const ran: string[] = [];
        const { code, stderr } = await zonekeeper(line.split(' ').slice(1), {}, async (context) => {
          ran.push(context.command.name);
          return 0;
        });
        expect({ line, code, stderr, ran }).toEqual({ line, code: 0, stderr: '', ran: [command.name] });
      }
    }
  });

  it('ends with the code that the command returns', async () => {
    expect(await zonekeeper(['plan'], {}, async () => 2)).toEqual({ code: 2, stdout: '', stderr: '' });
  });

  it('gives the command its settings, typed, from flags and environment', async () => {
    let seen: unknown;
    const run = async (context: CommandContext) => {
      const config = await context.config('sync');
      seen = [config.databaseUrl, config.zones, config.dryRun];
      return 0;
    };
    await zonekeeper(['sync', '--zones=a.com', '--dry-run'], { DATABASE_URL: 'postgres://h/d' }, run);
    expect(seen).toEqual(['postgres://h/d', ['a.com'], true]);
  });

  it('aborts the signal of a command that stops gracefully', async () => {
    const run = async ({ signal }: CommandContext) => {
      await new Promise((resolve) => setImmediate(resolve));
      return signal.aborted ? 0 : 1;
    };
    expect((await zonekeeper(['run'], {}, run)).code).toBe(0);
    expect((await zonekeeper(['records'], {}, run)).code).toBe(1);
  });
});

describe('an error', () => {
  it('says what happened, what led to it, and what to do', async () => {
    const error = new ZonekeeperError('database_unreachable', 'PostgreSQL does not answer.', {
      cause: new Error('connect ECONNREFUSED 127.0.0.1:5432'),
    });
    expect(await zonekeeper(['plan'], {}, fails(error))).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'error: PostgreSQL does not answer.',
        '  because: connect ECONNREFUSED 127.0.0.1:5432',
        '  what to do: Check host, port and database name of DATABASE_URL, and that the server is up.',
        '',
      ].join('\n'),
    });
  });

  it('is a problem object with --json, as the HTTP API answers it', async () => {
    const error = new ZonekeeperError('not_tracked', 'No record of a.com is tracked.', { facts: { fqdn: 'a.com' } });
    const { code, stdout, stderr } = await zonekeeper(['delete', 'a.com', '--json'], {}, fails(error));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      fqdn: 'a.com',
      type: 'urn:zonekeeper:error:not_tracked',
      title: 'No record of this name is tracked',
      status: 404,
      detail: 'No record of a.com is tracked.',
      code: 'not_tracked',
      todo: expect.any(String),
      retry: 'never',
    });
  });

  it('lists every problem of the command line (64) and of the configuration (78)', async () => {
    const usage = await zonekeeper(['sync', '--zonse', '--confirm']);
    expect(usage.code).toBe(64);
    expect(usage.stderr.split('\n').slice(1)).toEqual([
      '  - --zonse is not a flag of this command (did you mean --zones?).',
      '  - --confirm needs a value.',
      '  what to do: See `zonekeeper sync --help`.',
      '',
    ]);
    const invalid = await zonekeeper(['config', '--for', 'run'], { ZONEKEEPER_RESYNC: 'x' });
    expect(invalid.code).toBe(78);
    expect(invalid.stderr.match(/^ {2}- /gm)).toHaveLength(3);
    expect(invalid.stdout).toMatch(/^ZONEKEEPER_SCHEMA +zonekeeper +default$/m);
  });

  it('of an unexpected kind shows the place', async () => {
    const { code, stderr } = await zonekeeper(['plan'], {}, fails(new TypeError('x is not a function')));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: x is not a function\n {2}what to do: .*\n {4}at .*program\.test\.ts/);
  });

  it('shows no control characters of a hostile row', async () => {
    const error = new ZonekeeperError('name_invalid', 'The name "\u001b[2Ja\nb" is wrong.');
    const { stderr } = await zonekeeper(['plan'], {}, fails(error));
    expect(stderr).toContain('The name "\ufffd[2Ja b" is wrong.');
  });
});

describe('a secret', () => {
  const SECRETS = SETTING_KEYS.map(settingOf).filter(({ secret }) => secret);
  const env = Object.fromEntries(
    SECRETS.map(({ env: name }, index) => [
      name,
      name === 'DATABASE_URL' ? 'postgres://u:CANARY-0@h/d' : `CANARY-${index}`,
    ]),
  );

  it('is set in every setting that is one, and found in no output of `config`', async () => {
    for (const argv of [
      ['config'],
      ['config', '--json'],
      ['config', '--for', 'run', '--listen', ':80', '--policy', 'CANARY-1'],
    ]) {
      const { stdout, stderr } = await zonekeeper(argv, env);
      expect(stdout).toContain('(set)');
      expect(stdout + stderr).not.toContain('CANARY');
    }
  });

  it('is found in no error that a command throws after it has read the settings', async () => {
    const run = async (context: CommandContext): Promise<number> => {
      const config = await context.config('run');
      const cause = new Error(`connecting to ${config.databaseUrl} with CANARY-0`);
      throw new Error(`with ${config.cloudflareApiToken} and ${config.apiToken}`, { cause });
    };
    const { code, stderr } = await zonekeeper(['run'], env, run);
    expect(code).toBe(1);
    expect(stderr).toContain('[redacted]');
    expect(stderr).not.toContain('CANARY');
  });
});

describe('the process', () => {
  const run = promisify(execFile);
  const main = new URL('../../../src/main.ts', import.meta.url).pathname;

  it('starts without loading any package for help, version and mistakes', async () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) {
        if (url.includes('node_modules')) console.error('loaded ' + url);
        return next(url, context);
      } });`;
    const options = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, main];
    const { stdout, stderr } = await run(process.execPath, [...options, '--help']);
    expect(stdout).toContain('Usage:');
    expect(stderr).toBe('');
    const config = await run(process.execPath, [...options, 'config', '--json'], { env: {} });
    expect(config.stderr).toBe('');
    await expect(run(process.execPath, [...options, 'snyc'])).rejects.toMatchObject({
      code: 64,
      stderr: expect.not.stringContaining('loaded'),
    });
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const { stdout } = await run('sh', ['-c', `"${process.execPath}" "${main}" config --json | head -c 1; echo done`]);
    expect(stdout).toBe('{done\n');
  });
});
