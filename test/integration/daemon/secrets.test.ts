import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMAND_TABLE } from '../../../src/cli/commands.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { fileKey, flagName } from '../../../src/config/setting.ts';
import {
  type Canary,
  canaries,
  canariesThatWork,
  canaryOf,
  environmentOf,
  SECRETS,
  seenIn,
} from '../../support/canaries.ts';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { testFolder } from '../../support/folder.ts';
import { run, runDaemon, zonekeeper } from '../../support/process.ts';

const NOWHERE = 'postgres://zonekeeper@127.0.0.1:1/nothing';
const CRASHING = fileURLToPath(new URL('../../support/crashing.ts', import.meta.url));

/** What each command is called with so that it does its work; null for those that run until they are stopped. */
const ARGUMENTS: Readonly<Record<string, readonly string[] | null>> = {
  run: null,
  plan: [],
  sync: [],
  records: [],
  delete: ['nobody.example.com', '--yes'],
  adopt: ['nobody.example.com', '--yes'],
  migrate: ['--check'],
  demo: ['--check'],
  simulate: null,
  health: [],
  config: ['--for', 'run'],
};

/** Runs a command line in this process: as the real one does, only quicker. */
async function here(argv: readonly string[], env: Readonly<Record<string, string>>) {
  let output = '';
  const writer = {
    write: (text: string) => {
      output += text;
    },
    width: null,
  };
  const code = await runProgram({ argv, env, stdout: writer, stderr: writer, onStop: () => () => undefined });
  return { code, output };
}

/** All places where a secret can be written, rightly or not. */
function placesOf({ env }: Canary, text: string) {
  const folder = testFolder();
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const secret = file('secret', `${text}\n`);
  const [flag, key] = [flagName(env), fileKey(env)];
  const near = `${env.slice(0, -1)}X`;
  const yaml = (name: string, content: string) => ({
    args: ['--config', file(`${name}.yaml`, content)],
    env: {},
  });
  return {
    variable: { args: [], env: { [env]: text } },
    'file that a variable names': { args: [], env: { [`${env}_FILE`]: secret } },
    flag: { args: [`--${flag}=${text}`], env: {} },
    'file that a flag names': { args: [`--${flag}-file`, secret], env: {} },
    'key of the file': yaml('key', JSON.stringify({ [key]: text })),
    'file that a key names': yaml('named', JSON.stringify({ [`${key}_file`]: secret })),
    'misspelt variable': { args: [], env: { [near.startsWith('ZONEKEEPER_') ? near : `ZONEKEEPER_${near}`]: text } },
    'misspelt flag': { args: [`--${flag}x=${text}`], env: {} },
    'misspelt key': yaml('misspelt', JSON.stringify({ [`${key}x`]: text })),
    'broken file': yaml('broken', `${key}: "${text}\n}`),
  };
}

describe('a secret', () => {
  it.each(SECRETS)('%s of the wrong form is refused without being quoted, wherever it stands', async (key) => {
    const canary = canaries(NOWHERE).find((one) => one.key === key) as Canary;
    for (const [place, { args, env }] of Object.entries(placesOf(canary, canary.wrong))) {
      for (const command of ['run', 'config']) {
        const { code, output } = await here([command, ...args], env);
        expect(code, `${place}: ${output}`).toBe(place === 'misspelt flag' ? 64 : 78);
        expect(output, place).toMatch(/^error: /m);
        expect(output, `${command}, ${place}`).not.toContain(canary.word);
      }
    }
  });

  it.each(SECRETS)('%s of the right form is not shown by the settings, wherever it stands', async (key) => {
    const canary = canaries(NOWHERE).find((one) => one.key === key) as Canary;
    for (const [place, { args, env }] of Object.entries(placesOf(canary, canary.value))) {
      for (const form of [[], ['--json']])
        expect((await here(['config', ...form, ...args], env)).output, place).not.toContain(canary.word);
    }
  });

  it('is in nothing that a command prints, whether it does its work or cannot', async () => {
    const [database, simulator] = [await migratedDatabase(), await testSimulator()];
    const { all, drop } = await canariesThatWork(database);
    const good = {
      ...environmentOf(all),
      CLOUDFLARE_BASE_URL: simulator.url,
      ZONEKEEPER_LISTEN: '127.0.0.1:0',
      ZONEKEEPER_LOG_LEVEL: 'trace',
    };
    const loginRefused = { ...good, DATABASE_URL: database.url.replace(/\/\/[^@]*@/, `//nobody:${all[0]?.word}@`) };
    const nothingThere = { ...good, DATABASE_URL: NOWHERE.replace('@', `:${all[0]?.word}@`) };
    const noSuchEncoding = { ...good, DATABASE_URL: NOWHERE.replace('@', `:%zz${all[0]?.word}@`) };
    const other = await testSimulator();
    other.setToken({ token: canaryOf(all, 'cloudflareApiToken'), status: 'invalid' });
    const tokenRefused = { ...good, CLOUDFLARE_BASE_URL: other.url };
    expect(Object.keys(ARGUMENTS)).toEqual(COMMAND_TABLE.map(({ name }) => name));
    const said: string[] = [(await here(['--help'], good)).output, (await here([], good)).output];
    for (const { name, json } of COMMAND_TABLE) {
      said.push((await here([name, '--help'], good)).output);
      const args = ARGUMENTS[name];
      if (args === null || args === undefined) {
        const running = zonekeeper([name], good);
        await running.printed(/http:\/\/127/);
        running.signal('SIGTERM');
        expect(await running.ended).toBe(0);
        said.push(running.output());
        continue;
      }
      const forms = json ? [args, [...args, '--json']] : [args];
      for (const form of forms) said.push((await run([name, ...form], good)).output);
      // The demo brings its own.
      const bad = name === 'demo' ? [] : [loginRefused, nothingThere, tokenRefused];
      for (const env of bad) said.push((await run([name, ...(forms.at(-1) ?? [])], env)).output);
    }
    for (const env of [loginRefused, nothingThere, noSuchEncoding]) {
      const { code, output } = await run(['run'], env);
      expect(code, output).toBe(1);
      said.push(output);
    }
    // That each of them was reached.
    for (const sign of ['database_auth', 'database_unreachable', 'cloudflare_auth', '"created"', '(set)'])
      expect(said.join('\n')).toContain(sign);
    for (const text of said) expect(seenIn(text, all), text).toEqual([]);
    await drop();
  }, 600_000);
});

