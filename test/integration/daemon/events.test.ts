import { describe, expect, it } from 'vitest';
import type { Happening } from '../../../src/kubernetes/events.ts';
import { migratedDatabase, startDaemon, testSimulator } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

/** A daemon whose Events are noted, and thrown away. */
async function telling() {
  const happened: Happening[] = [];
  const cluster = {
    leases: null,
    review: null,
    events: { record: (one: Happening) => happened.push(one), stop: () => undefined },
  };
  const foreign = [{ name: 'foreign.example.com', type: 'A', content: '198.51.100.1' }];
  const simulator = await testSimulator([{ name: 'example.com', records: foreign }]);
  const database = await migratedDatabase();
  const daemon = await startDaemon({ simulator, database, cluster, env: { ZONEKEEPER_DRIFT_CHECK_MAX: '1s' } });
  const told = (reason: Happening['reason']) =>
    waitFor(`an Event ${reason}`, () => happened.find((one) => one.reason === reason));
  return { ...daemon, happened, told };
}

describe('Kubernetes Events', () => {
  it('tell who leads, and what a sync changed; not one that changed nothing', async () => {
    const { happened, told, database, post } = await telling();
    expect(await told('BecameLeader')).toMatchObject({
      type: 'Normal',
      note: expect.stringMatching(/leads since epoch 1/),
    });
    await post('/api/dns/sync');
    expect(happened.map(({ reason }) => reason)).toEqual(['BecameLeader']);
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('foreign')`);
    await told('ConflictFound');
    await post('/api/dns/records/foreign.example.com/adopt');
    expect(await told('Synced')).toMatchObject({
      type: 'Normal',
      note: expect.stringMatching(/^adopt \S+ by api .*: 0 created, 1 updated, 0 deleted\.$/),
    });
  });

  it('tell of a conflict, of a deletion that is held, and of a token that is refused', async () => {
    const { told, database, simulator } = await telling();
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('foreign'), ('a'), ('b')`);
    expect(await told('ConflictFound')).toMatchObject({
      type: 'Warning',
      note: expect.stringMatching(/^foreign\.example\.com: /),
    });
    await waitFor('the records', () => simulator.records().length === 3);
    await database.query('DELETE FROM standalone_proxies');
    expect(await told('DeletionHeld')).toMatchObject({
      type: 'Warning',
      note: expect.stringMatching(/^[ab]\.example\.com: /),
    });
    simulator.setToken({ token: 'test-token', status: 'invalid' });
    expect(await told('TokenRefused')).toMatchObject({ type: 'Warning', action: 'Authenticate' });
  });
});
