import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../controller/clock.ts';
import { connectCluster } from '../daemon/cluster.ts';
import { Daemon } from '../daemon/daemon.ts';
import { instanceName } from '../daemon/instance.ts';
import { toError } from '../errors.ts';
import { snapshotOnSignal } from '../observability/heap-snapshot.ts';
import { Metrics } from '../observability/metrics.ts';
import { startTracing } from '../observability/tracing.ts';
import { Warnings } from '../observability/warnings.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';

/**
 * The old generation is collected when it has grown by this share, instead of V8's up to 300 %. A list of a large zone makes
 * garbage in waves; a daemon that stays up for months should not keep the size of its largest wave for good.
 */
const HEAP_GROWTH_PERCENT = 50;

/** The daemon, until it is told to stop. */
export default async function run(context: CommandContext): Promise<number> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  const config = await context.config('run');
  const log = await context.log(config);
  const { version, signal, redactor } = context;
  const warnings = new Warnings({ log: log.logger, clock: systemClock });
  const metrics = new Metrics({
    build: { version, node_version: process.version },
    onScrapeError: (thrown) => {
      const error = toError(thrown);
      warnings.failed('scrape', error, `a scrape is not complete: ${error.message}`);
    },
  });
  const instance = instanceName();
  const redact = (text: string) => redactor.text(text);
  const parts = { config, version, instance, redact, clock: systemClock, log: log.logger };
  const daemon = new Daemon({
    config,
    version,
    instance,
    tracing: await startTracing({ env: process.env, version, redactor, warnings }),
    cluster: await connectCluster({ ...parts, env: process.env }),
    log: log.logger,
    metrics,
    clock: systemClock,
    random: Math.random,
    onSecret: (value) => redactor.add(value),
  });
  const restore = snapshotOnSignal({ source: process, folder: config.heapSnapshots, log: log.logger });
  try {
    await daemon.start();
    await aborted(signal);
    await daemon.stop();
    return EXIT.ok;
  } finally {
    restore();
  }
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
