import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundle } from '../../scripts/build.ts';
import { startBrowser } from '../support/browser.ts';
import { Bench, type Case, type Figure, until } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const insert = (count: number, prefix = 'n') =>
  `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT '${prefix}' || g, 'running', 1 FROM generate_series(1, ${count}) g`;
const quota = 1_000_000;

/** All API calls since the last reset. */
const calls = (bench: Bench): number => bench.simulator.counters().requests;
const records = (bench: Bench): number => bench.simulator.zones().reduce((sum, zone) => sum + zone.records, 0);

/** The daemon has done everything for these names: outcomes are in the ledger. */
async function settled(bench: Bench, count: number): Promise<void> {
  await until(`${count} records`, () => records(bench) === count);
  await until(
    'their rows',
    async () =>
      (await bench.query<{ n: number }>('SELECT count(*)::int AS n FROM zonekeeper.dns_records'))[0]?.n === count,
  );
}

function creating(count: number, limit: number, most: { calls: number; cpu: number }): Case {
  return {
    name: `create-${count}-${limit}`,
    run: async (postgres) => {
      const plan = limit === 200 ? 'free' : 'business';
      const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', plan, quota }] });
      try {
        const daemon = await bench.daemon();
        const cpu = daemon.cpu();
        const began = performance.now();
        await bench.query(insert(count));
        await settled(bench, count);
        const work = `create ${count} in one zone, batch limit ${limit}`;
        return [
          { work, what: 'API calls, start included', measured: calls(bench), unit: '', most: most.calls },
          { work, what: 'CPU of the daemon', measured: daemon.cpu() - cpu, unit: 's', most: most.cpu },
          {
            work,
            what: 'wall time, commit to last outcome',
            measured: (performance.now() - began) / 1000,
            unit: 's',
            most: count === 1_000 ? 0.7 : 30,
          },
        ];
      } finally {
        await bench.stop();
      }
    },
  };
}

function looking(count: number, zones: number, most: { calls: number; cpu: number; mb: number }): Case {
  return {
    name: `look-${count}-${zones}`,
    run: async (postgres) => {
      const names = Array.from({ length: zones }, (_, n) => (zones === 1 ? 'example.com' : `z${n}.example`));
      const bench = await Bench.start(postgres, {
        zones: names.map((name) => ({ name, plan: 'business' as const, quota })),
      });
      try {
        const daemon = await bench.daemon();
        await bench.query(
          `INSERT INTO standalone_proxies (domain) SELECT 'n' || g || '.' || ($2::text[])[1 + g % $3] FROM generate_series(1, $1) g`,
          [count, names, zones],
        );
        await settled(bench, count);
        await daemon.kill('SIGTERM');
        await bench.forgetSpending();
        // A daemon that has nothing to do: a sync looks at everything and changes nothing. The first one after the start also
        // compiles what it runs, and is not counted (but with 500 zones the budget has no room for it).
        const second = await bench.daemon();
        if (zones === 1) await fetch(`${second.url}/api/dns/sync`, { method: 'POST' });
        bench.simulator.resetCounters();
        const cpu = second.cpu();
        const answer = await fetch(`${second.url}/api/dns/sync`, { method: 'POST' });
        const report = (await answer.json()) as { already_synced: number };
        if (report.already_synced !== count)
          throw new Error(`In sync were ${report.already_synced}: ${JSON.stringify(report).slice(0, 300)}`);
        const work = `a full sync of ${count} names in ${zones} zone${zones === 1 ? '' : 's'}, nothing to do`;
        return [
          { work, what: 'API calls', measured: calls(bench), unit: '', most: most.calls },
          { work, what: 'CPU of the daemon', measured: second.cpu() - cpu, unit: 's', most: most.cpu },
          { work, what: 'peak memory', measured: second.peakMb(), unit: 'MB', most: most.mb },
        ];
      } finally {
        await bench.stop();
      }
    },
  };
}