describe('a process that crashes', () => {
  it.each([
    { how: 'by an error that nobody caught', signal: 'SIGHUP' },
    { how: 'by a promise that nobody looked after', signal: 'SIGWINCH' },
  ] as const)(
    '$how says so in its log without a secret, and in the report of Node that was asked for',
    async (crash) => {
      const { daemon, all, reports, drop } = await crashable();
      daemon.signal(crash.signal);
      expect(await daemon.ended).toBe(1);
      const fatal = /^.*"level":"fatal".*$/m.exec(daemon.output())?.[0] ?? '';
      const { msg, err } = JSON.parse(fatal);
      expect(msg).toBe('ends, by an error that nobody caught');
      expect(err.message).toMatch(/^a bug that quotes .*"DATABASE_URL":"\[redacted\]"/);
      expect(err.stack).toContain('crashing.ts');
      expect(seenIn(daemon.output(), all)).toEqual([]);
      const [report = '', ...others] = reports();
      expect(others).toEqual([]);
      expect(JSON.parse(report).javascriptStack.stack.join('\n')).toContain('crashing.ts');
      expect(seenIn(report, all)).toEqual([]);
      await drop();
    },
  );

  it('has no secret in a report that is asked for by a signal', async () => {
    const { daemon, all, reports, drop } = await crashable('--report-on-signal', '--report-signal=SIGQUIT');
    daemon.signal('SIGQUIT');
    await daemon.printed(/Node\.js report completed/);
    const [report = ''] = reports();
    expect(JSON.parse(report)).not.toHaveProperty('environmentVariables');
    expect(seenIn(report, all)).toEqual([]);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    await drop();
  });

  it('has no secret in what Node writes when there is no memory left', async () => {
    const { daemon, all, reports, drop } = await crashable('--report-on-fatalerror', '--max-old-space-size=80');
    daemon.signal('SIGCONT');
    expect(await daemon.ended).toBe('SIGABRT');
    expect(daemon.output()).toContain('JavaScript heap out of memory');
    const [report = ''] = reports();
    expect(JSON.parse(report)).toMatchObject({ header: { trigger: 'OOMError' } });
    expect(seenIn(report + daemon.output(), all)).toEqual([]);
    await drop();
  });

  it('says so on its standard error where it has no log', async () => {
    const database = await migratedDatabase();
    const all = canaries(database.url);
    const options = { ...environmentOf(all), NODE_OPTIONS: `--import=${CRASHING}`, ZONEKEEPER_LISTEN: '127.0.0.1:0' };
    const simulator = zonekeeper(['simulate'], options);
    await simulator.printed(/http:\/\/127/);
    simulator.signal('SIGHUP');
    expect(await simulator.ended).toBe(1);
    expect(simulator.output()).toMatch(/^error: a bug that quotes/m);
    expect(seenIn(simulator.output(), all)).toEqual([]);
  });

  async function crashable(...options: string[]) {
    const [database, simulator, folder] = [await migratedDatabase(), await testSimulator(), testFolder()];
    const { all, drop } = await canariesThatWork(database);
    const asked = [`--import=${CRASHING}`, '--report-uncaught-exception', `--report-directory=${folder}`, ...options];
    const daemon = await runDaemon({
      ...environmentOf(all),
      CLOUDFLARE_BASE_URL: simulator.url,
      NODE_OPTIONS: asked.join(' '),
    });
    const reports = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    return { daemon, all, reports, drop };
  }
});
