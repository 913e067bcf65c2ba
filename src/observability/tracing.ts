import type { Attributes, Context, Span, SpanContext, Tracer } from '@opentelemetry/api';

/** A run of a name with its steps, as the core tells it. Wall-clock milliseconds. */
export interface TracedRun {
  readonly fqdn: string;
  readonly trigger: string;
  readonly operationId: string | null;
  /** W3C trace context of the request that asked for it. */
  readonly traceparent: string | null;
  readonly since: number;
  readonly until: number;
  readonly steps: readonly {
    readonly name: string;
    readonly from: number;
    readonly to: number;
    readonly within: string | null;
  }[];
  readonly state: string;
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly changes: number;
}

/** A request that is traced. */
export interface TracedRequest {
  /** For whatever the request sets off. */
  readonly traceparent: string;
  end(status: number): void;
}

/** Spans by OpenTelemetry, exported by OTLP over HTTP. */
export interface Tracing {
  /** A request begins; `traceparent` is what its header says. */
  request(name: string, traceparent: string | undefined, attributes: Attributes): TracedRequest;
  /** One change, from the commit or detection to Cloudflare's answer: one tree. */
  run(run: TracedRun): void;
  /** Sends what is left, and ends. Never throws. */
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Does the environment ask for traces? By OpenTelemetry's own variables. */
export function tracesWanted(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false;
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/** Null, with nothing loaded, where no traces are wanted. Sampling, headers, limits: by the standard `OTEL_*` variables. */
export async function startTracing(
  env: Environment,
  version: string,
  redact: (text: string) => string,
): Promise<Tracing | null> {
  if (!tracesWanted(env)) return null;
  const { api, ...parts } = await import('./opentelemetry.ts');
  const resource = parts
    .resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME || 'zonekeeper', 'service.version': version })
    .merge(parts.detectResources({ detectors: [parts.envDetector] }));
  const provider = new parts.BasicTracerProvider({
    resource,
    spanProcessors: [new parts.BatchSpanProcessor(new parts.OTLPTraceExporter())],
  });
  return new Spans(api, provider.getTracer('zonekeeper', version), redact, () => provider.shutdown());
}

type Api = typeof import('@opentelemetry/api');

class Spans implements Tracing {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #redact: (text: string) => string;
  readonly #shutdown: () => Promise<void>;

  constructor(api: Api, tracer: Tracer, redact: (text: string) => string, shutdown: () => Promise<void>) {
    this.#api = api;
    this.#tracer = tracer;
    this.#redact = redact;
    this.#shutdown = shutdown;
  }

  request(name: string, traceparent: string | undefined, attributes: Attributes): TracedRequest {
    const { SpanKind, SpanStatusCode } = this.#api;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, this.#under(traceparent ?? null));
    return {
      traceparent: traceparentOf(span.spanContext()),
      end: (status) => {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  run({ fqdn, trigger, operationId, traceparent, since, until, steps, state, problem, changes }: TracedRun): void {
    const attributes: Attributes = {
      'zonekeeper.fqdn': fqdn,
      'zonekeeper.trigger': trigger,
      'zonekeeper.state': state,
      'zonekeeper.changes': changes,
      ...(operationId !== null && { 'zonekeeper.operation_id': operationId }),
      ...(problem !== null && { 'error.type': problem.code }),
    };
    const root = this.#tracer.startSpan(
      `change ${trigger}`,
      { startTime: new Date(since), attributes },
      this.#under(traceparent),
    );
    if (problem !== null) {
      root.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: this.#redact(problem.message) });
    }
    const spans = new Map<string | null, Span>([[null, root]]);
    // What others are made of comes first.
    const ordered = [...steps].sort((a, b) => Number(a.within !== null) - Number(b.within !== null) || a.from - b.from);
    for (const { name, from, to, within } of ordered) {
      const parent = this.#api.trace.setSpan(this.#api.ROOT_CONTEXT, spans.get(within) ?? root);
      const span = this.#tracer.startSpan(name, { startTime: new Date(from) }, parent);
      span.end(new Date(to));
      if (within === null) spans.set(name, span);
    }
    root.end(new Date(until));
  }

  async stop(): Promise<void> {
    try {
      await this.#shutdown();
    } catch {
      // Spans are for people who look: what cannot be sent at the end is not worth a failed stop.
    }
  }

  #under(traceparent: string | null): Context {
    const { ROOT_CONTEXT, trace } = this.#api;
    const parent = traceparent === null ? null : parseTraceparent(traceparent);
    return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  }
}

/** Source: https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** Null for what is none. */
export function parseTraceparent(text: string): SpanContext | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
