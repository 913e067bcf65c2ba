/**
 * `npm run screenshots`: starts the demo, and takes the README's three pictures of its page into docs/images.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startBrowser } from '../test/support/browser.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const images = fileURLToPath(new URL('../docs/images/', import.meta.url));
const LIMIT_MS = 120_000;

const demo = spawn(process.execPath, [main, 'demo'], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    demo.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /^ {2}page +(http:\S+)/m.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    demo.once('exit', (code) => reject(new Error(`The demo ended with ${code}.`)));
    setTimeout(() => reject(new Error('The demo did not come up.')), LIMIT_MS).unref();
  });
  mkdirSync(images, { recursive: true });
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width: 1200, height: 620 } });
  const shoot = async (name: string) => {
    await page.locator('header img').evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode());
    await page.getByText(/calls left/).waitFor();
    await page.screenshot({ path: `${images}${name}.png` });
  };
  await page.goto(`${address}dns`);
  await page.locator('.list tbody tr').first().waitFor();
  await page.locator('.connection', { hasText: 'Live' }).waitFor();
  await shoot('records');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${address}dns?name=blog.example.com`);
  await page.locator('aside table').waitFor();
  await page.locator('.list tbody tr').first().waitFor();
  await shoot('conflict');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${address}operations`);
  await page.locator('.page li > button').first().click();
  await page.locator('.report').waitFor();
  await shoot('operations');
  await browser.close();
} finally {
  demo.kill('SIGINT');
}
