import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { migratedDatabase, startDaemon, testSimulator } from '../../support/daemon.ts';
import { waitingForLocks } from '../../support/database.ts';
import { testFolder } from '../../support/folder.ts';
import { waitFor } from '../../support/wait.ts';

test('a token that changes while a process begins to lead is the one that it leads with', async () => {
  const [database, simulator] = [await migratedDatabase(), await testSimulator()];
  const file = join(testFolder(), 'token');
  writeFileSync(file, 'token-one');
  simulator.setToken({ token: 'token-one', status: 'invalid' });
  simulator.setToken({ token: 'token-two' });
  const somebody = await database.pool.connect();
  onTestFinished(() => somebody.release(true));
  await somebody.query('BEGIN; LOCK TABLE zonekeeper.api_spend');
  const read: string[] = [];
  const { daemon } = await startDaemon({
    database,
    simulator,
    env: { CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_TOKEN_FILE: file },
    onSecret: (value) => read.push(value),
    ready: false,
  });
  await waitFor('the beginning to wait', async () => (await waitingForLocks(database)) > 0);
  writeFileSync(file, 'token-two');
  await waitFor('the token to be read', () => read.includes('token-two'));
  await somebody.query('COMMIT');
  await waitFor('the zones to be seen', () => daemon.leading && daemon.ready);
});
