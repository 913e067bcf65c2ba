/**
 * The one registry of errors. Whatever goes wrong at a boundary (database, Cloudflare, HTTP, command line, a consumer's
 * row) becomes a {@link ZonekeeperError} with a code of this list; the HTTP problem details, the exit codes, the
 * reasons shown for a name and `docs/errors.md` are all made from it.
 */

/** Whether the same attempt may succeed later: not without a person, after a growing pause, or after a known time. */
export type Retry = 'never' | 'backoff' | 'after';

/** What the registry says of one error code. */
export interface ErrorSpec {
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** Short, stable, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** What the reader should do about it. One or two sentences, imperative. */
  readonly todo: string;
  readonly retry: Retry;
}

const spec = (status: number, retry: Retry, title: string, todo: string): ErrorSpec => ({ status, title, todo, retry });

/** Every error that Zonekeeper reports, by code. */
export const ERRORS = {
  // Configuration and command line
  config_invalid: spec(
    400,
    'never',
    'The configuration is not valid',
    'Correct the settings that are named; `zonekeeper config` shows the effective values.',
  ),
  usage: spec(400, 'never', 'The command line is not valid', 'See `zonekeeper <command> --help`.'),
  insecure_listen: spec(
    400,
    'never',
    'Refusing to serve the API without a token',
    'Set ZONEKEEPER_API_TOKEN, listen on loopback, or set ZONEKEEPER_ALLOW_ANONYMOUS=read.',
  ),

  // Database
  database_unreachable: spec(
    503,
    'backoff',
    'PostgreSQL cannot be reached',
    'Check host, port and database name of DATABASE_URL, and that the server is up.',
  ),
  database_auth: spec(
    503,
    'backoff',
    'PostgreSQL refused the login',
    'Check user and password of DATABASE_URL, and pg_hba.conf of the server.',
  ),
  database_permission: spec(
    503,
    'backoff',
    'The database role lacks a permission',
    'Grant what is named; docs/configuration.md lists the grants that each command needs.',
  ),
  database_failed: spec(503, 'backoff', 'A database statement failed', 'See the detail; the statement is tried again.'),
  database_encoding: spec(
    503,
    'backoff',
    'The database cannot hold every text',
    "Move your tables into a database that is made with ENCODING 'UTF8' TEMPLATE template0, and set DATABASE_URL to that.",
  ),
  schema_missing: spec(503, 'backoff', 'The database is not prepared', 'Run `zonekeeper migrate`.'),
  schema_outdated: spec(503, 'backoff', 'The database schema is older than this version', 'Run `zonekeeper migrate`.'),
  schema_too_new: spec(
    503,
    'backoff',
    'The database schema is too new for this version',
    'Run a newer version of Zonekeeper: one that migrated the database has taken away what this one needs.',
  ),
  consumer_tables: spec(
    503,
    'backoff',
    'The consumer tables are not as expected',
    'Add the tables and columns that are named, or replace the view zonekeeper.desired (docs/own-tables.md).',
  ),
  settings_row_missing: spec(
    503,
    'backoff',
    'The settings table has no row',
    'Insert one row: INSERT INTO settings (domain, target) VALUES (...). Nothing is deleted until then.',
  ),
  settings_row_doubled: spec(
    503,
    'backoff',
    'The settings table has more than one row',
    'Leave exactly one row in settings. Nothing is deleted until then.',
  ),
  desired_unreadable: spec(
    503,
    'backoff',
    'The desired records could not be read',
    'Correct the view zonekeeper.desired as the detail says. Nothing is deleted until then.',
  ),

  embedded_postgres: spec(
    503,
    'never',
    'The embedded PostgreSQL cannot be started',
    'Correct what the detail names, or use a PostgreSQL of your own: `zonekeeper migrate`, then `zonekeeper run`.',
  ),

  // A consumer's row
  name_invalid: spec(422, 'never', 'The name is not a valid host name', 'Correct the name in the consumer row.'),
  name_ignored: spec(
    422,
    'never',
    'The name is outside of what Zonekeeper may touch',
    'Change ZONEKEEPER_NAMES or ZONEKEEPER_IGNORE if it should be managed.',
  ),
  name_apex: spec(
    422,
    'never',
    'The name is the apex of a zone',
    'Set ZONEKEEPER_ALLOW_APEX=true to manage records at the apex.',
  ),
  name_wildcard: spec(
    422,
    'never',
    'The name is a wildcard',
    'Set ZONEKEEPER_ALLOW_WILDCARD=true to manage wildcard records.',
  ),
  zone_unknown: spec(
    422,
    'backoff',
    'No zone holds the name',
    'Add the zone at Cloudflare, give the token access to it, or add it to ZONEKEEPER_ZONES.',
  ),
  target_invalid: spec(
    422,
    'never',
    'The target is no IPv4 address, IPv6 address or host name',
    'Correct target in the consumer row or in settings.',
  ),
  target_refused: spec(
    422,
    'never',
    'The target is not on the allow-list',
    'Add it to ZONEKEEPER_TARGETS, or correct target in the consumer row or in settings.',
  ),
  type_invalid: spec(
    422,
    'never',
    'The record type does not fit',
    'Use A for an IPv4 address, AAAA for an IPv6 address, CNAME for a host name; a CNAME stands alone.',
  ),
  ttl_invalid: spec(422, 'never', 'The TTL is out of range', 'Use 1 (automatic) or 60 to 86400 seconds.'),
  proxied_invalid: spec(422, 'never', 'The proxied flag is neither true nor false', 'Use true or false.'),
  consumer_conflict: spec(
    409,
    'never',
    'Two consumers want different things for one name',
    'Remove or rename one of the consumers; the older one is served meanwhile.',
  ),

  // Cloudflare
  cloudflare_auth: spec(
    502,
    'backoff',
    'Cloudflare refused the token',
    'Check CLOUDFLARE_API_TOKEN: it must be active and hold Zone:Read and DNS:Edit for the zones.',
  ),
  cloudflare_permission: spec(
    502,
    'backoff',
    'The token may not do this in the zone',
    'Give the token Zone:Read and DNS:Edit for the zone.',
  ),
  cloudflare_no_zones: spec(
    502,
    'backoff',
    'The token sees no zone',
    'Give the token Zone:Read and DNS:Edit for at least one zone, and check ZONEKEEPER_ZONES.',
  ),
  cloudflare_zone_gone: spec(
    502,
    'backoff',
    'The zone is not there',
    'Check that the zone still exists at Cloudflare and that the token may see it.',
  ),
  cloudflare_quota: spec(
    502,
    'backoff',
    'The record quota of the zone is used up',
    'Delete records or move the zone to a larger plan.',
  ),
  cloudflare_conflict: spec(
    409,
    'backoff',
    'Another record holds the name',
    'Delete the record at Cloudflare, or take it over with `zonekeeper adopt <fqdn>`.',
  ),
  cloudflare_gone: spec(
    404,
    'backoff',
    'The record is not there any more',
    'Nothing to do: the name is looked at again.',
  ),
  cloudflare_validation: spec(
    502,
    'never',
    'Cloudflare refused the record',
    'Correct the consumer row or settings as the detail says.',
  ),
  cloudflare_limited: spec(
    502,
    'after',
    'The API budget of the Cloudflare user is spent',
    "Nothing to do: sending goes on when Cloudflare allows it. See who else uses this user's budget.",
  ),
  cloudflare_unavailable: spec(
    502,
    'backoff',
    'Cloudflare did not give a usable answer',
    'Nothing to do: it is looked at again and tried again.',
  ),
  cloudflare_rejected: spec(502, 'backoff', 'Cloudflare refused the request', 'See the detail.'),
  write_expired: spec(503, 'backoff', 'The write was not sent in time', 'Nothing to do: the name is reconciled again.'),

  // Guards
  delete_held: spec(
    409,
    'never',
    'The deletion is held by the guard',
    'Look at `zonekeeper plan`; release it with the command that it prints.',
  ),
  policy_held: spec(
    409,
    'never',
    'The policy does not allow the change',
    'Change ZONEKEEPER_POLICY if it should be made.',
  ),
  flapping: spec(
    409,
    'after',
    'Somebody else keeps changing the record',
    'Find the other writer of this record; repairs go on at a slower pace.',
  ),

  // Leadership and operations
  not_leader: spec(503, 'after', 'This process does not lead', 'Nothing to do: another process leads.'),
  no_leader: spec(
    503,
    'after',
    'No process leads',
    'Start a daemon (`zonekeeper run`), or wait until one has taken over.',
  ),
  shutting_down: spec(503, 'after', 'The process is stopping', 'Try again.'),
  operation_interrupted: spec(503, 'backoff', 'The operation was interrupted', 'Ask for it again.'),

  // Kubernetes
  kubernetes_unreachable: spec(
    503,
    'backoff',
    "Kubernetes' API does not answer",
    'Check the API server, and that network policies let this Pod reach it.',
  ),
  kubernetes_refused: spec(
    503,
    'backoff',
    "Kubernetes' API refused the request",
    'Give the service account what the detail names; the chart makes the Roles (`rbac.create`).',
  ),

  // HTTP API
  bad_request: spec(400, 'never', 'The request is not valid', 'Correct what the detail names.'),
  unauthorized: spec(401, 'never', 'A valid token is needed', 'Send `Authorization: Bearer <ZONEKEEPER_API_TOKEN>`.'),
  not_permitted: spec(
    403,
    'never',
    'Kubernetes does not let this user do it',
    'Bind the user to one of the ClusterRoles `…-read` and `…-write`; see docs/install-kubernetes.md.',
  ),
  forbidden: spec(
    403,
    'never',
    'The request is not allowed',
    'Send it from the same origin with a Host that the daemon serves.',
  ),
  not_found: spec(404, 'never', 'There is no such thing', 'Check the address.'),
  not_tracked: spec(
    404,
    'never',
    'No record of this name is tracked',
    'See `zonekeeper records`; `zonekeeper adopt <fqdn>` takes over a foreign record.',
  ),
  still_wanted: spec(
    409,
    'never',
    'A consumer still wants the name',
    'Stop the consumer, or force the deletion (the record will return).',
  ),
  nothing_to_adopt: spec(
    409,
    'never',
    'There is nothing to adopt',
    'A name can be adopted when a foreign record of a wanted type holds it.',
  ),
  plan_changed: spec(
    409,
    'never',
    'The plan is not the one that was confirmed',
    'Look at the new plan and confirm its hash.',
  ),
  method_not_allowed: spec(405, 'never', 'The method is not allowed here', 'See the Allow header.'),
  body_too_large: spec(413, 'never', 'The body is too large', 'Send at most what the detail says.'),
  unsupported_media_type: spec(415, 'never', 'The body must be JSON', 'Send `Content-Type: application/json`.'),
  too_many_requests: spec(
    429,
    'after',
    'Too much is asked at once',
    'Try again after the time that Retry-After gives.',
  ),
  timeout: spec(504, 'backoff', 'It took too long', 'Ask again, or follow the operation that was started.'),
  internal: spec(500, 'backoff', 'An unexpected error', 'Report it with the log lines around it.'),
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** What may be told about one occurrence beside its sentence. */
export interface ErrorDetail {
  /** For `retry: 'after'`: how long to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Structured facts for the API's problem body; never a secret. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** See {@link ZonekeeperError.lasts}. */
  readonly lasts?: boolean;
  readonly cause?: unknown;
}

/** An error with a code of the registry. `message` says what happened in one sentence, `todo` what to do about it. */
export class ZonekeeperError extends Error {
  override readonly name = 'ZonekeeperError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly #lasts: boolean;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryAfterMs = detail.retryAfterMs;
    this.facts = detail.facts ?? {};
    this.#lasts = detail.lasts ?? false;
  }

  /**
   * Would the very same attempt fail again, for what it was given? Then something else that was attempted together with it may
   * succeed alone; where it lies in the connection, the server or the moment, that would fail like this.
   */
  get lasts(): boolean {
    return this.#lasts;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }

  get retry(): Retry {
    return this.spec.retry;
  }

  get todo(): string {
    return this.spec.todo;
  }
}

/** Is this one of ours, and (where a code is named) that one? */
export function isError(error: unknown, code?: ErrorCode): error is ZonekeeperError {
  return error instanceof ZonekeeperError && (code === undefined || error.code === code);
}

/** Anything thrown, as a {@link ZonekeeperError}; what is not one of ours becomes `internal`. */
export function toError(error: unknown): ZonekeeperError {
  if (error instanceof ZonekeeperError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ZonekeeperError('internal', message, { cause: error });
}

/** A problem (RFC 9457): what the API answers and the command line prints as JSON. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly todo: string;
  readonly retry: Retry;
  /** Facts of this occurrence. */
  readonly [fact: string]: unknown;
}

/** The problem for an error. Its facts come first, so that none of them replaces a standard member. */
export function problemBody(error: ZonekeeperError): ProblemBody {
  const { title, status, todo, retry } = error.spec;
  const type = `urn:zonekeeper:error:${error.code}`;
  return { ...error.facts, type, title, status, detail: error.message, code: error.code, todo, retry };
}
