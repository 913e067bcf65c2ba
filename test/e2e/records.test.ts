import { mkdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser } from '../support/browser.ts';
import {
  type DaemonSetup,
  migratedDatabase,
  type RunningDaemon,
  startDaemon,
  testSimulator,
} from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { openPage } from '../support/open-page.ts';
import { requires } from '../support/requires.ts';
import { waitFor } from '../support/wait.ts';

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const SHOTS = new URL('../../test-results/screenshots/', import.meta.url).pathname;

const TOKEN = 'right-token-right-token';

let browser: Browser;

/** A daemon with `a` and `b` in sync, a foreign record in the way of `shop`, and a consumer without a valid name. */
async function world(setup: Omit<DaemonSetup, 'simulator' | 'database'> = {}): Promise<RunningDaemon> {
  const foreign = [{ name: 'shop.example.com', type: 'A', content: '198.51.100.1' }];
  const simulator = await testSimulator([{ name: 'example.com', quota: 20_000, records: foreign }]);
  const running = await startDaemon({ ...setup, simulator, database: await migratedDatabase() });
  await running.database.query(`INSERT INTO standalone_proxies (domain) VALUES ('shop'), ('a'), ('b'), ('bad..name')`);
  await waitFor('the records', () => simulator.records().length === 3);
  await settled(running, 4);
  return running;
}

/** All names are known to the API, and nothing is under way. */
async function settled({ get }: RunningDaemon, names: number): Promise<void> {
  await waitFor(`${names} names`, async () => {
    const { total, states } = (await (await get('/api/dns/summary', { authorization: `Bearer ${TOKEN}` })).json()) as {
      total: number;
      states: Record<string, number>;
    };
    return total === names && states.missing === 0 && states.modified === 0 && states.orphaned === 0;
  });
}

const open = async (running: RunningDaemon, path = '/', options = {}) =>
  openPage(browser, `${running.url}${path}`, options);
const row = (page: Page, fqdn: string) => page.locator('.list tbody tr', { hasText: fqdn });
const sync = (page: Page) => page.locator('.bar button.primary');
const live = (page: Page) => page.locator('.connection', { hasText: 'Live' });
const toast = (page: Page) => page.locator('.toast');

/** What axe finds in the page as it is, in both schemes; leaves a picture of each. */
async function inspect(page: Page, name: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: `${SHOTS}${name}-${colorScheme}.png` });
    // Read into the page by the test's own channel: its policy would refuse it otherwise.
    const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      `(async () => { const module = { exports: {} }; ${AXE}; return (await (globalThis.axe ?? module.exports).run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })).violations; })()`,
    );
    found.push(...violations.map(({ id, nodes }) => `${name} ${colorScheme} ${id}: ${nodes[0]?.html.slice(0, 200)}`));
  }
  return found;
}

