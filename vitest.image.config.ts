import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// `npm run test:image`: builds and runs the image. Needs a container engine with BuildKit, and minutes.
export default defineConfig({
  test: { ...base.test, include: ['test/release/image.test.ts'], exclude: ['node_modules/**'] },
});
