import type { Logger } from 'pino';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { Terms, type TermsOptions } from '../../../src/daemon/terms.ts';
import { ZonekeeperError } from '../../../src/errors.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { Warnings } from '../../../src/observability/warnings.ts';
import { settled, VirtualClock } from '../../support/virtual-clock.ts';

/** Terms of a process that is elected again and again. */
async function elected(rows: () => Promise<never>) {
  const env = { DATABASE_URL: 'postgresql://nowhere.test/db', CLOUDFLARE_API_TOKEN: 'a-token' };
  const config = await loadConfig({ env, needs: 'run' });
  const clock = new VirtualClock();
  const said: string[] = [];
  const resigned: string[] = [];
  const say = (_: unknown, message: string) => said.push(message);
  const log = { debug: () => undefined, info: say, warn: say, error: say } as unknown as Logger;
  const leadership = { epoch: 0, remainingMs: () => 8_000, resign: (reason: string) => resigned.push(reason) };
  const terms = new Terms({
    config,
    instance: 'one',
    leadership,
    db: { rows } as unknown as TermsOptions['db'],
    rules: {} as TermsOptions['rules'],
    announcer: {} as TermsOptions['announcer'],
    events: null,
    tracing: null,
    log,
    warnings: new Warnings({ log, clock }),
    metrics: new Metrics({ build: { version: '', node_version: '' }, runtime: false }),
    clock,
    random: () => 0.5,
  });
  const elect = async () => {
    leadership.epoch += 1;
    terms.begin(leadership.epoch);
    await settled();
  };
  return { terms, elect, said, resigned };
}

test('who cannot begin to lead says why once, and gives others the turn each time', async () => {
  const { terms, elect, said, resigned } = await elected(async () => {
    throw new ZonekeeperError('database_permission', 'PostgreSQL: permission denied for table migrations.');
  });
  for (let n = 0; n < 5; n += 1) await elect();
  expect(said).toEqual(['cannot lead: PostgreSQL: permission denied for table migrations.']);
  expect(resigned).toEqual(Array(5).fill('It cannot do the work.'));
  expect([terms.present, terms.cloudflare]).toEqual([null, null]);
});

test('who is told to stop, or leads no more, while it begins to lead, says nothing of why it could not', async () => {
  const asked = Promise.withResolvers<never>();
  const { terms, elect, said, resigned } = await elected(() => asked.promise);
  await elect();
  const stopped = terms.stop();
  asked.reject(new ZonekeeperError('database_unreachable', 'PostgreSQL: Connection terminated.'));
  await stopped;
  expect([said, resigned, terms.cloudflare]).toEqual([[], [], null]);
});
