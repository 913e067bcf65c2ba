import { expect, test } from 'vitest';
import { startDaemon } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait.ts';

test.each([
  ['still wanted', false],
  ['no longer wanted', true],
])(
  'a list that does not show a record of ours, %s, leaks nothing when it turns out to be there',
  async (_, unwanted) => {
    const { database, simulator, post } = await startDaemon();
    await database.query(`INSERT INTO standalone_proxies (domain) VALUES ('keep'), ('a')`);
    await waitFor('both', () => simulator.records().length === 2);
    const fault = simulator.addFault({
      operation: 'list_records',
      effect: { kind: 'stale', writes: 2 },
    });
    await waitFor('an outdated list', () => simulator.faults().some(({ id, struck }) => id === fault.id && struck > 0));
    if (unwanted) await database.query(`DELETE FROM standalone_proxies WHERE domain = 'a'`);
    await post('/api/dns/sync', {});
    simulator.clearFaults();
    const left = unwanted ? ['keep.example.com'] : ['a.example.com', 'keep.example.com'];
    await waitFor('every record to be tracked, and no other', async () => {
      const tracked = await database.query<{ record_id: string }>('SELECT record_id FROM zonekeeper.dns_records');
      const records = simulator.records();
      const names = records.map(({ name }) => name).sort();
      return (
        JSON.stringify(names) === JSON.stringify(left) &&
        JSON.stringify(records.map(({ id }) => id).sort()) ===
          JSON.stringify(tracked.map((row) => row.record_id).sort())
      );
    });
    expect(simulator.changes({ actor: 'api' }).changes.filter(({ before }) => before === null)).toHaveLength(2);
  },
);
