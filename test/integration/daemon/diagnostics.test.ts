import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migratedDatabase, testSimulator } from '../../support/daemon.ts';
import { testFolder } from '../../support/folder.ts';
import { runDaemon } from '../../support/process.ts';
import { waitFor } from '../../support/wait.ts';

async function daemonWith(env: Record<string, string> = {}) {
  const [database, simulator] = [await migratedDatabase(), await testSimulator()];
  const daemon = await runDaemon({
    DATABASE_URL: database.url,
    CLOUDFLARE_API_TOKEN: 'a-token',
    CLOUDFLARE_BASE_URL: simulator.url,
    ...env,
  });
  const works = async (name: string) => {
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ($1)`, [name]);
    await waitFor('a record', () => simulator.records({ name: `${name}.example.com` }).length === 1);
  };
  return { ...daemon, works };
}

describe('the log level', () => {
  it('is changed while the daemon runs, and changed back', async () => {
    const daemon = await daemonWith({ ZONEKEEPER_API_TOKEN: 'a-key' });
    const debugs = () => daemon.output().match(/"level":"debug"/g)?.length ?? 0;
    const put = async (level: string | null, token = 'a-key') => {
      const answer = await fetch(`${daemon.url}/api/log-level`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-zonekeeper-actor': 'ann' },
        body: JSON.stringify({ level }),
      });
      return answer.status;
    };
    await daemon.works('before');
    expect(debugs()).toBe(0);
    expect(await put('debug', 'wrong')).toBe(401);
    expect(await put('debug')).toBe(200);
    await daemon.works('loud');
    await waitFor('lines of that level', () => debugs() > 0);
    expect(await put('fatal')).toBe(200);
    expect(await put(null)).toBe(200);
    // The line is written after all that was written before the change.
    await daemon.printed(/"actor":"ann [^"]*","log_level":"info"/);
    const before = debugs();
    await daemon.works('quiet');
    expect(debugs()).toBe(before);
    expect(daemon.output().match(/"log_level":"\w+"/g)).toEqual([
      '"log_level":"debug"',
      '"log_level":"fatal"',
      '"log_level":"info"',
    ]);
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });
});

describe('SIGUSR2', () => {
  it('writes a heap snapshot into the folder that is named, for its user alone, and the daemon goes on', async () => {
    const folder = testFolder();
    const daemon = await daemonWith({ ZONEKEEPER_HEAP_SNAPSHOTS: folder });
    daemon.signal('SIGUSR2');
    const [, file = ''] = await daemon.printed(/"file":"([^"]+)","msg":"wrote a heap snapshot/);
    expect(readdirSync(folder).map((name) => join(folder, name))).toEqual([file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ snapshot: { node_count: expect.any(Number) } });
    await daemon.works('after');
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it('says what is missing where no folder is named, or where it cannot be written to; the daemon goes on', async () => {
    const [none, gone] = [
      await daemonWith(),
      await daemonWith({ ZONEKEEPER_HEAP_SNAPSHOTS: join(testFolder(), 'gone') }),
    ];
    for (const daemon of [none, gone]) daemon.signal('SIGUSR2');
    await none.printed(/no heap snapshot is written: ZONEKEEPER_HEAP_SNAPSHOTS names no folder/);
    await gone.printed(/could not write a heap snapshot: ENOENT/);
    for (const daemon of [none, gone]) {
      await daemon.works('after');
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
    }
  });
});
