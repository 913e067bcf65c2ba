import type { SpanContext, TraceState } from '@opentelemetry/api';

/** Headers of a request, as far as they tell which trace it belongs to. */
export interface TraceHeaders {
  readonly traceparent?: string | string[] | undefined;
  readonly tracestate?: string | string[] | undefined;
}

/** Source: https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/**
 * A trace context travels through operations and queues as one text: the W3C `traceparent` and, where there is one, the
 * `tracestate` behind a space. Null for what is none.
 */
export function readContext(text: string, stateOf: (text: string) => TraceState): SpanContext | null {
  const [traceparent = '', ...rest] = text.split(' ');
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return rest.length === 0 ? context : { ...context, traceState: stateOf(rest.join(' ')) };
}

/** The text for the context of a span. */
export function writeContext({ traceId, spanId, traceFlags, traceState }: SpanContext): string {
  const state = traceState?.serialize() ?? '';
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  return state === '' ? traceparent : `${traceparent} ${state}`;
}

/** The text for what a request says; null where it says nothing. */
export function contextOfHeaders({ traceparent, tracestate }: TraceHeaders): string | null {
  if (typeof traceparent !== 'string' || traceparent.includes(' ')) return null;
  return typeof tracestate === 'string' && tracestate.trim() !== '' ? `${traceparent} ${tracestate}` : traceparent;
}
