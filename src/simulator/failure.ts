/** One element of `errors`, as Cloudflare writes it. */
export interface ApiError {
  readonly code: number;
  readonly message: string;
  /** What is behind a general error such as 1004. */
  readonly error_chain?: readonly ApiError[];
  /** JSON pointer to the part of the body that is at fault. */
  readonly source?: { readonly pointer: string };
}

/** A request that is answered with an error: thrown where the fault is found, turned into an answer in one place. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly errors: readonly ApiError[];

  constructor(status: number, ...errors: readonly ApiError[]) {
    super(errors.map(({ code, message }) => `${message} (${code})`).join('; '));
    this.status = status;
    this.errors = errors;
  }
}

const SAME_NAME =
  'For more details, refer to <https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/>.';

/** A refused record with its own code in front: what Cloudflare does for contents and targets. */
export function refused(code: number, message: string): ApiFailure {
  return new ApiFailure(400, { code, message });
}

/** A refused record with the reason behind 1004: what Cloudflare does for ttl, tags and names. */
export function invalid(code: number, message: string): ApiFailure {
  return new ApiFailure(400, { code: 1004, message: 'DNS Validation Error', error_chain: [{ code, message }] });
}

/**
 * The errors of the simulated API. Codes, statuses and wordings are those that users of the API report in public; where
 * only the number of a code is known, the wording is ours.
 */
export const FAILURES = {
  cnameOrAddressHoldsName: () =>
    refused(81053, `An A, AAAA, or CNAME record with that host already exists. ${SAME_NAME}`),
  cnameHoldsName: () => refused(81054, `A CNAME record with that host already exists. ${SAME_NAME}`),
  nsHoldsName: () => refused(81056, `NS records with that host already exist. ${SAME_NAME}`),
  recordExists: () => refused(81057, 'The record already exists.'),
  identicalRecord: () => refused(81058, 'An identical record already exists.'),
  noRecord: () => new ApiFailure(404, { code: 81044, message: 'Record does not exist.' }),
  quota: () => refused(81045, 'Record quota exceeded.'),

  body: () => refused(9207, 'Request body is invalid.'),
  contentType: () => refused(9207, 'Content-type must be application/json.'),
  batchTooLarge: (limit: number) => invalid(9207, `Batch is limited to ${limit} operations.`),
  page: (name: string) => invalid(9207, `Invalid ${name}.`),

  name: () => invalid(9000, 'DNS name is invalid.'),
  type: () => invalid(9004, 'DNS record type is invalid.'),
  ipv4: () => refused(9005, 'Content for A record must be a valid IPv4 address.'),
  ipv6: () => refused(9006, 'Content for AAAA record must be a valid IPv6 address.'),
  hostName: (type: string) => refused(9007, `Content for ${type} record is invalid.`),
  content: (type: string) => invalid(9009, `Content for ${type} record is invalid.`),
  targetNotProxiable: (target: string) => refused(9003, `Target ${target} is not allowed for a proxied record.`),
  notProxiable: () => refused(9041, 'This DNS record cannot be proxied.'),
  proxied: () => invalid(9041, 'Invalid proxied mode.'),
  ttl: (min: number) => invalid(9021, `TTL must be between ${min} and 86400 seconds, or 1 for Automatic.`),
  ownTarget: () => invalid(9039, 'CNAME record cannot reference itself.'),
  priority: (type: string) => invalid(9101, `priority is a required field for ${type} records.`),
  tags: (count: number, quota: number) =>
    invalid(9300, `DNS record has ${count} tags, exceeding the quota of ${quota}.`),
  tag: () => invalid(9301, 'DNS record tag is invalid.'),
  commentLength: (max: number) => refused(9313, `DNS record comment exceeds the maximum length of ${max} characters.`),
  comment: () => invalid(9312, 'DNS record comment contains invalid characters.'),

  noCredentials: () =>
    new ApiFailure(400, { code: 9106, message: 'Missing X-Auth-Key, X-Auth-Email or Authorization headers' }),
  malformedCredentials: () =>
    new ApiFailure(400, {
      code: 6003,
      message: 'Invalid request headers',
      error_chain: [{ code: 6111, message: 'Invalid format for Authorization header' }],
    }),
  unknownToken: () => new ApiFailure(403, { code: 9109, message: 'Invalid access token' }),
  unknownTokenVerified: () => new ApiFailure(401, { code: 1000, message: 'Invalid API Token' }),
  location: (address: string) =>
    new ApiFailure(403, { code: 9109, message: `Cannot use the access token from location: ${address}` }),
  notPermitted: () => new ApiFailure(403, { code: 10000, message: 'Authentication error' }),

  noZone: (path: string) =>
    new ApiFailure(404, {
      code: 7003,
      message: `Could not route to ${path}, perhaps your object identifier is invalid?`,
    }),
  noRoute: (path: string) =>
    new ApiFailure(
      404,
      { code: 7003, message: `Could not route to ${path}, perhaps your object identifier is invalid?` },
      { code: 7000, message: 'No route for that URI' },
    ),
  method: () => new ApiFailure(405, { code: 10405, message: 'Method not allowed for this authentication scheme' }),
  tooLarge: () => new ApiFailure(413, { code: 9207, message: 'Request body is too large.' }),
} as const;
