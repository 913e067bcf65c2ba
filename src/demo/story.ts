import type { Report } from '../reconcile/report.ts';
import { TARGET, type World, ZONE } from './world.ts';

/** A chapter of the story: what happens, and what came of it. */
export interface Chapter {
  readonly title: string;
  /** Plays it. Returns sentences with what was measured; throws when it did not go as it should. */
  readonly play: (world: World) => Promise<string[]>;
}

/** What a step may take; the steps take milliseconds. */
const LIMIT_MS = 20_000;
const THOUSAND = 1_000;

/** The demo's story, in order. Each chapter leaves the world as the next one expects it. */
export const STORY: readonly Chapter[] = [
  {
    title: 'Five instances and a standalone proxy are running already.',
    play: async (world) => {
      const started = performance.now();
      await world.query(
        `INSERT INTO instances (name, subdomain, status, npm_proxy_id)
         SELECT n, n, 'running', 1 FROM unnest(ARRAY['git', 'wiki', 'mail', 'photos', 'status']) n`,
      );
      await world.query(`INSERT INTO standalone_proxies (domain) VALUES ('home.${ZONE}')`);
      await until('six records', () => world.simulator.records().length === 6);
      return [`Their records exist ${since(started)} later, all pointing at ${TARGET}.`];
    },
  },
  {
    title: 'An instance starts.',
    play: async (world) => {
      await world.query(
        `INSERT INTO instances (name, subdomain, status, npm_proxy_id) VALUES ('shop', 'shop', 'running', 2)`,
      );
      const committed = performance.now();
      const record = await until('the record of shop', () => named(world, 'shop')[0]);
      return [
        `${record.name} ${record.type} ${record.content} exists at Cloudflare ${since(committed)} after the commit.`,
      ];
    },
  },
  {
    title: 'Somebody edits that record in the dashboard.',
    play: async (world) => {
      world.simulator.edit({ name: `shop.${ZONE}` }, { content: '203.0.113.66' });
      const edited = performance.now();
      await until('the repair', () => named(world, 'shop')[0]?.content === TARGET);
      return [`The next look finds it; the record is repaired ${since(edited)} after the edit.`];
    },
  },
  {
    title: "Somebody else's record is in the way.",
    play: async (world) => {
      world.simulator.add({ name: `blog.${ZONE}`, type: 'CNAME', content: 'blog.hosted.example' });
      await world.query(
        `INSERT INTO instances (name, subdomain, status, npm_proxy_id) VALUES ('blog', 'blog', 'running', 3)`,
      );
      await until('the conflict', async () => (await stateOf(world, 'blog')) === 'conflict');
      const [record] = named(world, 'blog');
      if (record?.content !== 'blog.hosted.example') throw new Error("Somebody else's record was changed.");
      return [`blog.${ZONE} is reported as a conflict, and the record is left alone: CNAME ${record.content}.`];
    },
  },
  {
    title: 'An instance stops.',
    play: async (world) => {
      await world.query(`UPDATE instances SET status = 'stopped' WHERE subdomain = 'shop'`);
      const committed = performance.now();
      await until('the deletion', () => named(world, 'shop').length === 0);
      return [`Its record is gone ${since(committed)} after the commit.`];
    },
  },
  {
    title: 'A thousand instances start at once.',
    play: async (world) => {
      world.simulator.resetCounters();
      const before = world.simulator.records().length;
      await world.query(
        `INSERT INTO instances (name, subdomain, status, npm_proxy_id) SELECT 'node-' || g, 'node-' || g, 'running', g FROM generate_series(1, ${THOUSAND}) g`,
      );
      const committed = performance.now();
      await until('a thousand records', () => world.simulator.records().length === before + THOUSAND);
      const took = since(committed);
      const { by_operation: calls } = world.simulator.counters();
      if (calls.batch > 10 || calls.create > 0) throw new Error(`It took ${calls.batch} batch calls.`);
      return [`${calls.batch} API calls carry them; all ${THOUSAND} records exist ${took} after the commit.`];
    },
  },
  {
    title: 'They all move to a new address.',
    play: async (world) => {
      world.simulator.resetCounters();
      const last = world.simulator.changes().last;
      await world.query(`UPDATE settings SET target = '192.0.2.20'`);
      const committed = performance.now();
      const moved = () => world.simulator.records().filter(({ content }) => content === '192.0.2.20').length;
      await until('every record at the new address', () => moved() === THOUSAND + 6);
      const took = since(committed);
      const deleted = world.simulator.changes({ since: last }).changes.filter(({ after }) => after === null);
      if (deleted.length > 0) throw new Error(`${deleted.length} records were deleted in between.`);
      return [
        `${moved()} records say so ${took} after the commit, patched in place by ${world.simulator.counters().by_operation.batch} calls: no name was absent at any moment.`,
      ];
    },
  },
  {
    title: 'An accident: somebody deletes a thousand rows.',
    play: async (world) => {
      const before = world.simulator.records().length;
      await world.query(`DELETE FROM instances WHERE subdomain LIKE 'node-%'`);
      await until('the hold', async () => (await stateOf(world, 'node-1')) === 'blocked');
      const plan = await get<Report>(world, '/api/dns/plan');
      const held = plan.changes.filter(({ action, result }) => action === 'delete' && result === 'held').length;
      const lost = before - world.simulator.records().length;
      if (lost !== 0 || held !== THOUSAND)
        throw new Error(`${lost} records were deleted and ${held} deletions are held.`);
      return [
        `Nothing is deleted: ${held} deletions are held until a person confirms exactly these.`,
        `They could be released with: ${plan.release}`,
      ];
    },
  },
  {
    title: 'It was meant after all: the plan is confirmed.',
    play: async (world) => {
      const { hash } = await get<Report>(world, '/api/dns/plan');
      const started = performance.now();
      const report = await post<Report>(world, '/api/dns/sync', { confirm: hash });
      if (report.deleted !== THOUSAND || report.failed > 0)
        throw new Error(`The report says ${JSON.stringify({ ...report, changes: [] })}`);
      return [
        `${report.deleted} records are deleted ${since(started)} later; ${report.already_synced} were in sync and ${report.conflicts} in conflict.`,
      ];
    },
  },
];

function named(world: World, subdomain: string) {
  return world.simulator.records({ name: `${subdomain}.${ZONE}` });
}

async function stateOf(world: World, subdomain: string): Promise<string | undefined> {
  const [row] = await world.query<{ state: string }>('SELECT state FROM zonekeeper.names WHERE fqdn = $1', [
    `${subdomain}.${ZONE}`,
  ]);
  return row?.state;
}

async function get<T>(world: World, path: string): Promise<T> {
  return answered(await fetch(`${world.daemon.address}${path}`));
}

async function post<T>(world: World, path: string, body: unknown): Promise<T> {
  return answered(
    await fetch(`${world.daemon.address}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
}

async function answered<T>(response: Response): Promise<T> {
  const body = await response.json();
  if (!response.ok) throw new Error(`The API answered ${response.status}: ${JSON.stringify(body)}`);
  return body as T;
}

async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > limit) throw new Error(`Waited ${LIMIT_MS / 1000} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function since(moment: number): string {
  const ms = performance.now() - moment;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
