import { isError } from '../errors.ts';

/**
 * The exit codes, the same for every command. 64 and 78 are those of sysexits.h: a supervisor need not start again what
 * ended with one of them, because only a person can help (systemd: `RestartPreventExitStatus=64 78`).
 */
export const EXIT = {
  /** Done; for `plan`: nothing to do. */
  ok: 0,
  /** It failed; the message says why. */
  error: 1,
  /** For `plan`: changes are pending. For `migrate --check`: migrations are. */
  pending: 2,
  /** The command line is not valid. */
  usage: 64,
  /** The configuration is not valid. */
  config: 78,
  /** Ended by a second SIGINT or SIGTERM, as a shell names it. */
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code that goes with an error. */
export function exitCodeOf(error: unknown): number {
  if (isError(error, 'usage')) return EXIT.usage;
  return isError(error, 'config_invalid') || isError(error, 'insecure_listen') ? EXIT.config : EXIT.error;
}
