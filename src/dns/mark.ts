/** Whose record it is and which intent made it, as it stands in the comment of every record that we create. */
export interface Mark {
  readonly ownerId: string;
  readonly intentId: string;
}

const PREFIX = 'zonekeeper/';
/** People may write behind it. */
const MARK = /^zonekeeper\/([a-z0-9][a-z0-9._-]{0,39})\/([a-z0-9]{1,32})(?![a-z0-9])/;

/** At most 84 characters, on one line: Free zones allow 100. */
export function formatMark(ownerId: string, intentId: string): string {
  return `${PREFIX}${ownerId}/${intentId}`;
}

/** Null when the comment carries no mark of any installation. */
export function parseMark(comment: string | null): Mark | null {
  if (comment === null || !comment.startsWith(PREFIX)) return null;
  const match = MARK.exec(comment);
  const [, ownerId, intentId] = match ?? [];
  return ownerId === undefined || intentId === undefined ? null : { ownerId, intentId };
}

/** Why a text cannot name an installation; null when it can. */
export function ownerIdProblem(text: string): string | null {
  return MARK.test(`${PREFIX}${text}/x`) && !text.includes('/')
    ? null
    : 'must be 1 to 40 lower-case letters, digits, dots, hyphens or underscores, and begin with a letter or digit';
}
