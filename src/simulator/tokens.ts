import { FAILURES } from './failure.ts';
import { digest, type Zone } from './zone.ts';

/** `location`: refused because of the address that it is used from. */
export const TOKEN_STATUSES = ['active', 'disabled', 'expired', 'invalid', 'location'] as const;
export type TokenStatus = (typeof TOKEN_STATUSES)[number];

/** A token that the simulator knows, and what it may do. */
export interface TokenOptions {
  readonly token: string;
  /** `active` by default. */
  readonly status?: TokenStatus | undefined;
  /** `read`: DNS Read without DNS Write. `edit` by default. */
  readonly access?: 'edit' | 'read' | undefined;
  /** Names of the zones that it sees; all by default. */
  readonly zones?: readonly string[] | undefined;
}

/** A token that was accepted. */
export interface Grant {
  /** Identifier of the token, 32 hexadecimal digits. */
  readonly id: string;
  readonly mayWrite: boolean;
  sees(zone: Zone): boolean;
}

/** Tokens that are kept at most. */
export const MAX_TOKENS = 1_000;
const BEARER = /^Bearer +([\w.~+/=-]+) *$/i;

/** Tokens whose grant is kept. */
const MAX_GRANTS = 1_000;

/**
 * Who may call. Until tokens are named, any that is not empty will do; then only those that are. All belong to one user,
 * who is the one that the rate limit counts for.
 */
export class Tokens {
  #known = new Map<string, TokenOptions>();
  #open = true;
  /** What tokens were granted, until they change. */
  readonly #grants = new Map<string, Grant>();

  /** The accepted tokens; null to accept any. */
  set(tokens: readonly TokenOptions[] | null): void {
    this.#open = tokens === null;
    this.#grants.clear();
    this.#known = new Map((tokens ?? []).map((token) => [token.token, token]));
  }

  /** Adds a token or changes one, and leaves the others as they are. */
  put(token: TokenOptions): void {
    this.#known.set(token.token, token);
    this.#grants.delete(token.token);
  }

  list(): readonly TokenOptions[] {
    return [...this.#known.values()];
  }

  /** Are tokens accepted that are not in the list? */
  get open(): boolean {
    return this.#open;
  }

  /** Throws ApiFailure 9106, 6003, 9109 or 10000. `address` is the caller's. */
  authorize(header: string | undefined, address: string): Grant {
    const token = tokenOf(header);
    const options = this.#known.get(token) ?? (this.#open ? { token } : undefined);
    const status = options?.status ?? 'active';
    if (options === undefined || status === 'invalid') throw FAILURES.unknownToken();
    if (status === 'location') throw FAILURES.location(address);
    if (status !== 'active') throw FAILURES.notPermitted();
    let grant = this.#grants.get(token);
    if (grant === undefined) {
      // Whoever comes with a new token for each call must not fill the memory.
      if (this.#grants.size >= MAX_GRANTS) this.#grants.clear();
      grant = grantOf(token, options);
      this.#grants.set(token, grant);
    }
    return grant;
  }

  /** What token verification says of a token; it also answers for one that is not active. Throws ApiFailure. */
  verify(header: string | undefined, address: string): { readonly id: string; readonly status: TokenStatus } {
    const token = tokenOf(header);
    const options = this.#known.get(token) ?? (this.#open ? { token } : undefined);
    const status = options?.status ?? 'active';
    if (options === undefined || status === 'invalid') throw FAILURES.unknownTokenVerified();
    if (status === 'location') throw FAILURES.location(address);
    return { id: digest(`token ${token}`), status };
  }
}

function grantOf(token: string, options: TokenOptions): Grant {
  const zones = options.zones === undefined ? undefined : new Set(options.zones);
  return {
    id: digest(`token ${token}`),
    mayWrite: options.access !== 'read',
    sees: (zone) => zones?.has(zone.name) ?? true,
  };
}

function tokenOf(header: string | undefined): string {
  if (header === undefined) throw FAILURES.noCredentials();
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw FAILURES.malformedCredentials();
  return token;
}
