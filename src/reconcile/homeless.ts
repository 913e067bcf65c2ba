import type { Problem } from '../dns/desired.ts';
import type { Zones } from './zones.ts';

/** Zones that a message names. */
const SHOWN = 5;

/** Why a name cannot be looked after while the zones are not known: that says nothing about the name. */
export function unlisted({ failure }: Pick<Zones, 'failure'>): Problem {
  if (failure === null) return { code: 'zone_unknown', message: 'The zones have not been listed yet.' };
  return { code: failure.code, message: failure.message };
}

/** The zones are known, and the name ends in none of them. */
export function homeless(fqdn: string, { all }: Pick<Zones, 'all'>): Problem {
  const names = all.map(({ name }) => name);
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  const shown = `${names.slice(0, SHOWN).join(', ')}${more}`;
  return { code: 'zone_unknown', message: `No zone holds ${fqdn}; known are ${shown || 'none'}.` };
}
