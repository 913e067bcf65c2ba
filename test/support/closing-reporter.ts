import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { ABSENT_FILE } from './requires.ts';

/** Ends the run with what was left out and why, and with the line `N passed, N failed`. */
export default class ClosingReporter implements Reporter {
  onInit(): void {
    rmSync(ABSENT_FILE, { force: true });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') counts[state] += 1;
      }
      // A file that could not be loaded has no tests, and is a failure all the same.
      if (!module.ok() && counts.failed === 0) counts.failed += 1;
    }
    counts.failed += unhandled.length;
    const absent = existsSync(ABSENT_FILE) ? readFileSync(ABSENT_FILE, 'utf8').split('\n').filter(Boolean) : [];
    const lines = [...new Set(absent)].map((line) => `not run: ${line}`);
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    // After what the other reporters still have to say.
    process.once('exit', () => {
      process.stdout.write(
        `\n${[...lines, `${counts.passed} passed, ${counts.failed} failed${skipped}`].join('\n')}\n`,
      );
    });
  }
}
