import { ZonekeeperError } from '../errors.ts';
import type { CommandContext } from './command.ts';

/** `zonekeeper simulate`. */
export default async function command(_context: CommandContext): Promise<number> {
  throw new ZonekeeperError('internal', 'The command simulate is not part of this build.');
}
