import { describe, expect, it } from 'vitest';
import { type Invocation, parseCommandLine } from '../../../src/cli/args.ts';
import { COMMAND_TABLE } from '../../../src/cli/commands.ts';
import { ZonekeeperError } from '../../../src/errors.ts';

const parse = (...argv: string[]) => parseCommandLine(argv, COMMAND_TABLE);

function command(...argv: string[]): Extract<Invocation, { kind: 'command' }> {
  const invocation = parse(...argv);
  if (invocation.kind !== 'command') throw new Error(`${argv.join(' ')} is no command`);
  return invocation;
}

function problems(...argv: string[]): unknown {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof ZonekeeperError && error.code === 'usage') return error.facts.problems;
    throw error;
  }
  return [];
}

describe('the command line', () => {
  it('asks for help or the version', () => {
    expect(parse('--version')).toEqual({ kind: 'version' });
    for (const argv of [[], ['-h'], ['--help'], ['help']])
      expect(parse(...argv)).toEqual({ kind: 'help', command: null });
    for (const argv of [
      ['help', 'sync'],
      ['sync', '--help'],
      ['sync', 'a.example.com', '-h', '--wrong'],
    ]) {
      expect(parse(...argv)).toMatchObject({ kind: 'help', command: { name: 'sync' } });
    }
  });

  it('names a command, its arguments and flags', () => {
    const { flags, positionals, json, settings } = command('sync', 'a.com', '--confirm', 'abc', '--json', 'b.com');
    expect(positionals).toEqual(['a.com', 'b.com']);
    expect(flags.text('confirm')).toBe('abc');
    expect(json).toBe(true);
    expect(settings).toEqual({});
    expect(command('delete', 'a.com').flags.on('force')).toBe(false);
    expect(command('delete', 'a.com', '--force').flags.on('force')).toBe(true);
  });

  it('takes every setting of the command as a flag', () => {
    const { settings } = command(
      'sync',
      '--config=z.yaml',
      '--zones',
      'a.com,b.com',
      '--dry-run',
      '--database-url-file=/run/x',
      '--no-allow-apex',
      '--allow-wildcard=false',
    );
    expect(settings).toEqual({
      config: 'z.yaml',
      zones: 'a.com,b.com',
      'dry-run': 'true',
      'database-url-file': '/run/x',
      'allow-apex': 'false',
      'allow-wildcard': 'false',
    });
  });

  it("prefers a command's own flag to that of a setting", () => {
    const { flags, settings } = command('simulate', '--zones', 'a.com', '--listen', ':0', '--no-rate-limit');
    expect([flags.text('zones'), flags.text('listen'), flags.on('no-rate-limit')]).toEqual(['a.com', ':0', true]);
    expect(settings).toEqual({});
  });

  it('lets the last of several equal flags count', () => {
    expect(command('sync', '--confirm', 'a', '--confirm', 'b').flags.text('confirm')).toBe('b');
  });

  it('takes what stands behind -- as it is', () => {
    expect(command('sync', '--', '--help', '-x').positionals).toEqual(['--help', '-x']);
  });

  it('is a bug where the code asks for a flag that the table does not have', () => {
    expect(() => command('sync').flags.on('force')).toThrow('sync has no flag --force');
  });
});

describe('what is wrong with it', () => {
  it('is told at once, with what was probably meant', () => {
    expect(problems('snyc')).toEqual(['"snyc" is not a command. Did you mean `zonekeeper sync`?']);
    expect(problems('frobnicate')).toEqual(['"frobnicate" is not a command. See `zonekeeper --help`.']);
    expect(problems('help', 'recrods')).toEqual(['"recrods" is not a command. Did you mean `zonekeeper records`?']);
    expect(problems('delete', '--froce', '--zonse=a', '--config')).toEqual([
      '--froce is not a flag of this command (did you mean --force?).',
      '--zonse is not a flag of this command (did you mean --zones?).',
      '--config needs a value.',
      '<fqdn> is missing.',
    ]);
    expect(problems('adopt', 'a.com', 'b.com')).toEqual(['There is one argument too many: "b.com".']);
    expect(problems('run', '--json')).toEqual(['--json is not a flag of this command.']);
    expect(problems('--json', 'plan')).toEqual(['The command comes first, then its flags (--json).']);
  });

  it('includes a value that was forgotten', () => {
    expect(problems('sync', '--zones', '--dry-run')).toEqual(['--zones needs a value.']);
    expect(problems('sync', '--zones=')).toEqual(['--zones needs a value.']);
    expect(problems('sync', '--zones=-x')).toEqual([]);
  });

  it('never repeats a value, which may be a secret', () => {
    const said = [
      problems('sync', '--api-tokn=CANARY'),
      problems('sync', '--wrong', 'x', '--cloudflare-api-tokne=CANARY'),
      problems('--api-token=CANARY', 'run'),
    ];
    expect(JSON.stringify(said)).not.toContain('CANARY');
  });
});