requires('browser')('the page', () => {
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  describe('one glance', () => {
    test('shows what is in sync, what is not and why, and nothing is found by axe', async () => {
      const running = await world();
      const { page, complaints } = await open(running);
      await page.waitForURL('**/dns');
      await row(page, 'a.example.com').waitFor();
      expect(await row(page, 'a.example.com').innerText()).toMatch(/In sync.*A.*192\.0\.2\.1.*standalone proxy/s);
      await page.getByText('2 of 4 need attention').waitFor();
      const found = await inspect(page, 'records');
      await page.getByRole('button', { name: 'shop.example.com', exact: true }).click();
      const details = page.getByRole('complementary');
      await details.getByText('holds a record that is not ours').waitFor();
      expect(await details.locator('tr.differs').innerText()).toMatch(/content\s+192\.0\.2\.1\s+198\.51\.100\.1/);
      expect([...found, ...(await inspect(page, 'details'))]).toEqual([]);
      expect(complaints).toEqual([]);
    });

    test('each state is a filter, and filters, search and selection live in the address', async () => {
      const running = await world();
      const { page } = await open(running);
      await row(page, 'a.example.com').waitFor();
      await page.getByRole('button', { name: /Conflict/ }).click();
      await page.waitForURL('**/dns?state=conflict');
      await row(page, 'a.example.com').waitFor({ state: 'detached' });
      expect(await page.locator('.list tbody tr').count()).toBe(1);
      await page.goto(`${running.url}/dns?q=B.EX&name=b.example.com`);
      await row(page, 'b.example.com').waitFor();
      expect(await page.locator('.list tbody tr').count()).toBe(1);
      await page.getByRole('complementary').getByText('create').first().waitFor();
      await page.goto(`${running.url}/dns?q=nothing-like-it`);
      await page.getByText('No name matches').waitFor();
      expect(await inspect(page, 'no-match')).toEqual([]);
    });

    test('the keyboard is enough: /, j, k, Esc, ?', async () => {
      const running = await world();
      const { page } = await open(running, '/dns');
      await row(page, 'a.example.com').waitFor();
      await page.keyboard.press('j');
      await page.waitForURL('**/dns?name=a.example.com');
      await page.keyboard.press('j');
      await page.waitForURL('**/dns?name=b.example.com');
      await page.keyboard.press('k');
      await page.waitForURL('**/dns?name=a.example.com');
      await page.keyboard.press('Escape');
      await page.waitForURL('**/dns');
      await page.keyboard.press('/');
      await page.keyboard.type('shop');
      await page.waitForURL('**/dns?q=shop');
      await page.locator('h1').click();
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
      expect(await inspect(page, 'help')).toEqual([]);
    });
  });

  describe('live', () => {
    test('a commit shows in the table without a reload, and a lost connection is shown and recovers', async () => {
      // Not one of those that the system gives away while the daemon is down.
      const running = await world({ env: { ZONEKEEPER_LISTEN: `127.0.0.1:${await freePort()}` } });
      const { page } = await open(running, '/dns');
      await live(page).waitFor();
      await running.database.query(`INSERT INTO standalone_proxies (domain) VALUES ('fresh')`);
      await row(page, 'fresh.example.com').getByText('In sync').waitFor();
      await running.daemon.stop();
      await page.getByText('Connection lost').waitFor();
      // What was read stays.
      expect(await row(page, 'fresh.example.com').count()).toBe(1);
      const port = new URL(running.url).port;
      await startDaemon({
        simulator: running.simulator,
        database: running.database,
        env: { ZONEKEEPER_LISTEN: `127.0.0.1:${port}` },
      });
      await live(page).waitFor();
    });
  });

  describe('Sync', () => {
    test('runs at once when nothing would be deleted, and tells what came of it', async () => {
      const running = await world();
      const { page } = await open(running, '/dns');
      await row(page, 'a.example.com').waitFor();
      running.simulator.edit({ name: 'a.example.com' }, { content: '203.0.113.9' });
      await sync(page).click();
      await toast(page).getByText('Synced').waitFor();
      expect(running.simulator.records({ name: 'a.example.com' })[0]?.content).toBe('192.0.2.1');
      await toast(page).getByText('Full report').click();
      await page.waitForURL('**/operations?id=*');
      await page.locator('.report').waitFor();
      expect(await inspect(page, 'operations')).toEqual([]);
    });

    test('shows the plan first when the guard holds it, and applies exactly that plan', async () => {
      const running = await world({ env: { ZONEKEEPER_DELETE_GUARD: '25%,min=1' } });
      await running.database.query(`DELETE FROM standalone_proxies WHERE domain <> 'shop'`);
      await waitFor(
        'the guard',
        async () =>
          ((await (await running.get('/api/dns/plan')).json()) as { release: string | null }).release !== null,
      );
      const { page } = await open(running, '/dns');
      await row(page, 'a.example.com').getByText('Blocked').waitFor();
      await sync(page).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('A guard holds deletions').waitFor();
      expect(running.simulator.records()).toHaveLength(3);
      expect(await inspect(page, 'plan')).toEqual([]);
      await dialog.getByRole('button', { name: 'Apply this plan' }).click();
      await toast(page).getByText('2 deleted').waitFor();
      expect(running.simulator.records().map(({ name }) => name)).toEqual(['shop.example.com']);
      await row(page, 'a.example.com').waitFor({ state: 'detached' });
    });
  });

  describe('Sync by several', () => {
    test('two people who press at once see the same operation', async () => {
      const running = await world();
      const [one, two] = [await open(running, '/dns'), await open(running, '/dns')];
      for (const { page } of [one, two]) {
        await live(page).waitFor();
        await row(page, 'a.example.com').waitFor();
      }
      running.simulator.addFault({ operation: 'list_records', effect: { kind: 'delay', ms: 2_000 } });
      // However long a click takes, both requests leave together.
      const pressed = Promise.withResolvers<void>();
      let requests = 0;
      for (const { page } of [one, two]) {
        await page.route('**/api/dns/sync', async (route) => {
          requests += 1;
          if (requests === 2) pressed.resolve();
          await pressed.promise;
          await route.continue();
        });
      }
      await Promise.all([sync(one.page).click(), sync(two.page).click()]);
      for (const { page } of [one, two]) await toast(page).getByText('Synced').first().waitFor();
      const { operations } = (await (await running.get('/api/dns/operations')).json()) as { operations: unknown[] };
      expect(operations).toHaveLength(1);
    });

    test('names that are chosen are synced alone', async () => {
      const running = await world();
      const { page } = await open(running, '/dns');
      for (const name of ['a', 'b']) {
        await row(page, `${name}.example.com`).waitFor();
        await page.getByLabel(`Choose ${name}.example.com`).check();
      }
      await page.getByRole('button', { name: 'Sync 2 names' }).click();
      await toast(page).getByText('2 already in sync').waitFor();
    });
  });

  describe('single names', () => {
    test('are deleted after a confirmation, which is typed while a consumer wants the name', async () => {
      const running = await world();
      const id = () => running.simulator.records({ name: 'a.example.com' })[0]?.id;
      const before = id();
      const { page } = await open(running, '/dns?name=a.example.com');
      await page.getByRole('button', { name: 'Delete…' }).click();
      const dialog = page.getByRole('dialog');
      const confirm = dialog.getByRole('button', { name: 'Delete at Cloudflare' });
      expect(await confirm.isDisabled()).toBe(true);
      expect(await inspect(page, 'delete')).toEqual([]);
      await dialog.getByRole('textbox').fill('a.example.com');
      await confirm.click();
      await toast(page).getByText('Deleted a.example.com').waitFor();
      // A consumer wants it: another record has come.
      await waitFor('the new record', () => id() !== undefined && id() !== before);
    });

    test('a foreign record is adopted on request', async () => {
      const running = await world();
      const { page } = await open(running, '/dns?name=shop.example.com');
      await page.getByRole('button', { name: 'Adopt' }).click();
      await toast(page).getByText('Adopted shop.example.com').waitFor();
      await waitFor(
        'what is wanted',
        () => running.simulator.records({ name: 'shop.example.com' })[0]?.content === '192.0.2.1',
      );
      await row(page, 'shop.example.com').getByText('In sync').waitFor();
    });
  });

  describe('strangers', () => {
    test('the token is asked for, a wrong one is told, and it is kept in the tab only', async () => {
      const running = await world({ env: { ZONEKEEPER_API_TOKEN: TOKEN } });
      const { page } = await open(running, '/dns');
      const dialog = page.getByRole('dialog', { name: 'API token' });
      await dialog.waitFor();
      expect(await inspect(page, 'token')).toEqual([]);
      await dialog.getByLabel('Token').fill('wrong');
      await dialog.getByRole('button', { name: 'Use it' }).click();
      await dialog.getByText('This token is not the right one').waitFor();
      await dialog.getByLabel('Token').fill(TOKEN);
      await dialog.getByRole('button', { name: 'Use it' }).click();
      await row(page, 'a.example.com').waitFor();
      expect(await page.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
    });

    test('hostile names are shown harmlessly', async () => {
      const running = await world();
      await running.database.query(`INSERT INTO standalone_proxies (domain) VALUES ($1), ($2), ($3)`, [
        '<img src=x onerror=alert(1)>',
        'safe\u202emoc.evil',
        `${'x'.repeat(253)}`,
      ]);
      await settled(running, 7);
      const { page, complaints } = await open(running, '/dns?state=failed');
      await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
      expect(await page.locator('tbody img').count()).toBe(0);
      expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(
        true,
      );
      expect(complaints).toEqual([]);
      await inspect(page, 'hostile');
    });

    test('the page may load nothing from elsewhere and run no script of its own text', async () => {
      const running = await world();
      const answer = await running.get('/dns');
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toMatch(/script-src 'self'(;|$)/);
      const html = await answer.text();
      expect(html).not.toMatch(/<script>|onload=|javascript:/);
      // Whatever a path asks for, it is a file of the page or nothing.
      for (const path of ['/..%2f..%2fpackage.json', '/_app/../../package.json', '/dns/../../../etc/passwd'])
        expect((await running.get(path)).status).toBe(404);
    });
  });

  describe('sizes', () => {
    test('on a phone nothing is cut off sideways', async () => {
      const running = await world();
      const { page } = await open(running, '/dns', { viewport: { width: 390, height: 780 } });
      await row(page, 'a.example.com').waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(
        true,
      );
      expect(await inspect(page, 'phone')).toEqual([]);
    });

    test('thousands of names are rows in view only, and the end is reached by scrolling', async () => {
      const running = await startDaemon({ simulator: await testSimulator(), database: await migratedDatabase() });
      await running.database.query(
        `INSERT INTO instances (subdomain, status, npm_proxy_id) SELECT 'n' || lpad(g::text, 4, '0'), 'running', 1 FROM generate_series(1, 1500) g`,
      );
      await settled(running, 1_500);
      const { page } = await open(running, '/dns');
      await row(page, 'n0001.example.com').waitFor();
      await waitFor('the last name', async () => {
        await page.evaluate(`document.querySelector('.scroll').scrollTop = 1e9`);
        return (await row(page, 'n1500.example.com').count()) === 1;
      });
      expect(await page.locator('.list tbody tr').count()).toBeLessThan(80);
    });

    test('the whole page is under 100 kB, compressed', async () => {
      const running = await world();
      const html = await (await running.get('/dns')).text();
      const seen = new Set<string>();
      let bytes = 0;
      for (const waiting = [...html.matchAll(/(?:src|href)="(\/_app\/[^"]+)"/g)].map(([, path]) => path); ; ) {
        const path = waiting.pop();
        if (path === undefined) break;
        if (seen.has(path)) continue;
        seen.add(path);
        const text = await (await running.get(path)).text();
        bytes += gzipSync(text).length;
        for (const [, to] of text.matchAll(/"(\.{1,2}\/[\w./-]+\.(?:js|css))"/g))
          if (to !== undefined) waiting.push(new URL(to, `http://x${path}`).pathname);
      }
      expect(seen.size).toBeGreaterThan(5);
      expect(bytes).toBeLessThan(100_000);
    });

    test('with nothing configured, the first steps are shown', async () => {
      const running = await startDaemon();
      const { page } = await open(running, '/');
      await page.getByText('No name is wanted yet').waitFor();
      expect(await page.locator('.empty li').count()).toBe(3);
      expect(await inspect(page, 'empty')).toEqual([]);
    });
  });
});
