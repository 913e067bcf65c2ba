import { describe, expect, test } from 'vitest';
import type { Source } from '../../../src/sources/port.ts';
import { MemorySource } from '../../simulation/memory-source.ts';
import { Tables } from '../../simulation/tables.ts';
import { install, lead, sourceOf } from '../../support/installation.ts';

/** A source in the first epoch, and what an application does to its instances. */
interface Harness {
  readonly source: Source;
  /** Makes it, or changes it. */
  readonly set: (name: string, instance: { running: boolean; target: string | null }) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  /** Another consumer wants the name, too. */
  readonly rival: (name: string) => Promise<void>;
  readonly takeOver: () => Promise<Source>;
  /** Runs something when the next statement of the source that reads anything has been answered. */
  readonly afterNext: (run: () => Promise<unknown>) => void;
}

/** Runs what was planned after the next of something, once. */
class Afterwards {
  #run: (() => Promise<unknown>) | null = null;

  readonly plan = (run: () => Promise<unknown>): void => {
    this.#run = run;
  };

  async of<T>(answer: Promise<T>): Promise<T> {
    const run = this.#run;
    this.#run = null;
    const value = await answer;
    await run?.();
    return value;
  }
}

const FORMS: readonly [name: string, make: () => Promise<Harness>][] = [
  [
    'PostgreSQL',
    async () => {
      const { db, test: database } = await install();
      const afterwards = new Afterwards();
      const source = await sourceOf(db, await lead(db));
      const rows = db.rows.bind(db);
      db.rows = (sql, values) => afterwards.of(rows(sql, values));
      const transaction = db.transaction.bind(db);
      db.transaction = (work) =>
        transaction((tx) =>
          work({
            rows: (sql, values) => {
              const answer = tx.rows(sql, values);
              return sql.startsWith('SET TRANSACTION') ? answer : afterwards.of(answer);
            },
          }),
        );
      return {
        source,
        afterNext: afterwards.plan,
        set: async (name, { running, target }) => {
          const values = [name, running ? 'running' : 'stopped', target];
          const known = await database.query(
            'UPDATE instances SET status = $2, target = $3 WHERE subdomain = $1 RETURNING id',
            values,
          );
          if (known.length > 0) return;
          await database.query(
            'INSERT INTO instances (subdomain, status, npm_proxy_id, target) VALUES ($1, $2, 1, $3)',
            values,
          );
        },
        remove: async (name) => {
          await database.query('DELETE FROM instances WHERE subdomain = $1', [name]);
        },
        rival: async (name) => {
          await database.query('INSERT INTO standalone_proxies (domain) VALUES ($1)', [name]);
        },
        takeOver: async () => sourceOf(db, await lead(db, 'successor')),
      };
    },
  ],
  [
    'memory',
    async () => {
      const tables = new Tables(() => performance.now());
      const afterwards = new Afterwards();
      const sourceIn = (epoch: number) => {
        Object.assign(tables.leader, { holder: `epoch ${epoch}`, epoch });
        return new MemorySource(tables, epoch, (_, run) => afterwards.of(Promise.resolve().then(run)));
      };
      const noted = (id: string, kind = 'instance') => {
        tables.changes.set(tables.serial(), { kind, id, at: tables.now() });
      };
      return {
        source: sourceIn(1),
        afterNext: afterwards.plan,
        set: async (name, { running: active, target }) => {
          const fqdn = `${name}.example.com`;
          tables.consumers.set(`instance/${name}`, { kind: 'instance', id: name, fqdn, since: 0, active, target });
          noted(name);
        },
        remove: async (name) => {
          tables.consumers.delete(`instance/${name}`);
          noted(name);
        },
        rival: async (name) => {
          const rival = { kind: 'standalone_proxy', id: 'rival', fqdn: `${name}.example.com` } as const;
          tables.consumers.set('standalone_proxy/rival', { ...rival, since: 1, active: true, target: null });
          noted('rival', 'standalone_proxy');
        },
        takeOver: async () => sourceIn(2),
      };
    },
  ],
];

const RUNNING = { running: true, target: null };

describe.each(FORMS)('the source in %s', (_, make) => {
  test('tells the names that changed, once', async () => {
    const { source, set } = await make();
    await set('a', RUNNING);
    await set('b', { running: false, target: null });
    expect(await source.refresh('changes')).toMatchObject({ names: ['a.example.com'], vanished: [] });
    expect(await source.refresh('changes')).toEqual({ names: [], vanished: [], since: null });
    expect((await source.refresh('everything')).names).toEqual([]);
  });

  test('a change of the target, a stop and a deletion are told; the last two as vanished', async () => {
    const { source, set, remove } = await make();
    await set('a', RUNNING);
    await set('b', RUNNING);
    await source.refresh('everything');
    await set('a', { running: true, target: '198.51.100.7' });
    expect(await source.refresh('changes')).toMatchObject({ names: ['a.example.com'], vanished: [] });
    await set('a', { running: false, target: null });
    await remove('b');
    const { names, vanished } = await source.refresh('changes');
    expect([names.toSorted(), vanished.toSorted()]).toEqual([
      ['a.example.com', 'b.example.com'],
      ['a.example.com', 'b.example.com'],
    ]);
  });

  test('what came and went between two looks is no name at all', async () => {
    const { source, set, remove } = await make();
    await set('a', RUNNING);
    await remove('a');
    expect((await source.refresh('changes')).names).toEqual([]);
  });

  test('still wanted is what a consumer wants now, read or not', async () => {
    const { source, set, remove } = await make();
    await set('a', RUNNING);
    await set('b', RUNNING);
    await source.refresh('changes');
    await remove('a');
    await set('c', RUNNING);
    const wanted = await source.stillWanted(['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com']);
    expect([...wanted].toSorted()).toEqual(['b.example.com', 'c.example.com']);
  });

  test('still wanted is also what is read while that is asked', async () => {
    const { source, set, afterNext } = await make();
    await set('a', RUNNING);
    afterNext(() => source.refresh('changes'));
    expect([...(await source.stillWanted(['a.example.com']))]).toEqual(['a.example.com']);
  });

  test('still wanted is also what another consumer takes over while that is asked', async () => {
    const { source, set, remove, rival, afterNext } = await make();
    await set('a', RUNNING);
    await source.refresh('changes');
    afterNext(async () => {
      await rival('a');
      await remove('a');
    });
    expect([...(await source.stillWanted(['a.example.com']))]).toEqual(['a.example.com']);
  });

  test('an epoch that is over writes nothing; its successor is told', async () => {
    const { source, set, takeOver } = await make();
    const successor = await takeOver();
    await set('a', RUNNING);
    await expect(source.refresh('changes')).rejects.toMatchObject({ code: 'not_leader' });
    expect((await successor.refresh('changes')).names).toEqual(['a.example.com']);
  });
});
