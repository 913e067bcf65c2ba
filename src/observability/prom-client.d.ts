/** Parts of prom-client that are loaded one by one: see runtime-metrics.ts. */
declare module 'prom-client/lib/registry.js' {
  export { Registry as default } from 'prom-client';
}

declare module 'prom-client/lib/counter.js' {
  export { Counter as default } from 'prom-client';
}

declare module 'prom-client/lib/metrics/*.js' {
  import type { Registry } from 'prom-client';

  /** Registers metrics that read their values at each scrape. `eventLoopMonitoringPrecision` is in milliseconds. */
  const collect: (registry: Registry, options: { readonly eventLoopMonitoringPrecision: number }) => void;
  export default collect;
}
