import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const ROW = /^\| (`src\/.*?`) \|/gm;
/** The folders of `src` as ARCHITECTURE.md lists them, from top to bottom; `src/errors.ts` as one. */
const ORDER = [...readFileSync('ARCHITECTURE.md', 'utf8').matchAll(ROW)].flatMap(([, cell = '']) =>
  [...cell.matchAll(/src\/[\w.-]+/g)].map(([folder]) => folder),
);
const FILES = globSync('src/**/*.ts').sort();
const folderOf = (file: string) => file.split('/').slice(0, 2).join('/');

/** What a file imports of other folders: its files, and whether only types of them. */
function imports(file: string) {
  const found = readFileSync(file, 'utf8').matchAll(/\b(import type\b|import|export)\b[^;]*?\s*\(?'(\.{1,2}\/[^']+)'/g);
  return [...found]
    .map(([, kind, path = '']) => ({ types: kind === 'import type', of: normalize(join(dirname(file), path)) }))
    .filter(({ of }) => of.startsWith('src/') && folderOf(of) !== folderOf(file));
}

test('every folder of src has a row', () => {
  expect([...new Set(FILES.map(folderOf))].filter((folder) => !ORDER.includes(folder))).toEqual([]);
  expect(ORDER.filter((folder) => !FILES.some((file) => folderOf(file) === folder))).toEqual([]);
});

test('no folder imports one above it', () => {
  const place = (file: string) => ORDER.indexOf(folderOf(file));
  const upward = FILES.flatMap((file) =>
    imports(file)
      .filter(({ of }) => place(of) < place(file))
      .map(({ of }) => `${file} imports ${of}`),
  );
  expect(upward).toEqual([]);
});

test.each([
  ['src/dns', /^src\/errors\.ts$/],
  ['src/controller', /^src\/errors\.ts$/],
  // What stands behind its ports is none of its business: not what they are made of, nor that there is PostgreSQL.
  ['src/reconcile', /^src\/((controller|dns)\/.*|cloudflare\/(mirror|writer)\.ts|errors\.ts)$/],
])('%s runs no code but its own and that of %s', (folder, allowed) => {
  const others = FILES.filter((file) => folderOf(file) === folder).flatMap((file) =>
    imports(file)
      .filter(({ types, of }) => !types && !allowed.test(of))
      .map(({ of }) => `${file} imports ${of}`),
  );
  expect(others).toEqual([]);
});
