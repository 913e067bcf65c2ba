import { readFile } from 'node:fs/promises';
import type { AuthenticationV1Api, AuthorizationV1Api, CoordinationV1Api, EventsV1Api } from '@kubernetes/client-node';
import { isError, ZonekeeperError } from '../errors.ts';

/** The parts of Kubernetes' API that are used, for one call: it is given up when the signal is aborted. */
export interface KubernetesApis {
  readonly leases: CoordinationV1Api;
  readonly events: EventsV1Api;
  readonly authentication: AuthenticationV1Api;
  readonly authorization: AuthorizationV1Api;
}

/** What the process knows of its own Pod, by the Downward API. */
export interface PodIdentity {
  /** Null outside of a Pod. */
  readonly name: string | null;
  readonly namespace: string;
  readonly uid: string | null;
}

/** A time as Kubernetes wants it for `MicroTime`: exactly six digits behind the point. */
export type MicroTime = (wallMs: number) => Date;

/** Kubernetes' API, and the address it was found at. */
export interface Kubernetes {
  readonly server: string;
  readonly pod: PodIdentity;
  readonly microTime: MicroTime;
  /**
   * Calls the API. Throws `kubernetes_refused` (401, 403) and `kubernetes_unreachable` (no answer, 5xx); other answers
   * are returned as the status that they have.
   */
  call<T>(signal: AbortSignal, work: (apis: KubernetesApis) => Promise<T>): Promise<T | KubernetesStatus>;
}

/** An answer that is no success, such as 404 or 409. */
export class KubernetesStatus {
  readonly code: number;
  readonly message: string;

  constructor(code: number, message: string) {
    this.code = code;
    this.message = message;
  }
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/**
 * Finds Kubernetes as kubectl does: KUBECONFIG, `~/.kube/config`, or the Pod's service account, whose token is read anew
 * before it expires. Throws `kubernetes_unreachable` where there is none. Loads the client, which is large.
 */
export async function connectKubernetes(
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Promise<Kubernetes> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new ZonekeeperError('kubernetes_unreachable', `The kubeconfig cannot be used: ${said(error)}`);
  }
  const cluster = config.getCurrentCluster();
  // The library's own guess where it found nothing.
  if (cluster === null || cluster.server === 'http://localhost:8080') {
    throw new ZonekeeperError(
      'kubernetes_unreachable',
      'There is no Kubernetes here: no service account of a Pod, no KUBECONFIG, no ~/.kube/config.',
    );
  }
  const { server } = cluster;
  const apis = (signal: AbortSignal): KubernetesApis => {
    const configuration = client.createConfiguration({
      baseServer: new client.ServerConfiguration(server, {}),
      authMethods: { default: config },
      promiseMiddleware: [
        {
          pre: async (request) => {
            request.setSignal(signal);
            request.setHeaderParam('User-Agent', `zonekeeper/${version}`);
            return request;
          },
          post: async (response) => response,
        },
      ],
    });
    return {
      leases: new client.CoordinationV1Api(configuration),
      events: new client.EventsV1Api(configuration),
      authentication: new client.AuthenticationV1Api(configuration),
      authorization: new client.AuthorizationV1Api(configuration),
    };
  };
  const context = config.getContextObject(config.getCurrentContext());
  return {
    server,
    pod: {
      name: env.POD_NAME || null,
      namespace: env.POD_NAMESPACE || (await namespaceOfPod()) || context?.namespace || 'default',
      uid: env.POD_UID || null,
    },
    microTime: (wallMs) => new client.V1MicroTime(wallMs),
    call: async (signal, work) => {
      try {
        return await work(apis(signal));
      } catch (error) {
        signal.throwIfAborted();
        return statusOf(error, server, client.ApiException);
      }
    },
  };
}

function statusOf(
  error: unknown,
  server: string,
  ApiException: typeof import('@kubernetes/client-node').ApiException,
): KubernetesStatus {
  if (isError(error)) throw error;
  if (!(error instanceof ApiException))
    throw new ZonekeeperError('kubernetes_unreachable', `${server}: ${said(error)}`, { cause: error });
  const { code } = error;
  const message = messageOf(error.body) ?? `HTTP ${code}`;
  if (code === 401 || code === 403) throw new ZonekeeperError('kubernetes_refused', message);
  if (code === 429 || code >= 500) throw new ZonekeeperError('kubernetes_unreachable', `${server}: ${message}`);
  return new KubernetesStatus(code, message);
}

/** Kubernetes answers errors with a Status object; some of the client's functions leave it as text. */
function messageOf(body: unknown): string | null {
  let status = body;
  if (typeof body === 'string') {
    try {
      status = JSON.parse(body);
    } catch {
      // A proxy's page says nothing that helps.
      return null;
    }
  }
  const { message } = (status ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message.slice(0, 500) : null;
}

/** `fetch failed` alone does not help: what it failed of stands in the cause. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

async function namespaceOfPod(): Promise<string | null> {
  try {
    return (await readFile(NAMESPACE_FILE, 'utf8')).trim();
  } catch {
    // Not in a Pod, or in one without a service account's token.
    return null;
  }
}
