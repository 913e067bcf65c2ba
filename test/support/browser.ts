import { existsSync } from 'node:fs';
import chromiumOfNpm from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const DEBIAN = '/usr/bin/chromium';

/** A real browser: Debian's Chromium where it is installed, else the one that npm brought. */
export async function startBrowser(): Promise<Browser> {
  const debian = existsSync(DEBIAN);
  return chromium.launch({
    executablePath: debian ? DEBIAN : await chromiumOfNpm.executablePath(),
    args: debian ? ['--no-sandbox'] : chromiumOfNpm.args,
    headless: true,
  });
}
