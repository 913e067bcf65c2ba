import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../../src/database/database.ts';
import { testDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait.ts';

test('a connection that is cut between two statements of a transaction fails the transaction, not the process', async () => {
  const database = await testDatabase();
  const db = new Database({ url: database.url, schema: 'zonekeeper', applicationName: 'cut', connections: 1 });
  onTestFinished(() => db.close());
  const sessions = () => database.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'cut'`);
  const cut = db.transaction(async (tx) => {
    await tx.rows('SELECT 1');
    await database.disconnectAll();
    await waitFor('the end of the session', async () => (await sessions().catch(() => ['?'])).length === 0);
    return tx.rows('SELECT 2');
  });
  await expect(cut).rejects.toMatchObject({ code: 'database_unreachable' });
  // The next one gets a connection that works.
  expect(await db.rows('SELECT 3')).toEqual([[3]]);
});
