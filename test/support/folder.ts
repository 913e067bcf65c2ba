import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** An empty folder outside of the checkout, for one test; removed at its end. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zonekeeper-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The same for all tests of a file or a group; to be called in its `describe`, outside of any test. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zonekeeper-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
