import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import adapter from '@sveltejs/adapter-static';

const OUT = '../dist/web';
const files = adapter({ pages: OUT, assets: OUT, fallback: 'index.html', precompress: false });

/**
 * The start script as a file of its own: the daemon's Content-Security-Policy allows no inline script.
 */
function moveScriptOut() {
  const page = `${OUT}/index.html`;
  const html = readFileSync(page, 'utf8');
  const [element, script] = /<script>([\s\S]*?)<\/script>/.exec(html) ?? [];
  if (element === undefined) throw new Error('The page has no start script: SvelteKit builds it in another way now.');
  const name = `_app/immutable/start.${createHash('sha256').update(script).digest('base64url').slice(0, 8)}.js`;
  writeFileSync(`${OUT}/${name}`, script);
  writeFileSync(page, html.replace(element, `<script src="/${name}"></script>`));
}

export default {
  kit: {
    adapter: {
      name: 'static-without-inline-script',
      async adapt(builder) {
        await files.adapt(builder);
        moveScriptOut();
      },
    },
    paths: { relative: false },
    version: { name: 'zonekeeper' },
  },
};
