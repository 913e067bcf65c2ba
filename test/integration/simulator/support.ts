import { BaseRecords } from 'cloudflare/resources/dns/records';
import { BaseZones } from 'cloudflare/resources/zones/zones';
import { createClient } from 'cloudflare/tree-shakable';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../src/simulator/simulator.ts';

/** An answer of the API, its body read. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // The tests look into bodies of every shape; each expectation says what it expects there.
  readonly body: Body;
}

/** The envelope, as far as tests read it. */
export interface Body {
  readonly success: boolean;
  readonly errors: readonly ErrorBody[];
  readonly messages: readonly { readonly code: number }[];
  readonly result: unknown;
  readonly result_info?: Readonly<Record<string, number>>;
}

export interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly error_chain?: readonly ErrorBody[];
  readonly source?: { readonly pointer: string };
}

/** A simulator with the ways in which the tests talk to it. */
export interface Bench extends AsyncDisposable {
  readonly simulator: Simulator;
  /** Id of the zone example.com. */
  readonly zone: string;
  /** A call of the API with a token. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** A call below the records of example.com. */
  records(method: string, path?: string, body?: unknown): Promise<Reply>;
  /** A call of the control side; the body alone, whatever it is. */
  control(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** The real SDK. */
  readonly sdk: ReturnType<typeof sdkFor>;
}

/** Starts a simulator with the Free zone example.com, unless other zones are asked for. */
export async function bench(options: SimulatorOptions = {}): Promise<Bench> {
  const simulator = await startSimulator({ zones: [{ name: 'example.com' }], rateLimit: 'off', ...options });
  const zone = simulator.zones().find(({ name }) => name === 'example.com')?.id ?? '';
  const call: Bench['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(simulator.url + path, {
      method,
      headers: { authorization: 'Bearer test-token', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  };
  return {
    simulator,
    zone,
    call,
    records: (method, path = '', body) => call(method, `/zones/${zone}/dns_records${path}`, body),
    control: async (method, path, body) => {
      const response = await fetch(`${simulator.origin}/_simulator${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    },
    sdk: sdkFor(simulator),
    [Symbol.asyncDispose]: () => simulator.close(),
  };
}

function sdkFor(simulator: Simulator) {
  return createClient({
    resources: [BaseRecords, BaseZones],
    apiToken: 'test-token',
    baseURL: simulator.url,
    maxRetries: 0,
  });
}

/** The codes of an answer, those behind others included, in order. */
export function codesOf({ body }: Reply): readonly number[] {
  const codes = (errors: readonly ErrorBody[]): number[] =>
    errors.flatMap(({ code, error_chain }) => [code, ...codes(error_chain ?? [])]);
  return codes(body.errors);
}

/** An A record; what is given is laid over it. */
export function a(name: string, extra: Readonly<Record<string, unknown>> = {}) {
  return { type: 'A', name, content: '192.0.2.1', ttl: 1, ...extra };
}
