import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../src/config/address.ts';
import { withSettings } from '../../../src/config/docs.ts';
import { describe as describeSetting, SETTING_KEYS } from '../../../src/config/schema.ts';
import { COMMANDS } from '../../../src/config/setting.ts';

const FILE = new URL('../../../docs/configuration.md', import.meta.url);

describe('docs/configuration.md', () => {
  it('holds the table of all settings, as the schema describes them', async () => {
    const document = await readFile(FILE, 'utf8');
    expect(withSettings(document)).toMatch(/^\| variable +\| flag, key +\|/m);
    await expect(withSettings(document)).toMatchFileSnapshot(FILE.pathname);
  });
});

describe('the schema', () => {
  it('has one name per setting in the environment', () => {
    const names = SETTING_KEYS.map((key) => describeSetting(key).env);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
  });

  it('has defaults that its own types accept', () => {
    for (const key of SETTING_KEYS) {
      const { type, default: text, absent } = describeSetting(key);
      if (text === null) expect(absent, key).toBeTypeOf('string');
      else expect(type.parse(text).ok, key).toBe(true);
    }
  });

  it('says of every setting what it is, and which commands take it', () => {
    for (const key of SETTING_KEYS) {
      const { doc, takenBy, requiredBy = [], secret, default: text } = describeSetting(key);
      expect(doc.trim().endsWith('.'), key).toBe(true);
      expect(takenBy.length, key).toBeGreaterThan(0);
      for (const command of requiredBy) expect(takenBy, key).toContain(command);
      for (const command of takenBy) expect(COMMANDS).toContain(command);
      if (secret) expect(text, key).toBeNull();
    }
  });

  it('listens on loopback unless told otherwise', () => {
    expect(isLoopback('127.0.0.1')).toBe(true);
    expect(describeSetting('listen').default).toBe('127.0.0.1:8080');
  });
});
