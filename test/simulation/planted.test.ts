import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MISTAKES } from './planted/mistakes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// Whether they are caught, `npm run simulation -- --planted` tells; here, that the code has not moved away from under them.
test.each(MISTAKES)('there is one place for: $name', (mistake) => {
  for (const { file, text, instead } of [mistake, ...mistake.also]) {
    expect(readFileSync(`${ROOT}/${file}`, 'utf8').split(text)).toHaveLength(2);
    expect(instead).not.toBe(text);
  }
});

test('there are enough of them', () => {
  expect(new Set(MISTAKES.map(({ text, instead }) => `${text}${instead}`)).size).toBeGreaterThanOrEqual(25);
});
