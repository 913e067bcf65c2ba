import { createTraceState } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { contextOfHeaders, readContext, writeContext } from '../../../src/observability/trace-context.ts';

const ID = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
const read = (text: string) => readContext(text, createTraceState);

describe('a trace context', () => {
  it('is taken as the W3C writes it, and nothing else is', () => {
    expect(read(`00-${ID}-01`)).toMatchObject({ spanId: 'b7ad6b7169203331', traceFlags: 1 });
    expect(read(`cc-${ID}-00-what-the-future-adds`)).toMatchObject({ traceFlags: 0 });
    for (const wrong of [
      '',
      'x',
      `ff-${ID}-01`,
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `00-${ID.toUpperCase()}-01`,
    ])
      expect(read(wrong)).toBeNull();
  });

  it('comes out as it went in, with the state of whoever traced before', () => {
    for (const text of [`00-${ID}-01`, `00-${ID}-00`, `00-${ID}-01 congo=t61rcWkgMzE,rojo=00f067aa0ba902b7`]) {
      const context = read(text);
      expect(context === null ? null : writeContext(context)).toBe(text);
    }
  });

  it('is no longer for a state that is none', () => {
    const context = read(`00-${ID}-01 ${'x'.repeat(10_000)}`);
    expect(context === null ? null : writeContext(context)).toBe(`00-${ID}-01`);
  });

  it('is what the headers of a request say', () => {
    const traceparent = `00-${ID}-01`;
    expect(contextOfHeaders({})).toBeNull();
    expect(contextOfHeaders({ tracestate: 'a=b' })).toBeNull();
    expect(contextOfHeaders({ traceparent })).toBe(traceparent);
    expect(contextOfHeaders({ traceparent, tracestate: '' })).toBe(traceparent);
    expect(contextOfHeaders({ traceparent, tracestate: 'a=b, c=d' })).toBe(`${traceparent} a=b, c=d`);
    expect(contextOfHeaders({ traceparent: `${traceparent} a=b` })).toBeNull();
  });
});
