import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// `npm run test:image`: builds the image, and brings it up alone and with Compose. Needs a container engine with BuildKit, and
// minutes: what is built is thrown away.
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/release/image.test.ts', 'test/release/compose.test.ts'],
    exclude: ['node_modules/**'],
    // One image at a time.
    maxWorkers: 1,
  },
});