const repair: Case = {
  name: 'repair',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', quota }] });
    try {
      const daemon = await bench.daemon();
      await bench.query(insert(1_000));
      await settled(bench, 1_000);
      bench.simulator.edit({ name: 'n500.example.com' }, { content: '203.0.113.9' });
      bench.simulator.resetCounters();
      await fetch(`${daemon.url}/api/dns/sync`, { method: 'POST' });
      const work = 'repair 1 record of 1,000 found by a look';
      return [{ work, what: 'API calls', measured: calls(bench), unit: '', most: 2 }];
    } finally {
      await bench.stop();
    }
  },
};

const retarget: Case = {
  name: 'retarget',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', quota }] });
    try {
      await bench.daemon();
      await bench.query(insert(1_000));
      await settled(bench, 1_000);
      bench.simulator.resetCounters();
      const { last } = bench.simulator.changes();
      const began = performance.now();
      await bench.query(`UPDATE settings SET target = '192.0.2.2'`);
      await until('all', () => bench.simulator.records({ content: '192.0.2.2' }).length === 1_000);
      const wall = (performance.now() - began) / 1000;
      const absent = bench.simulator.changes({ since: last }).changes.filter(({ after }) => after === null).length;
      const work = 'a new target for 1,000 names';
      return [
        { work, what: 'API calls', measured: calls(bench), unit: '', most: 7 },
        { work, what: 'wall time', measured: wall, unit: 's', most: 1 },
        { work, what: 'names absent at any moment', measured: absent, unit: '', most: 0 },
      ];
    } finally {
      await bench.stop();
    }
  },
};

/** Single changes one after the other on a daemon that is otherwise idle, among so many names. */
function latency(count: number, among: number): Case {
  return {
    name: `latency-${count}-${among}`,
    run: async (postgres) => {
      const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', plan: 'enterprise', quota }] });
      try {
        await bench.daemon();
        if (among > 0) {
          await bench.query(insert(among, 'other'));
          await settled(bench, among);
        }
        const times: number[] = [];
        for (let n = 0; n < count; n++) {
          const before = bench.simulator.counters().by_operation.batch;
          await bench.query(`INSERT INTO instances (subdomain, status, npm_proxy_id) VALUES ('one${n}', 'running', 1)`);
          const committed = performance.now();
          await until('its call', () => bench.simulator.counters().by_operation.batch > before);
          times.push(performance.now() - committed);
          await until('its outcome', () => bench.simulator.counters().under_way === 0);
        }
        times.sort((a, b) => a - b);
        const share = (q: number) => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
        const work = `commit to API call, idle daemon, ${count} changes${among > 0 ? ` among ${among} names` : ''}`;
        return [
          { work, what: 'p50', measured: share(0.5), unit: 'ms', most: 20 },
          { work, what: 'p99', measured: share(0.99), unit: 'ms', most: 100 },
        ];
      } finally {
        await bench.stop();
      }
    },
  };
}

const idle: Case = {
  name: 'idle',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', quota }] });
    try {
      const daemon = await bench.daemon({ ZONEKEEPER_DRIFT_CHECK_MIN: '5s' });
      await bench.query(insert(1_000));
      await settled(bench, 1_000);
      // What the burst left to the garbage collector is not idling.
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      const cpu = daemon.cpu();
      const seconds = 30;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      const share = ((daemon.cpu() - cpu) / seconds) * 100;
      return [
        { work: 'idle daemon, 1,000 names, one zone', what: 'share of a core', measured: share, unit: '%', most: 1 },
      ];
    } finally {
      await bench.stop();
    }
  },
};

/** With which `run` ends as soon as it has asked for the first time. */
const NO_DATABASE = ['--database-url=postgres://a:b@127.0.0.1:1/c', '--cloudflare-api-token=none'];

