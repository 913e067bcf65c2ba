import { ZonekeeperError } from '../errors.ts';

/**
 * The owner mark: whose record it is and which intent made it. It stands in the comment of every record that we create, so
 * that a record whose creation was never answered can be recognised. It is read to settle intents, and never compared.
 */
export interface Mark {
  readonly ownerId: string;
  readonly intentId: string;
}

const PREFIX = 'zonekeeper/';
const OWNER = '[a-z0-9][a-z0-9._-]{0,39}';
const INTENT = '[A-Za-z0-9_-]{1,40}';
const OWNER_ID = new RegExp(`^${OWNER}$`);
/** People may write behind it, after anything that cannot be part of an id. */
const MARK = new RegExp(`^${PREFIX}(${OWNER})/(${INTENT})(?![A-Za-z0-9_-])`);

/**
 * The comment of a record: `zonekeeper/<owner>/<intent>`, at most 92 characters on one line (Free zones allow 100). Throws
 * `internal` when an id is not one: its record could not be recognised.
 */
export function formatMark(ownerId: string, intentId: string): string {
  const comment = `${PREFIX}${ownerId}/${intentId}`;
  const mark = parseMark(comment);
  if (mark?.ownerId !== ownerId || mark.intentId !== intentId) {
    throw new ZonekeeperError('internal', `${JSON.stringify(comment)} is no owner mark.`);
  }
  return comment;
}

/** Reads the mark at the start of a comment; null when there is none of any installation. */
export function parseMark(comment: string | null): Mark | null {
  if (comment === null || !comment.startsWith(PREFIX)) return null;
  const [, ownerId, intentId] = MARK.exec(comment) ?? [];
  return ownerId === undefined || intentId === undefined ? null : { ownerId, intentId };
}

/** Why a text cannot name an installation, to follow the setting's name in a sentence; null when it can. */
export function ownerIdProblem(text: string): string | null {
  return OWNER_ID.test(text)
    ? null
    : 'must be 1 to 40 lower-case letters, digits, dots, hyphens or underscores, and begin with a letter or digit';
}
