import { ZonekeeperError } from '../errors.ts';
import type { CommandContext } from './command.ts';

/** `zonekeeper demo`. */
export default async function command(_context: CommandContext): Promise<number> {
  throw new ZonekeeperError('internal', 'The command demo is not part of this build.');
}
