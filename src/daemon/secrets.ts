import type { Logger } from 'pino';
import type { SecretFile } from '../config/resolve.ts';
import type { SettingKey } from '../config/schema.ts';
import { type SecretWatch, watchSecrets } from '../config/watch-secrets.ts';
import type { Clock, Random } from '../controller/clock.ts';
import type { ZonekeeperError } from '../errors.ts';
import { Rotation } from './rotation.ts';

/** The settings that can change while the daemon runs. */
export type Secret = Extract<SettingKey, 'databaseUrl' | 'cloudflareApiToken' | 'apiToken'>;

export interface SecretsOptions {
  readonly files: readonly SecretFile[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** A value was read, which is to be hidden from now on. */
  readonly onSecret: (value: string) => void;
  /** How each of them is changed; throws where the new value does not work. */
  readonly use: Readonly<Record<Secret, (value: string) => Promise<void>>>;
  readonly onRefused: (key: Secret, error: ZonekeeperError) => void;
}

/** Reads secrets again when their files change, and goes over to a new value when it is seen to work. */
export class Secrets {
  readonly #options: SecretsOptions;
  readonly #rotations: ReadonlyMap<SettingKey, Rotation>;
  #watch: SecretWatch | null = null;

  constructor(options: SecretsOptions) {
    this.#options = options;
    const keys = Object.keys(options.use) as Secret[];
    this.#rotations = new Map(keys.map((key) => [key, this.#rotation(key)]));
  }

  async start(): Promise<void> {
    const { files, log, onSecret } = this.#options;
    this.#watch = await watchSecrets({
      files,
      onChange: (key, value) => {
        onSecret(value);
        this.#rotations.get(key)?.offer(value);
      },
      onProblem: (_, problem) => log.warn(problem),
    });
  }

  close(): void {
    this.#watch?.close();
    for (const rotation of this.#rotations.values()) rotation.stop();
  }

  #rotation(key: Secret): Rotation {
    const { clock, random, log, use, onRefused } = this.#options;
    return new Rotation({
      clock,
      random,
      use: use[key],
      onUsed: () => log.info({ setting: key }, 'a secret was read anew, and is used from now on'),
      onRefused: (error, retryMs) => {
        log.error(
          { setting: key, code: error.code, retry_ms: Math.round(retryMs) },
          `the new value does not work, the one before stays in use: ${error.message}`,
        );
        onRefused(key, error);
      },
    });
  }
}
