import { sveltekit } from '@sveltejs/kit/vite';

export default {
  plugins: [sveltekit()],
  // Bundled into the build's own helper, whatever version of it others have brought to the top of node_modules.
  ssr: { noExternal: ['cookie', 'set-cookie-parser', 'devalue'] },
  build: { reportCompressedSize: false },
  logLevel: 'warn',
};
