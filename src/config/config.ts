import { ZonekeeperError } from '../errors.ts';
import { isLoopback, listenText } from './address.ts';
import { type ConfigInput, type Resolution, resolveSettings, type SecretFile } from './resolve.ts';
import type { Settings, SettingsFor } from './schema.ts';
import type { CommandName } from './setting.ts';

/**
 * The effective settings of a process: durations in milliseconds, shares from 0 to 1; null where nothing is set. With a
 * command as parameter, what that command requires is not null.
 */
export type Config<C extends CommandName = never> = ([C] extends [never] ? Settings : SettingsFor<C>) & {
  /** The secrets that were read from files; see `watchSecrets`. */
  readonly secretFiles: readonly SecretFile[];
};

/** Commands that serve the HTTP API for long, and so must not do it openly. */
const SERVERS: readonly CommandName[] = ['run', 'demo'];

/**
 * The settings of a command from flags, environment and file. Throws `config_invalid` with every problem at once
 * (`facts.problems`), or `insecure_listen`.
 */
export async function loadConfig<C extends CommandName>(
  input: ConfigInput & { readonly needs: C },
): Promise<Config<C>> {
  return configOf(await resolveSettings(input), input.needs);
}

/** The same, of settings that were resolved before. */
export function configOf<C extends CommandName>(resolution: Resolution, needs: C): Config<C> {
  const { problems, values, secretFiles } = resolution;
  if (problems.length > 0) throw new ZonekeeperError('config_invalid', problems.join(' '), { facts: { problems } });
  // The resolver has parsed every setting by the very table that the type is made of, and has missed none.
  const config = { ...Object.fromEntries(values), secretFiles } as unknown as Config<C>;
  if (SERVERS.includes(needs)) requireSecureListen(config);
  return config;
}

/** Throws `insecure_listen` for an API that others can reach, needs no token, and was not opened on purpose. */
export function requireSecureListen(
  config: Pick<Settings, 'listen' | 'apiToken' | 'apiAuth' | 'allowAnonymous'>,
): void {
  const { listen, apiToken, apiAuth, allowAnonymous } = config;
  if (apiToken !== null || apiAuth === 'kubernetes' || allowAnonymous === 'read' || isLoopback(listen.host)) return;
  throw new ZonekeeperError(
    'insecure_listen',
    `${listenText(listen)} can be reached by others, and no API token is set.`,
  );
}
