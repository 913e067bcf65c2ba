/** Controls, format characters (bidirectional overrides, joiners), line separators and lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Characters of a quotation in a sentence: enough to recognise a text, too few to flood a log. */
const MAX_QUOTED = 100;

/**
 * A text of a stranger made fit to be shown, stored and compared: what cannot be seen becomes U+FFFD, and what is longer
 * than `max` UTF-16 units ends in `…`. A terminal's state, the direction of a page's text and UTF-8 stay unharmed.
 */
export function visible(text: string, max: number): string {
  // Cut before the replacement: half a surrogate pair that the cut leaves is replaced with the rest.
  const cut = text.length > max ? text.slice(0, max - 1) : text;
  const shown = cut.replace(UNSEEN, '\ufffd');
  return cut === text ? shown : `${shown}…`;
}

/** A text of a stranger in double quotes, as it stands in sentences. Longer ones are cut. */
export function quoted(text: string): string {
  return JSON.stringify(visible(text, MAX_QUOTED));
}
