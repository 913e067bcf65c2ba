import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { copyCheckout } from '../support/checkout.ts';
import { attempt, command } from '../support/command.ts';
import { sharedFolder, testFolder } from '../support/folder.ts';

const { version } = manifest;
const NAMES = [
  'SHA256SUMS',
  `zonekeeper-${version}-bundle.tar.gz`,
  `zonekeeper-${version}-chart.tgz`,
  `zonekeeper-${version}.cdx.json`,
  `zonekeeper-${version}.tgz`,
];

/** The files of an archive, by name. */
async function listed(archive: string): Promise<string[]> {
  return (await command('tar', ['-tzf', archive])).trim().split('\n');
}

/** One file of an archive. */
const read = (archive: string, file: string): Buffer =>
  execFileSync('tar', ['-xzOf', archive, file], { maxBuffer: 100_000_000 });

describe('a release', () => {
  const folders = [sharedFolder(), sharedFolder()] as const;
  const [first, second] = folders.map((folder) => join(folder, 'out')) as [string, string];
  // Two checkouts, one after the other: whatever of path or time were in it, would be another the second time.
  beforeAll(async () => {
    for (const folder of folders) {
      const cwd = await copyCheckout(join(folder, 'checkout'));
      await command(process.execPath, ['scripts/release.ts', join(folder, 'out')], { cwd, limitMs: 600_000 });
    }
  }, 1_200_000);

  it('is the same, byte for byte, whoever makes it and whenever', () => {
    expect(readdirSync(first).sort()).toEqual(NAMES);
    expect(readdirSync(second).sort()).toEqual(NAMES);
    for (const name of NAMES) {
      const same = readFileSync(join(first, name)).equals(readFileSync(join(second, name)));
      expect([name, same]).toEqual([name, true]);
    }
  });

  it('is what its checksums say', async () => {
    await command('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: first });
    const listed = readFileSync(join(first, 'SHA256SUMS'), 'utf8').match(/\S+$/gm);
    expect(listed).toEqual(NAMES.filter((name) => name !== 'SHA256SUMS'));
  });

  it('has the program with all that it needs in package and bundle, the same bytes in both', async () => {
    const [bundle, npm] = [
      join(first, `zonekeeper-${version}-bundle.tar.gz`),
      join(first, `zonekeeper-${version}.tgz`),
    ];
    const needed = [
      'zonekeeper.js',
      'zonekeeper.js.map',
      'licenses.txt',
      'migrations/0001_ledger.sql',
      'web/index.html',
    ];
    const inBundle = await listed(bundle);
    const inPackage = await listed(npm);
    for (const file of needed) {
      expect(inBundle).toContain(`zonekeeper-${version}/${file}`);
      expect(inPackage).toContain(`package/dist/${file}`);
    }
    expect(inBundle).toContain(`zonekeeper-${version}/systemd/zonekeeper.service`);
    expect(read(bundle, `zonekeeper-${version}/zonekeeper.js`).equals(read(npm, 'package/dist/zonekeeper.js'))).toBe(
      true,
    );
    for (const folder of folders) {
      expect(read(npm, 'package/dist/zonekeeper.js').includes(folder)).toBe(false);
      expect(read(npm, 'package/dist/zonekeeper.js.map').includes(folder)).toBe(false);
    }
  });

  it('has the chart in the form that helm reads', async () => {
    const chart = join(first, `zonekeeper-${version}-chart.tgz`);
    expect(parse(read(chart, 'zonekeeper/Chart.yaml').toString())).toMatchObject({ version, appVersion: version });
    const files = await listed(chart);
    for (const file of ['values.yaml', 'values.schema.json', 'README.md', 'CHANGELOG.md', 'templates/deployment.yaml'])
      expect(files).toContain(`zonekeeper/${file}`);
    expect(files.some((file) => file.includes('/files/rules/'))).toBe(true);
  });

  it('names what the bundle is made of, in versions, and nothing that is only built with', () => {
    const bill = JSON.parse(readFileSync(join(first, `zonekeeper-${version}.cdx.json`), 'utf8')) as {
      bomFormat: string;
      metadata: { component: { name: string; version: string } };
      components: { name: string; group?: string; version: string }[];
    };
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'zonekeeper', version } } });
    const names = bill.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['fastify', 'pg', 'cloudflare', 'zod', 'bottleneck', 'svelte']));
    for (const tool of ['typescript', 'vitest', 'esbuild', 'playwright-core']) expect(names).not.toContain(tool);
    for (const one of bill.components) expect(one.version).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('a release whose versions contradict each other', () => {
  it('is not made; the places are named', async () => {
    const cwd = await copyCheckout(join(testFolder(), 'checkout'));
    const chart = join(cwd, 'charts/zonekeeper/Chart.yaml');
    await command('sed', ['-i', 's/^version: .*/version: 9.9.9/', chart]);
    const { code, stderr } = await attempt(process.execPath, ['scripts/release.ts', join(cwd, 'out')], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(`package.json says ${version}; another version stands in: version in Chart.yaml`);
  });
});
