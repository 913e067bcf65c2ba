import type { Reporter, TestModule } from 'vitest/node';
import './requires.ts';

/** What a run came to. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** How many tests were left out for want of which tool. */
  readonly absent: Map<string, number>;
}

/** Counts the tests of a run, and as failed also what went wrong outside of any test. */
export function tally(modules: readonly TestModule[], unhandled: readonly unknown[]): Tally {
  const total: Tally = { passed: 0, failed: unhandled.length, skipped: 0, absent: new Map() };
  for (const module of modules) {
    // Files that could not be loaded and hooks that threw have their tests skipped.
    let failed = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'failed') failed += 1;
      if (state === 'passed') total.passed += 1;
      if (state === 'skipped') total.skipped += 1;
      const { absent } = test.meta();
      if (absent !== undefined) total.absent.set(absent, (total.absent.get(absent) ?? 0) + 1);
    }
    total.failed += failed === 0 && module.state() === 'failed' ? 1 : failed;
  }
  return total;
}

/** The last lines of a run: what was left out and why, then `N passed, N failed`. */
export function closing({ passed, failed, skipped, absent }: Tally): string {
  const lines = [...absent].map(
    ([tool, tests]) => `not run, for want of: ${tool}: ${tests === 1 ? 'one test' : `${tests} tests`}`,
  );
  const rest = skipped > 0 ? `, ${skipped} skipped` : '';
  return [...lines, `${passed} passed, ${failed} failed${rest}`].join('\n');
}

/** Ends the run with what was left out and why, and with the line `N passed, N failed`. */
export default class ClosingReporter implements Reporter {
  /** Until the run is over: whatever ends it before is a failure. */
  #tally: Tally = { passed: 0, failed: 1, skipped: 0, absent: new Map() };

  onInit(): void {
    // After what the other reporters, and vitest itself, still have to say.
    process.once('exit', (code) => {
      // Something failed that belongs to no file: a global set-up, a worker, a run without tests.
      if (code !== 0 && this.#tally.failed === 0) this.#tally.failed = 1;
      if (this.#tally.failed > 0) process.exitCode ||= 1;
      process.stdout.write(`\n${closing(this.#tally)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    this.#tally = tally(modules, unhandled);
  }
}
