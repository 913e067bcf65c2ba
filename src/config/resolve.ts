import { readConfigFile, readSecret } from './file.ts';
import {
  CONFIG_ENV,
  CONFIG_FLAG,
  environmentLayer,
  type Found,
  fileLayer,
  flagLayer,
  type Layer,
  type Origin,
} from './layers.ts';
import { describe, SETTING_KEYS, type SettingKey } from './schema.ts';
import type { CommandName } from './setting.ts';

/** What the settings are read from. */
export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags of settings, and `config`, by their names without dashes. */
  readonly flags?: Readonly<Record<string, string>>;
  /** The command that is to run: what it requires must be set. */
  readonly needs: CommandName;
}

/** A secret that was read from a file, and is read again when that changes. */
export interface SecretFile {
  readonly key: SettingKey;
  /** The variable, for messages. */
  readonly env: string;
  readonly path: string;
}

/** One effective value, for people. */
export interface Effective {
  readonly key: SettingKey;
  readonly env: string;
  /** As it was written; `(set)` for a secret; null when it is not set. */
  readonly shown: string | null;
  readonly origin: Origin;
  /** `--zones`, `ZONEKEEPER_ZONES`, `zones in zonekeeper.yaml`, `default`. */
  readonly from: string;
}

/** All settings as found, good or not. */
export interface Resolution {
  /** The values by key; what could not be parsed is missing. */
  readonly values: ReadonlyMap<SettingKey, unknown>;
  readonly effective: readonly Effective[];
  readonly secretFiles: readonly SecretFile[];
  /** Everything that was found as the value of a secret, good or not: to be hidden wherever it might show. */
  readonly secrets: readonly string[];
  /** One sentence each; never with the value of a secret. */
  readonly problems: readonly string[];
}

/** Characters of a wrong value that a message quotes. */
const QUOTED = 60;

/** Reads all settings: flags before environment before file before defaults. Throws nothing; see `problems`. */
export async function resolveSettings(input: ConfigInput): Promise<Resolution> {
  const path = input.flags?.[CONFIG_FLAG] ?? (input.env[CONFIG_ENV] || null);
  const content = path === null ? { entries: [], problems: [] } : await readConfigFile(path);
  const layers: Layer[] = [flagLayer(input.flags ?? {}), environmentLayer(input.env), fileLayer(content.entries)];
  const resolver = new Resolver(path, input.needs);
  resolver.problems.push(...content.problems, ...layers.flatMap(({ problems }) => problems));
  // Secrets first: a message about another setting must not quote one that was put there by mistake.
  const keys = [...SETTING_KEYS].sort((a, b) => Number(describe(b).secret ?? 0) - Number(describe(a).secret ?? 0));
  for (const key of keys) {
    await resolver.take(
      key,
      layers.map(({ found }) => found.get(key)).find((found) => found !== undefined),
    );
  }
  resolver.compare();
  const { values, effective, secretFiles, secrets, problems } = resolver;
  return {
    values,
    effective: SETTING_KEYS.flatMap((key) => effective.get(key) ?? []),
    secretFiles,
    secrets,
    problems,
  };
}

class Resolver {
  readonly values = new Map<SettingKey, unknown>();
  readonly effective = new Map<SettingKey, Effective>();
  readonly secretFiles: SecretFile[] = [];
  readonly secrets: string[] = [];
  readonly problems: string[] = [];
  readonly #path: string | null;
  readonly #needs: CommandName;

  constructor(path: string | null, needs: CommandName) {
    this.#path = path;
    this.#needs = needs;
  }

  async take(key: SettingKey, found: Found | undefined): Promise<void> {
    const { type, secret, requiredBy } = describe(key);
    if (found === undefined) {
      if (requiredBy?.includes(this.#needs)) this.problems.push(missing(key, this.#needs));
      this.#default(key);
      return;
    }
    const text = found.indirect ? await this.#read(key, found) : found.text;
    this.#show(key, found, secret || text === null ? '(set)' : this.#hidden(text) ? '(holds a secret)' : text.trim());
    if (text === null) return;
    if (secret) this.secrets.push(text);
    const parsed = type.parse(secret ? text : text.trim());
    if (parsed.ok) {
      this.values.set(key, parsed.value);
      return;
    }
    const quoted = secret || found.indirect ? '' : this.#quote(text);
    const via = found.indirect ? `, read from ${found.text},` : '';
    this.problems.push(`${this.#name(found)}${via} ${parsed.problem}${quoted}.`);
  }

  /** Rules that join several settings. */
  compare(): void {
    const [min, max] = [this.values.get('driftCheckMinMs'), this.values.get('driftCheckMaxMs')];
    if (typeof min === 'number' && typeof max === 'number' && min > max) {
      this.problems.push('ZONEKEEPER_DRIFT_CHECK_MIN must not be longer than ZONEKEEPER_DRIFT_CHECK_MAX.');
    }
  }

  #default(key: SettingKey): void {
    const { env, type, default: text } = describe(key);
    this.effective.set(key, { key, env, shown: text, origin: 'default', from: 'default' });
    if (text === null) {
      this.values.set(key, null);
      return;
    }
    const parsed = type.parse(text);
    if (parsed.ok) this.values.set(key, parsed.value);
    else this.problems.push(`The default of ${env} ${parsed.problem}.`);
  }

  async #read(key: SettingKey, found: Found): Promise<string | null> {
    const read = await readSecret(found.text);
    this.secretFiles.push({ key, env: describe(key).env, path: found.text });
    if ('value' in read) return read.value;
    this.problems.push(`${this.#name(found)}: the file ${found.text} ${read.problem}.`);
    return null;
  }

  #show(key: SettingKey, found: Found, shown: string): void {
    const via = found.indirect ? ` (${found.text})` : '';
    this.effective.set(key, {
      key,
      env: describe(key).env,
      shown,
      origin: found.origin,
      from: `${this.#name(found)}${via}`,
    });
  }

  #name(found: Found): string {
    return found.origin === 'file' ? `${found.name} in ${this.#path}` : found.name;
  }

  /** The wrong value, unless it may hold a secret. */
  #quote(text: string): string {
    if (this.#hidden(text)) return '';
    return `; it is ${JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text)}`;
  }

  /** One of our secrets, or credentials of a URL, put into another setting by mistake. */
  #hidden(text: string): boolean {
    return /:\/\/[^/]*@/.test(text) || this.secrets.some((secret) => text.includes(secret));
  }
}

function missing(key: SettingKey, command: CommandName): string {
  const { env, secret } = describe(key);
  return `${env} is not set; \`zonekeeper ${command}\` needs it${secret ? ` (or ${env}_FILE)` : ''}.`;
}
