import { expect, onTestFinished, test } from 'vitest';
import { startDaemon } from '../../support/daemon.ts';
import { waitingForLocks } from '../../support/database.ts';
import { waitFor } from '../../support/wait.ts';

test('it goes on leading while all its connections wait for somebody', async () => {
  const { daemon, database, get } = await startDaemon();
  const renewed = async () => (await database.query('SELECT renewed::text FROM zonekeeper.leader'))[0]?.renewed;
  const somebody = await database.pool.connect();
  onTestFinished(() => somebody.release(true));
  await somebody.query('BEGIN; LOCK TABLE zonekeeper.dns_records');
  const asked = Array.from({ length: 20 }, () => get('/api/dns/records'));
  await waitFor('all to wait', async () => (await waitingForLocks(database)) >= 8);
  for (let times = 0; times < 2; times++) {
    const before = await renewed();
    await waitFor('the leader to renew', async () => (await renewed()) !== before, 20_000);
  }
  expect(daemon.leading).toBe(true);
  expect(await waitingForLocks(database)).toBe(8);
  await somebody.query('COMMIT');
  for (const answer of await Promise.all(asked)) expect([200, 503]).toContain(answer.status);
});
