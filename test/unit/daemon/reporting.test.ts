import { describe, expect, it } from 'vitest';
import { reporting } from '../../../src/daemon/reporting.ts';
import type { Problem } from '../../../src/dns/desired.ts';
import { createLog } from '../../../src/observability/logger.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { Redactor } from '../../../src/observability/redactor.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SECRET = 'a-secret-of-somebody';

async function observed() {
  const clock = new VirtualClock();
  const lines: Record<string, unknown>[] = [];
  const redactor = new Redactor();
  redactor.add(SECRET);
  const { logger } = await createLog({
    level: 'info',
    format: 'json',
    redactor,
    output: { write: (line) => lines.push(JSON.parse(line)) },
  });
  const metrics = new Metrics({ build: { version: 'test', node_version: 'test' }, runtime: false });
  const announcer = { changed: () => undefined, stop: () => undefined } as unknown as Parameters<
    typeof reporting
  >[0]['announcer'];
  const observer = reporting({ metrics, log: logger, clock, announcer, events: null, tracing: null });
  const refused = (fqdn: string, error: Problem | null) =>
    observer.changed({
      fqdn,
      zone: 'example.com',
      action: 'create',
      result: error === null ? 'done' : 'refused',
      error,
      trigger: 'change',
      reason: 'It is missing.',
      operationId: null,
    });
  return { clock, lines, refused };
}

describe('the line of a change', () => {
  it('says why it was not made, by code and in the words of Cloudflare, beside why it is wanted', async () => {
    const { lines, refused } = await observed();
    refused('a.example.com', { code: 'cloudflare_quota', message: `Cloudflare answered 400: 81045 full, ${SECRET}.` });
    expect(lines).toMatchObject([
      {
        level: 'warn',
        msg: 'could not create a.example.com: Cloudflare answered 400: 81045 full, [redacted].',
        code: 'cloudflare_quota',
        reason: 'It is missing.',
        fqdn: 'a.example.com',
        result: 'refused',
      },
    ]);
  });

  it('is one for all that fail for one reason, and another for those that fail for another', async () => {
    const { clock, lines, refused } = await observed();
    for (let n = 0; n < 5; n += 1)
      refused(`n${n}.example.com`, { code: 'cloudflare_quota', message: 'The zone is full.' });
    refused('bad.example.com', { code: 'cloudflare_validation', message: 'It is not valid.' });
    expect(lines.map(({ fqdn, code }) => [fqdn, code])).toEqual([
      ['n0.example.com', 'cloudflare_quota'],
      ['bad.example.com', 'cloudflare_validation'],
    ]);
    await clock.advance(60_000);
    expect(lines.slice(2)).toMatchObject([{ code: 'cloudflare_quota', repeats: 4 }]);
  });

  it('of one that was made has neither', async () => {
    const { lines, refused } = await observed();
    refused('a.example.com', null);
    expect(lines[0]).toMatchObject({ level: 'info', msg: 'created a.example.com' });
    expect(lines[0]).not.toHaveProperty('code');
  });
});
