import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**', 'web/**'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: [['default', { summary: false }], './test/support/closing-reporter.ts'],
    // Nothing in the tests is timed; this only ends what hangs.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
