import { createHash } from 'node:crypto';
import type { Clock } from '../controller/clock.ts';
import { withTimeout } from '../controller/deadline.ts';
import { ZonekeeperError } from '../errors.ts';
import { type Kubernetes, KubernetesStatus } from './client.ts';

/** What somebody wants to do, as Kubernetes' RBAC can grant it: a verb on a non-resource URL. */
export type Wish = 'read' | 'write';

/** `read`: everything that changes nothing, metrics included. `write`: sync, delete, adopt. */
export const REVIEWED: Readonly<Record<Wish, { readonly path: string; readonly verb: string }>> = {
  read: { path: '/zonekeeper/read', verb: 'get' },
  write: { path: '/zonekeeper/write', verb: 'post' },
};

/** What Kubernetes says of a token: who it is, or why not. */
export type Verdict =
  | { readonly allowed: true; readonly user: string }
  | { readonly allowed: false; readonly user: string | null; readonly reason: string };

/** For so long an answer counts without asking again: a revoked right ends that much later. Milliseconds. */
const CACHE_MS = 10_000;
const MAX_CACHED = 1_000;
const CALL_MS = 5_000;

/** Asks Kubernetes who a bearer token is (TokenReview), and what that user may do (SubjectAccessReview). */
export class Reviews {
  readonly #kubernetes: Kubernetes;
  readonly #clock: Clock;
  /** By digest, so that no token is kept. Oldest first. */
  readonly #cache = new Map<string, { readonly until: number; readonly verdict: Promise<Verdict> }>();

  constructor(kubernetes: Kubernetes, clock: Clock) {
    this.#kubernetes = kubernetes;
    this.#clock = clock;
  }

  /** Throws `kubernetes_unreachable` or `kubernetes_refused` where Kubernetes cannot be asked. */
  async review(token: string, wish: Wish): Promise<Verdict> {
    const key = createHash('sha256').update(`${wish} ${token}`).digest('base64');
    const now = this.#clock.now();
    const known = this.#cache.get(key);
    if (known !== undefined && known.until > now) return known.verdict;
    this.#cache.delete(key);
    for (const [old, { until }] of this.#cache) {
      if (until > now && this.#cache.size < MAX_CACHED) break;
      this.#cache.delete(old);
    }
    const verdict = withTimeout(this.#clock, CALL_MS, (signal) => this.#ask(token, wish, signal)).catch((error) => {
      this.#cache.delete(key);
      throw error instanceof ZonekeeperError
        ? error
        : new ZonekeeperError('kubernetes_unreachable', `Kubernetes did not answer: ${(error as Error).message}`);
    });
    this.#cache.set(key, { until: now + CACHE_MS, verdict });
    return verdict;
  }

  async #ask(token: string, wish: Wish, signal: AbortSignal): Promise<Verdict> {
    const reviewed = await this.#kubernetes.call(signal, ({ authentication }) =>
      authentication.createTokenReview({ body: { spec: { token } } }),
    );
    if (reviewed instanceof KubernetesStatus) throw new ZonekeeperError('kubernetes_refused', reviewed.message);
    const { authenticated, user } = reviewed.status ?? {};
    if (authenticated !== true || user?.username === undefined) {
      return { allowed: false, user: null, reason: 'Kubernetes does not know the token.' };
    }
    const { username, uid, groups, extra } = user;
    const { path, verb } = REVIEWED[wish];
    const access = await this.#kubernetes.call(signal, ({ authorization }) =>
      authorization.createSubjectAccessReview({
        body: {
          spec: {
            user: username,
            nonResourceAttributes: { path, verb },
            ...(uid !== undefined && { uid }),
            ...(groups !== undefined && { groups }),
            ...(extra !== undefined && { extra }),
          },
        },
      }),
    );
    if (access instanceof KubernetesStatus) throw new ZonekeeperError('kubernetes_refused', access.message);
    if (access.status?.allowed === true) return { allowed: true, user: username };
    return { allowed: false, user: username, reason: `${username} may not ${verb} ${path} in Kubernetes.` };
  }
}