/** Milliseconds that the program takes to its end. */
function medianOf7(args: readonly string[]): number {
  const took: number[] = [];
  for (let n = 0; n < 7; n++) {
    const began = performance.now();
    spawnSync(process.execPath, args, { stdio: 'ignore' });
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[3] ?? 0;
}

const starting: Case = {
  name: 'start',
  run: async (postgres) => {
    const figures: Figure[] = [];
    const what = 'median of 7';
    figures.push({ work: '`zonekeeper --help`', what, measured: medianOf7([MAIN, '--help']), unit: 'ms', most: 150 });
    const folder = mkdtempSync(join(tmpdir(), 'zonekeeper-bench-'));
    try {
      await buildBundle(folder);
      const bundle = join(folder, 'zonekeeper.js');
      const help = medianOf7([bundle, '--help']);
      figures.push({ work: 'the bundle: `zonekeeper --help`', what, measured: help, unit: 'ms', most: 250 });
      const run = medianOf7([bundle, 'run', ...NO_DATABASE]);
      figures.push({ work: 'the bundle: `run`, as far as PostgreSQL', what, measured: run, unit: 'ms', most: 250 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com' }] });
    try {
      const starts: number[] = [];
      for (let n = 0; n < 5; n++) {
        const began = performance.now();
        const daemon = await bench.daemon();
        starts.push(performance.now() - began);
        await daemon.kill('SIGTERM');
      }
      starts.sort((a, b) => a - b);
      figures.push({
        work: 'start to ready, empty',
        what: 'median of 5',
        measured: (starts[2] ?? 0) / 1000,
        unit: 's',
        most: 1,
      });
    } finally {
      await bench.stop();
    }
    return figures;
  },
};

const poison: Case = {
  name: 'poison',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', quota }] });
    try {
      await bench.daemon();
      bench.simulator.addFault({
        operation: 'batch',
        effect: { kind: 'refuse', code: 9005, name: 'n500.example.com' },
      });
      await bench.query(insert(1_000));
      await until('the others', () => records(bench) === 999);
      await until(
        'its state',
        async () => (await bench.query(`SELECT 1 FROM zonekeeper.names WHERE state = 'failed'`)).length === 1,
      );
      const work = 'one record refused among 1,000';
      return [{ work, what: 'API calls in all', measured: calls(bench), unit: '', most: 25 }];
    } finally {
      await bench.stop();
    }
  },
};

/** The page among so many names: how soon something is seen, and what scrolling costs. */
const page: Case = {
  name: 'page',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', plan: 'business', quota }] });
    const browser = await startBrowser();
    try {
      const { url } = await bench.daemon();
      await bench.query(insert(100_000));
      await settled(bench, 100_000);
      await bench.query('ANALYZE');
      const tab = await browser.newPage();
      // The first one also compiles what it runs.
      await tab.goto(`${url}/dns`);
      await tab.addInitScript(
        `globalThis.long = 0; new PerformanceObserver((list) => { long += list.getEntries().length; }).observe({ type: 'longtask' });`,
      );
      await tab.goto(`${url}/dns`);
      await tab.locator('.list tbody tr').first().waitFor();
      const paint = await tab.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`);
      const before = Number(await tab.evaluate('long'));
      for (let n = 0; n < 50; n++) {
        await tab.evaluate(`document.querySelector('.scroll').scrollBy(0, 1000)`);
        await tab.evaluate('new Promise(requestAnimationFrame)');
      }
      const work = 'the page with 100,000 names';
      const rows = await tab.locator('.list tbody tr').count();
      return [
        { work, what: 'first paint', measured: Number(paint), unit: 'ms', most: 1_000 },
        { work, what: 'rows in the document', measured: rows, unit: '', most: 80 },
        {
          work,
          what: 'long tasks in 50 steps of scrolling',
          measured: Number(await tab.evaluate('long')) - before,
          unit: '',
          most: 5,
        },
      ];
    } finally {
      await browser.close();
      await bench.stop();
    }
  },
};

const killed: Case = {
  name: 'kill',
  run: async (postgres) => {
    const bench = await Bench.start(postgres, { zones: [{ name: 'example.com', quota }], latencyMs: 50 });
    try {
      await bench.query(`INSERT INTO standalone_proxies (domain) VALUES ('keep')`);
      const daemon = await bench.daemon();
      await until('the first', () => records(bench) === 1);
      await bench.query(insert(1_000));
      await until('the middle', () => records(bench) > 400);
      await daemon.kill('SIGKILL');
      await bench.query('DELETE FROM instances');
      await bench.query(`UPDATE zonekeeper.leader SET renewed = renewed - interval '1 hour'`);
      await bench.query(`UPDATE zonekeeper.intents SET deadline = deadline - interval '1 hour'`);
      const { url } = await bench.daemon();
      await until(
        'the end',
        async () => {
          const { hash } = (await (await fetch(`${url}/api/dns/plan`)).json()) as { hash: string };
          await fetch(`${url}/api/dns/sync`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ confirm: hash }),
          });
          return records(bench) === 1;
        },
        60_000,
      ).catch(() => undefined);
      const work = 'kill -9 in the middle of creating 1,000, then no consumer wants them';
      return [{ work, what: 'records that are never deleted', measured: records(bench) - 1, unit: '', most: 0 }];
    } finally {
      await bench.stop();
    }
  },
};

/** What Prometheus waits for: 500 zones, in each of which names were created, drifted, and were repaired. */
const scraping: Case = {
  name: 'metrics',
  run: async (postgres) => {
    const [count, zones] = [100_000, 500];
    const names = Array.from({ length: zones }, (_, n) => `z${n}.example`);
    const bench = await Bench.start(postgres, {
      zones: names.map((name) => ({ name, plan: 'business' as const, quota })),
    });
    try {
      const { url } = await bench.daemon();
      await bench.query(
        `INSERT INTO standalone_proxies (domain) SELECT 'n' || g || '.' || ($2::text[])[1 + g % $3] FROM generate_series(1, $1) g`,
        [count, names, zones],
      );
      await settled(bench, count);
      const scrape = async () => {
        const began = performance.now();
        const body = await (await fetch(`${url}/metrics`)).text();
        return { ms: performance.now() - began, body };
      };
      await until('the names to be counted', async () => {
        const { body } = await scrape();
        const inSync = [...body.matchAll(/^zonekeeper_records\{zone="[^"]+",state="in_sync"\} (\d+)$/gm)];
        return inSync.reduce((sum, [, value]) => sum + Number(value), 0) === count;
      });
      const times: number[] = [];
      let series = 0;
      for (let n = 0; n < 30; n++) {
        const { ms, body } = await scrape();
        times.push(ms);
        series = body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
        // As a Prometheus that is in a hurry; what is kept between scrapes is old by then.
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      times.sort((a, b) => a - b);
      const work = `a scrape of ${count} names in ${zones} zones`;
      return [
        { work, what: 'series', measured: series, unit: '', most: 45_000 },
        { work, what: 'median of 30', measured: times[15] ?? 0, unit: 'ms', most: 50 },
        { work, what: 'slowest of 30', measured: times.at(-1) ?? 0, unit: 'ms', most: 250 },
      ];
    } finally {
      await bench.stop();
    }
  },
};

/** Every case, in the order of the table. */
export const CASES: readonly Case[] = [
  creating(1_000, 200, { calls: 7, cpu: 0.5 }),
  creating(10_000, 200, { calls: 53, cpu: 3 }),
  creating(10_000, 3_500, { calls: 6, cpu: 3 }),
  looking(1_000, 1, { calls: 1, cpu: 0.4, mb: 400 }),
  looking(10_000, 1, { calls: 2, cpu: 0.4, mb: 400 }),
  looking(100_000, 1, { calls: 20, cpu: 3, mb: 400 }),
  looking(100_000, 500, { calls: 500, cpu: 3, mb: 400 }),
  repair,
  retarget,
  latency(1_000, 0),
  latency(200, 100_000),
  idle,
  starting,
  poison,
  killed,
  page,
  scraping,
];
