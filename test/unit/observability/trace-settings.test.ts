import { describe, expect, it } from 'vitest';
import { traceSettings } from '../../../src/observability/trace-settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };

describe('traces', () => {
  it.each([
    [false, {}],
    [true, ENDPOINT],
    [true, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }],
    // To the endpoint of the standard, on this machine.
    [true, { OTEL_TRACES_EXPORTER: 'otlp' }],
    [true, { OTEL_TRACES_EXPORTER: 'console, otlp' }],
    [false, { OTEL_TRACES_EXPORTER: '' }],
    [true, { ...ENDPOINT, OTEL_TRACES_EXPORTER: '' }],
    [false, { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    [false, { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'console' }],
    [false, { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }],
    [false, { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'TRUE' }],
  ])('are wanted (%s) by %j', (wanted, env) => {
    expect(traceSettings(env).wanted).toBe(wanted);
  });

  it('are refused by name where they are asked for by what is not there', () => {
    const unsupported = (env: Record<string, string>) => traceSettings(env).unsupported;
    expect(unsupported({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })).toEqual([]);
    expect(unsupported({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([]);
    expect(unsupported({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([]);
    expect(unsupported({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL: the protocol "grpc" is not supported, traces are sent by http/json',
    ]);
    const both = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' };
    expect(unsupported({ ...ENDPOINT, ...both })).toEqual([
      'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: the protocol "http/protobuf" is not supported, traces are sent by http/json',
    ]);
    expect(unsupported({ OTEL_TRACES_EXPORTER: 'zipkin' })).toEqual([
      'OTEL_TRACES_EXPORTER: the exporter "zipkin" is not supported, only "otlp" and "none" are',
    ]);
  });

  it('have secrets in their headers, as they are written and as they are sent', () => {
    const env = {
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20one-secret, x-scope=short',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=another=secret',
    };
    expect(new Set(traceSettings(env).secrets)).toEqual(
      new Set(['Bearer%20one-secret', 'Bearer one-secret', 'one-secret', 'another=secret']),
    );
    expect(traceSettings({ OTEL_EXPORTER_OTLP_HEADERS: env.OTEL_EXPORTER_OTLP_HEADERS }).secrets).toEqual([]);
  });
});
