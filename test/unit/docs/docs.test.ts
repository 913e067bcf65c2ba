import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { apiPage, errorsPage } from '../../../scripts/docs.ts';

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

describe('pages that are made from the code', () => {
  test('docs/errors.md is current (npm run docs)', () => {
    expect(page('errors.md')).toBe(errorsPage());
  });

  test('docs/http-api.md is current (npm run docs)', async () => {
    expect(page('http-api.md')).toBe(await apiPage());
  });
});
