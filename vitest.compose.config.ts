import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// `npm run test:compose`: builds the image from its sources, and brings it up with Compose. Needs a container engine with BuildKit, and
// minutes: what is built is thrown away.
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/release/compose.test.ts'],
    exclude: ['node_modules/**'],
  },
});
