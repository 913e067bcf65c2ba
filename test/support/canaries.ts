import { describe, SETTING_KEYS, type SettingKey } from '../../src/config/schema.ts';
import type { TestDatabase } from './database.ts';
import { createRole } from './role.ts';

/** A word that stands in one secret setting, and is to be seen nowhere else. */
export interface Canary {
  readonly key: SettingKey;
  /** The setting's variable. */
  readonly env: string;
  /** What is searched for. No form that it may be shown in (encoded for a URL, quoted in JSON) changes it. */
  readonly word: string;
  /** The setting's value, with the word in it. */
  readonly value: string;
  /** A value with the word in it that the setting does not take. */
  readonly wrong: string;
}

/** The secret settings, as the table of settings names them: a new one is among them by itself. */
export const SECRETS: readonly SettingKey[] = SETTING_KEYS.filter((key) => describe(key).secret === true);

/** How a word is put into a secret of each kind, rightly and wrongly. */
const FORMS: Readonly<Record<string, (word: string, database: URL) => Pick<Canary, 'value' | 'wrong'>>> = {
  secret: (word) => ({ value: word, wrong: `${word} and white space` }),
  'postgres url': (word, database) => {
    const url = new URL(database);
    url.password = encodeURIComponent(passwordOf(word));
    return { value: url.href, wrong: url.href.replace(/^postgres\w*/, 'mysql') };
  },
};

/** A canary for each secret setting. Where a URL is asked for, it is this one with another password. */
export function canaries(database: string): Canary[] {
  return SECRETS.map((key) => {
    const { env, type } = describe(key);
    const word = `canary-in-${env.toLowerCase().replaceAll('_', '-')}`;
    const form = FORMS[type.kind];
    if (form === undefined)
      throw new Error(`${env} is secret, and FORMS does not say how a ${type.kind} holds a canary.`);
    const canary = { key, env, word, ...form(word, new URL(database)) };
    if (!type.parse(canary.value).ok || type.parse(canary.wrong).ok) throw new Error(`No canary fits into ${env}.`);
    return canary;
  });
}

/** The same, with a login at PostgreSQL whose password is the canary. It goes with the database's other things. */
export async function canariesThatWork(database: TestDatabase): Promise<{ all: Canary[]; drop: () => Promise<void> }> {
  const role = await createRole(database, 'SUPERUSER');
  const all = canaries(role.url);
  const word = all.find(({ key }) => key === 'databaseUrl')?.word ?? '';
  await database.query(`ALTER ROLE ${role.name} PASSWORD '${passwordOf(word)}'`);
  return { all, drop: role.drop };
}

/** With characters that a URL has to encode: neither form of it may be seen. */
const passwordOf = (word: string): string => `${word}/@:%`;

/** The environment with all of them. */
export const environmentOf = (all: readonly Canary[]): Record<string, string> =>
  Object.fromEntries(all.map(({ env, value }) => [env, value]));

/** The value of one of them. */
export function canaryOf(all: readonly Canary[], key: SettingKey): string {
  const canary = all.find((one) => one.key === key);
  if (canary === undefined) throw new Error(`${key} is not secret.`);
  return canary.value;
}

/** The variables whose canary is to be seen in the text. */
export const seenIn = (text: string, all: readonly Canary[]): string[] =>
  all.filter(({ word }) => text.includes(word)).map(({ env }) => env);
