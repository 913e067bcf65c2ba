import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Redactor } from './redactor.ts';
import { contextOfHeaders, readContext, type TraceHeaders, writeContext } from './trace-context.ts';
import { traceSettings } from './trace-settings.ts';
import type { Warnings } from './warnings.ts';

/** A run of a name with its steps, as the core tells it. Wall-clock milliseconds. */
export interface TracedRun {
  readonly fqdn: string;
  readonly trigger: string;
  readonly operationId: string | null;
  /** Trace context of the request that asked for it, or of the first attempt. */
  readonly traceparent: string | null;
  /** 1 for the first. */
  readonly attempt: number;
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
  /** A request begins; its headers say below what. */
  request(name: string, headers: TraceHeaders, attributes: Attributes): TracedRequest;
  /** One attempt of a change, from the commit or detection to Cloudflare's answer. Returns its trace context, for attempts after it. */
  run(run: TracedRun): string;
  /** Sends what is left, and ends. Never throws. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Hides secrets in what is sent, and is told those of the exporter. */
  readonly redactor: Pick<Redactor, 'text' | 'add'>;
  readonly warnings: Pick<Warnings, 'say'>;
}

/** Null, with nothing loaded, where no traces are wanted. Endpoint, sampling, limits: by the standard `OTEL_*` variables. */
export async function startTracing({ env, version, redactor, warnings }: TracingOptions): Promise<Tracing | null> {
  const { wanted, unsupported, secrets } = traceSettings(env);
  for (const secret of secrets) redactor.add(secret);
  for (const sentence of unsupported) warnings.say(sentence, sentence);
  if (!wanted) return null;
  const { api, ...parts } = await import('./opentelemetry.ts');
  // Of what it says itself, only that of settings: what cannot be sent is told below.
  const silent = () => undefined;
  const warn = (message: string) => warnings.say(`traces ${message}`, `traces: ${message}`);
  api.diag.setLogger(
    { warn, error: silent, info: silent, debug: silent, verbose: silent },
    {
      logLevel: api.DiagLogLevel.WARN,
      suppressOverrideMessage: true,
    },
  );
  const resource = parts
    .resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME || 'zonekeeper', 'service.version': version })
    .merge(parts.detectResources({ detectors: [parts.envDetector] }));
  const exporter = telling(new parts.OTLPTraceExporter(), ({ message }) =>
    warnings.say('traces unsent', `traces could not be sent: ${message}`),
  );
  const provider = new parts.BasicTracerProvider({
    resource,
    spanProcessors: [new parts.BatchSpanProcessor(exporter)],
  });
  const redact = (text: string) => redactor.text(text);
  return new Spans(api, provider.getTracer('zonekeeper', version), redact, () => provider.shutdown());
}

/** The exporter, with somebody who hears what it could not send. */
function telling(exporter: SpanExporter, onFailed: (error: Error) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        // 0 is success.
        if (result.code !== 0) onFailed(result.error ?? new Error('no reason is known'));
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
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

  request(name: string, headers: TraceHeaders, attributes: Attributes): TracedRequest {
    const { SpanKind, SpanStatusCode } = this.#api;
    const parent = this.#under(contextOfHeaders(headers));
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    return {
      traceparent: writeContext(span.spanContext()),
      end: (status) => {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  run(run: TracedRun): string {
    const { fqdn, trigger, operationId, traceparent, attempt, since, until, steps, state, problem, changes } = run;
    const attributes: Attributes = {
      'zonekeeper.fqdn': fqdn,
      'zonekeeper.trigger': trigger,
      'zonekeeper.state': state,
      'zonekeeper.changes': changes,
      'zonekeeper.attempt': attempt,
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
    return writeContext(root.spanContext());
  }

  async stop(): Promise<void> {
    try {
      await this.#shutdown();
    } catch {
      // Spans are for people who look: what cannot be sent at the end is not worth a failed stop.
    }
  }

  #under(traceparent: string | null): Context {
    const { ROOT_CONTEXT, createTraceState, trace } = this.#api;
    const parent = traceparent === null ? null : readContext(traceparent, createTraceState);
    return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  }
}
