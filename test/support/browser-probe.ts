/** Ends with 0 when a browser starts here. */
import { startBrowser } from './browser.ts';

const browser = await startBrowser();
await browser.close();
