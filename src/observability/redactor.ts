/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Shorter words are no secrets, and hiding them would make lines unreadable. */
const MIN_LENGTH = 4;
/** Secrets remembered, rotated ones included; the oldest goes. */
const MAX_SECRETS = 100;
/** Depth and entries to which a value is copied. */
const MAX_DEPTH = 12;
const MAX_ENTRIES = 2_000;

/** The password of a database URL, whoever's it is. */
const URL_PASSWORD = /(\bpostgres(?:ql)?:\/\/[^\s:/?#@"']*:)[^\s/?#"']*(?=@)/gi;
/** The same as a parameter of the URL. */
const URL_PARAMETER = /([?&](?:ssl)?password=)[^\s&"'#]+/gi;
const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token)\s+)?|bearer\s+)[^\s"',;]{4,}/gi;
/** Fields whose whole value is hidden, whatever it is. */
const SECRET_FIELD = /^(?:proxy-)?authorization$|^(?:set-)?cookie$|^(?:api[_-]?)?token$|^password$|^secret$/i;

/** Words beside which one of the patterns or secret fields could stand. A line without any of them matches none. */
const SUSPECT = /postgres|passw|authorization|bearer|token|cookie|secret/i;
/** Longer lines are always read, so that they are cut to a bounded size. */
const MAX_PLAIN = 16_384;

/**
 * Hides secrets in whatever is about to leave the process as text: the values registered with it, Authorization headers,
 * and passwords in database URLs. Only strings are changed, so what was JSON stays JSON.
 */
export class Redactor {
  /** Longest first: a secret that contains another must not leave a rest. */
  #secrets: string[] = [];
  readonly #order: string[] = [];
  /** The secrets as they are, and as JSON writes them. */
  #needles: string[] = [];

  /** Hides this value from now on, and what it looks like inside of URLs; of a URL also its password alone. */
  add(secret: string): void {
    for (const form of formsOf(secret)) {
      if (form.length < MIN_LENGTH || this.#order.includes(form)) continue;
      this.#order.push(form);
      if (this.#order.length > MAX_SECRETS) this.#order.shift();
    }
    this.#secrets = [...this.#order].sort((a, b) => b.length - a.length);
    this.#needles = [...new Set(this.#secrets.flatMap((known) => [known, JSON.stringify(known).slice(1, -1)]))];
  }

  /** The text without secrets. */
  text(text: string): string {
    let hidden = text;
    for (const secret of this.#secrets) {
      if (hidden.includes(secret)) hidden = hidden.replaceAll(secret, REDACTED);
    }
    return hidden
      .replace(URL_PASSWORD, `$1${REDACTED}`)
      .replace(URL_PARAMETER, `$1${REDACTED}`)
      .replace(AUTHORIZATION, `$1${REDACTED}`);
  }

  /** A copy of plain data (what JSON can hold) with every string, key or value, free of secrets. Bounded in depth and size. */
  value(value: unknown): unknown {
    let entries = 0;
    const copy = (part: unknown, depth: number): unknown => {
      if (typeof part === 'string') return this.text(part);
      if (typeof part !== 'object' || part === null) return part;
      entries += 1;
      if (depth >= MAX_DEPTH || entries > MAX_ENTRIES) return '[cut]';
      if (Array.isArray(part)) return part.slice(0, MAX_ENTRIES).map((item) => copy(item, depth + 1));
      return Object.fromEntries(
        Object.entries(part)
          .slice(0, MAX_ENTRIES)
          .map(([key, item]) => [
            this.text(key),
            SECRET_FIELD.test(key) && item !== null && item !== undefined ? REDACTED : copy(item, depth + 1),
          ]),
      );
    };
    return copy(value, 0);
  }

  /** One line of JSON, its strings free of secrets. Text that is no JSON is taken as one string. */
  line(line: string): string {
    // Most lines hold nothing of the kind: they need not be read and written again.
    if (this.#harmless(line)) return line.trimEnd();
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      return this.text(line);
    }
    return JSON.stringify(this.value(parsed));
  }

  #harmless(line: string): boolean {
    if (line.length > MAX_PLAIN || SUSPECT.test(line)) return false;
    return !this.#needles.some((needle) => line.includes(needle));
  }
}

function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret)];
  if (!secret.includes('://') || !URL.canParse(secret)) return forms;
  const url = new URL(secret);
  const passwords = [url.password, url.searchParams.get('password') ?? ''];
  return [...forms, url.href, ...passwords.flatMap((password) => [password, decoded(password)])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
